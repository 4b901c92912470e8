package process

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// start runs a command, which waits for its input, until the test ends.
func start(tb testing.TB, cmd *exec.Cmd) {
	tb.Helper()
	stdin, err := cmd.StdinPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		stdin.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
}

// sleeper is a process that does nothing.
func sleeper(tb testing.TB) *exec.Cmd {
	tb.Helper()
	cmd := exec.Command("cat")
	start(tb, cmd)
	return cmd
}

func idOf(tb testing.TB, pid int) ID {
	tb.Helper()
	id, err := Find(pid)
	if err != nil {
		tb.Fatal(err)
	}
	return id
}

// Signals with pidfds and without.
var ways = map[string]func(ID, syscall.Signal) error{
	"pidfd": ID.Signal,
	"kill":  ID.signalCompared,
}

func TestSignal(t *testing.T) {
	for name, signal := range ways {
		t.Run(name, func(t *testing.T) {
			p := sleeper(t)
			id := idOf(t, p.Process.Pid)
			if !id.Alive() {
				t.Fatal("not alive")
			}
			if err := signal(id, unix.SIGTERM); err != nil {
				t.Fatal(err)
			}
			_ = p.Wait()
			if got := p.ProcessState.Sys().(syscall.WaitStatus).Signal(); got != unix.SIGTERM {
				t.Errorf("ended by %v", got)
			}
			if _, err := Find(p.Process.Pid); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("Find: %v", err)
			}
			if err := signal(id, unix.SIGTERM); !errors.Is(err, os.ErrProcessDone) {
				t.Errorf("second signal: %v", err)
			}
		})
	}
}

// To kill(2), these are process groups or all processes.
func TestSignalNoPID(t *testing.T) {
	for _, pid := range []int{0, -1, -os.Getpid(), math.MinInt32} {
		if err := (ID{PID: pid}).Signal(0); !errors.Is(err, os.ErrProcessDone) {
			t.Errorf("%d: %v", pid, err)
		}
	}
}

// A signal to an earlier process with the same PID does not reach the new one.
func TestAnothersPID(t *testing.T) {
	p := sleeper(t)
	id := idOf(t, p.Process.Pid)
	for _, start := range []int64{id.Start - 1, id.Start + 1, 0} {
		old := ID{PID: id.PID, Start: start}
		if old.Alive() || old.Exists() {
			t.Errorf("%v is alive, like %v", old, id)
		}
		for name, signal := range ways {
			if err := signal(old, unix.SIGKILL); !errors.Is(err, os.ErrProcessDone) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if !id.Alive() || !id.Exists() {
		t.Error("was ended")
	}
}

func TestZombie(t *testing.T) {
	p := sleeper(t)
	id := idOf(t, p.Process.Pid)
	if err := p.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	var info unix.Siginfo
	if err := unix.Waitid(unix.P_PID, id.PID, &info, unix.WEXITED|unix.WNOWAIT, nil); err != nil {
		t.Fatal(err)
	}
	if now, err := ReadStat(id.PID); err != nil || !now.Zombie || now.ID != id {
		t.Errorf("%+v, %v; want a zombie", now, err)
	}
	if id.Alive() || !id.Exists() {
		t.Errorf("alive %t, exists %t; want a zombie", id.Alive(), id.Exists())
	}
	for name, signal := range ways {
		if err := signal(id, unix.SIGTERM); !errors.Is(err, os.ErrProcessDone) {
			t.Errorf("%s: %v", name, err)
		}
	}
	_ = p.Wait()
	if id.Exists() {
		t.Error("exists after it was waited for")
	}
}
