package system

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/devports/devports/allocator/process"
)

// The watchdog ends orphans, which lead sessions of their own, but not shared
// programs. Its state survives writing and reading.
func TestWatchdogAndOrphans(t *testing.T) {
	sleep, err := exec.LookPath("sleep")
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(sleep)
	if err != nil {
		t.Fatal(err)
	}
	shared := filepath.Join(t.TempDir(), "gpg-agent")
	if err := os.WriteFile(shared, program, 0o700); err != nil {
		t.Fatal(err)
	}
	written := newWatchdogState()
	begin := func(path string) process.ID {
		cmd := exec.Command(path, "1000")
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		})
		id, err := process.Find(cmd.Process.Pid)
		if err != nil {
			t.Fatal(err)
		}
		if err := written.apply(orphanLine(id)); err != nil {
			t.Fatal(err)
		}
		return id
	}
	agent, orphan := begin(shared), begin(sleep)
	read := newWatchdogState()
	for line := range strings.Lines(string(written.lines())) {
		if err := read.apply(strings.TrimSpace(line)); err != nil {
			t.Errorf("%q: %v", line, err)
		}
	}
	read.killOrphans(watchdogGrace)
	if !agent.Alive() || orphan.Alive() {
		t.Errorf("the agent lives: %v, the orphan lives: %v", agent.Alive(), orphan.Alive())
	}
}
