package launcher

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/devports/devports/allocator/process"
)

// sleepTime is a number of seconds for which no other process sleeps.
func sleepTime(t *testing.T) string {
	n, err := rand.Int(rand.Reader, big.NewInt(1e9))
	if err != nil {
		t.Fatal(err)
	}
	mark := fmt.Sprintf("3600.%09d", n)
	t.Cleanup(func() {
		for _, id := range sleepers(mark) {
			_ = id.Signal(syscall.SIGKILL)
		}
	})
	return mark
}

// sleepers returns the live processes `PROGRAM MARK`. It omits processes that
// are still `env` or setsid(1): during exec they have no command line for a
// moment.
func sleepers(mark string) (ids []process.ID) {
	pids, _ := process.All()
	for _, pid := range pids {
		line, _ := os.ReadFile(process.File(pid, "cmdline"))
		if !bytes.HasSuffix(line, []byte("\x00"+mark+"\x00")) || bytes.Count(line, []byte{0}) != 2 {
			continue
		}
		if stat, err := process.ReadStat(pid); err == nil && !stat.Zombie {
			ids = append(ids, stat.ID)
		}
	}
	return ids
}

// await waits until there are n of them.
func await(t *testing.T, mark string, n int) (ids []process.ID) {
	t.Helper()
	awaitThat(t, fmt.Sprintf("%d processes sleep", n), func() bool {
		ids = sleepers(mark)
		return len(ids) == n
	})
	return ids
}

// awaitThat polls until a condition holds that no event reports.
func awaitThat(t *testing.T, condition string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not in time: " + condition)
		}
	}
}

// The children of a program outside the run are outside, too, even without any
// mark in their environment.
func TestUnmarkedOutside(t *testing.T) {
	mark, controller := sleepTime(t), NewController()
	w := runWith(t, plan(t, "[services]\nweb = 'exec sleep 1000'"), Options{Instance: &Instance{Dedicated: true}, Controller: controller})
	w.happened("started", "web")
	command := strings.ReplaceAll(`(env -i PATH="$PATH" setsid sh -c "sleep M & exec sleep M" &) ; env -i setsid sleep M & exec sleep M`, "M", mark)
	if _, err := controller.StartOutside(t.Context(), "sh", "-c", command); err != nil {
		t.Fatal(err)
	}
	before := await(t, mark, 4)
	w.signals <- syscall.SIGINT
	w.status()
	if after := sleepers(mark); !slices.Equal(before, after) {
		t.Errorf("before: %v, after: %v", before, after)
	}
}

// Processes that leave a service at once, without any mark in their
// environment, end with the service.
func TestUnmarkedOrphan(t *testing.T) {
	mark, controller := sleepTime(t), NewController()
	command := strings.ReplaceAll(`(env -i setsid sleep M &); exec sleep 1000`, "M", mark)
	w := runWith(t, plan(t, "[services]\nweb = '"+command+"'"), Options{Instance: &Instance{Dedicated: true}, Controller: controller})
	before := await(t, mark, 1)
	if err := controller.Restart(t.Context(), "web"); err != nil {
		t.Fatal(err)
	}
	w.until("a second start", func(events []Event, _ string) bool {
		n := 0
		for _, e := range events {
			if KindOf(e) == "started" {
				n++
			}
		}
		return n == 2
	})
	if after := await(t, mark, 1); slices.Equal(before, after) {
		t.Errorf("%v lives", before)
	}
	w.signals <- syscall.SIGINT
	w.status()
	if left := sleepers(mark); len(left) > 0 {
		t.Errorf("%v live", left)
	}
}

// copyProgram copies a program to a file, and returns its path.
func copyProgram(t *testing.T, name, to string) (path string) {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(to, program, 0o700)
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// Processes that a shared program starts while the service runs are outside as
// well, even once they are orphans. Processes still in the service's group are
// not.
func TestStartedBySharedProgram(t *testing.T) {
	mark, within, first, dir := sleepTime(t), sleepTime(t), sleepTime(t), t.TempDir()
	copyProgram(t, "sh", dir+"/tmux")
	copyProgram(t, "sleep", dir+"/gpg-agent")
	copyProgram(t, "sleep", dir+"/zellij")
	script := fmt.Sprintf("until test -e %[2]s/go; do sleep 0.01; done; (setsid sleep %[1]s &); exec sleep %[1]s", mark, dir)
	if err := os.WriteFile(dir+"/server", []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	command := fmt.Sprintf("(setsid %[1]s/zellij %[3]s &); (%[1]s/gpg-agent %[2]s &); until test -e %[1]s/found; do sleep 0.01; done; (setsid %[1]s/tmux %[1]s/server &); exec sleep 1000", dir, within, first)
	w := runWith(t, plan(t, "[services]\nweb = '"+command+"'"), Options{Instance: &Instance{Dedicated: true}})
	await(t, within, 1)
	pid := await(t, first, 1)[0].PID
	awaitThat(t, "the first one is released", func() bool {
		tag, _ := process.TagOf(pid)
		return tag == process.Outside
	})
	if err := os.WriteFile(dir+"/found", nil, 0o600); err != nil { // so the run has already searched
		t.Fatal(err)
	}
	awaitServer := func(what string, is func(pid int) bool) {
		t.Helper()
		awaitThat(t, "the server "+what, func() bool {
			pids, _ := process.All()
			return slices.ContainsFunc(pids, func(pid int) bool { return strings.Contains(process.Command(pid), dir+"/server") && is(pid) })
		})
	}
	awaitServer("runs", func(pid int) bool {
		path, _ := process.Executable(pid)
		stat, _ := process.ReadStat(pid)
		return path == dir+"/tmux" && stat.Parent == os.Getpid()
	})
	awaitServer("is released", func(pid int) bool {
		tag, _ := process.TagOf(pid)
		return tag == process.Outside
	})
	if err := os.WriteFile(dir+"/go", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	before := await(t, mark, 2)
	w.signals <- syscall.SIGINT
	w.status()
	if after := sleepers(mark); !slices.Equal(before, after) {
		t.Errorf("before: %v, after: %v", before, after)
	}
	if left := sleepers(within); len(left) > 0 {
		t.Errorf("%v live in the group of the service", left)
	}
	var reports []string
	for _, e := range w.events {
		if l, ok := e.(LeftRunning); ok {
			reports = append(reports, l.Process.Service)
		}
	}
	if !slices.Equal(reports, []string{"web", "web"}) {
		t.Errorf("left running, started by: %v", reports)
	}
}

// What is left running can still write to the output that it has inherited.
func TestLeftRunningWrites(t *testing.T) {
	dir, controller := t.TempDir(), NewController()
	script := `touch "$0.began"; until test -e "$0.go"; do sleep 0.01; done; head -c 1000000 /dev/zero && touch "$0.written"`
	if err := os.WriteFile(dir+"/tool", []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	awaitFile := func(name string) {
		t.Helper()
		awaitThat(t, name+" exists", func() bool {
			_, err := os.Stat(dir + "/" + name)
			return err == nil
		})
	}
	command := fmt.Sprintf("DEVPORTS_OUTSIDE=1 setsid sh %s/tool & exec sleep 1000", dir)
	w := runWith(t, plan(t, "[services]\nweb = '"+command+"'"), Options{Instance: &Instance{Dedicated: true}, Controller: controller})
	awaitFile("tool.began")
	if err := controller.Stop(t.Context(), "web"); err != nil {
		t.Fatal(err)
	}
	if _, err := controller.Wait(t.Context(), Status.Ended, "web"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir+"/tool.go", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	awaitFile("tool.written")
	w.signals <- syscall.SIGINT
	w.status()
}

// A chain of processes ends with its service, though each starts the next in a
// session of its own and ends, without any mark in its environment.
func TestChainEndsWithService(t *testing.T) {
	dir, controller := t.TempDir(), NewController()
	script := `: > "$0.began"; setsid sh "$0" &`
	if err := os.WriteFile(dir+"/chain", []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	goesOn := func() bool {
		_ = os.Remove(dir + "/chain.began")
		for end := time.Now().Add(100 * time.Millisecond); time.Now().Before(end); time.Sleep(time.Millisecond) {
			if _, err := os.Stat(dir + "/chain.began"); err == nil {
				return true
			}
		}
		return false
	}
	t.Cleanup(func() { _ = os.Remove(dir + "/chain") }) // ends the chain
	command := fmt.Sprintf(`env -i PATH="$PATH" setsid sh %s/chain & exec sleep 1000`, dir)
	p := plan(t, "[services.web]\ncommand = '"+command+"'\nstop_timeout = '300ms'\n[services.other]\ncommand = 'exec sleep 1000'")
	w := runWith(t, p, Options{Instance: &Instance{Dedicated: true}, Controller: controller})
	w.happened("started", "web")
	for range 10 {
		for end := time.Now().Add(time.Minute); !goesOn(); {
			if time.Now().After(end) {
				t.Fatal("the chain does not begin")
			}
		}
		if err := controller.Stop(t.Context(), "web"); err != nil {
			t.Fatal(err)
		}
		if _, err := controller.Wait(t.Context(), Status.Ended, "web"); err != nil {
			t.Fatal(err)
		}
		if goesOn() {
			t.Fatal("the chain goes on")
		}
		if err := controller.Start(t.Context(), "web"); err != nil {
			t.Fatal(err)
		}
	}
	w.signals <- syscall.SIGINT
	w.status()
	if goesOn() {
		t.Error("the chain goes on after the run")
	}
}
