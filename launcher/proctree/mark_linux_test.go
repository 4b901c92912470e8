package proctree

import (
	"os/exec"
	"testing"

	"github.com/devports/devports/allocator/process"
)

func TestMark(t *testing.T) {
	const variable = "PROCTREE_TEST_MARK=1"
	run, other := process.RunTag("one"), process.RunTag("another")
	for _, test := range []struct {
		name    string
		tag     process.Tag
		environ []string
		want    bool
	}{
		{"nothing", 0, nil, false},
		{"only the variable", 0, []string{variable}, true},
		{"only the tag", run.Service("web"), nil, true},
		{"the launcher", run, nil, false},
		{"the watchdog", run.Watchdog(), []string{variable}, false},
		{"released", process.Outside, []string{variable}, false},
		{"a service of another run", other.Service("web"), []string{variable}, false},
		{"the launcher of a run in a service", other, []string{variable}, true},
		{"the launcher of another run", other, nil, false},
		{"the watchdog of another run", other.Watchdog(), nil, false},
	} {
		cmd := exec.Command("sleep", "1000")
		cmd.Env = append(test.environ, "X=1")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		pid := cmd.Process.Pid
		defer func() {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}()
		if test.tag != 0 {
			if err := test.tag.Attach(pid); err != nil {
				t.Skip(err)
			}
		}
		if got := (Mark{variable, run}).On(pid); got != test.want {
			t.Errorf("%s: %v", test.name, got)
		}
	}
}
