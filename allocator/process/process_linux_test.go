package process

import (
	"bufio"
	"errors"
	"io/fs"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

func TestEnvironAndCommand(t *testing.T) {
	cmd := exec.Command("cat", "-", "-u")
	cmd.Env = []string{"A=1", "B= two words ", "C="}
	start(t, cmd)
	p := cmd
	environ, err := Environ(p.Process.Pid)
	if diff := cmp.Diff(cmd.Env, environ); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if got := Command(p.Process.Pid); got != "cat - -u" {
		t.Errorf("command %q", got)
	}
	_ = p.Process.Kill()
	_ = p.Wait()
	if _, err := Environ(p.Process.Pid); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("environment of no process: %v", err)
	}
	if got := Command(p.Process.Pid); got != "" {
		t.Errorf("command of no process: %q", got)
	}
}

func TestNoProcess(t *testing.T) {
	for _, pid := range []int{math.MaxInt32, 0, -1} {
		if _, err := Find(pid); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Find(%d): %v", pid, err)
		}
		if _, err := ReadStatus(pid); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("ReadStatus(%d): %v", pid, err)
		}
		if _, err := Executable(pid); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Executable(%d): %v", pid, err)
		}
	}
}

// The status of a shell that has printed a line.
func TestReadStatus(t *testing.T) {
	cmd := exec.Command("sh", "-c", "trap : TERM; trap '' HUP; echo ready; read x")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	start(t, cmd)
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	s, err := ReadStatus(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	if s.User != os.Geteuid() {
		t.Errorf("user %d, want %d", s.User, os.Geteuid())
	}
	type does struct{ caught, ignored bool }
	for sig, want := range map[syscall.Signal]does{
		unix.SIGTERM: {caught: true}, unix.SIGHUP: {ignored: true}, unix.SIGUSR1: {}, unix.SIGKILL: {},
	} {
		if got := (does{s.Caught.Has(sig), s.Ignored.Has(sig)}); got != want {
			t.Errorf("%v: %+v, want %+v", sig, got, want)
		}
	}
	path, err := Executable(cmd.Process.Pid)
	sh, lookErr := exec.LookPath("sh")
	if lookErr == nil {
		sh, lookErr = filepath.EvalSymlinks(sh)
	}
	if err != nil || lookErr != nil || path != sh {
		t.Errorf("runs %q, %v; want %q, %v", path, err, sh, lookErr)
	}
}

func TestStopped(t *testing.T) {
	p := sleeper(t)
	id := idOf(t, p.Process.Pid)
	for _, tt := range []struct {
		sig     syscall.Signal
		options int
		stopped bool
	}{{unix.SIGSTOP, unix.WSTOPPED, true}, {unix.SIGCONT, unix.WCONTINUED, false}} {
		if err := id.Signal(tt.sig); err != nil {
			t.Fatal(err)
		}
		var info unix.Siginfo
		if err := unix.Waitid(unix.P_PID, id.PID, &info, tt.options, nil); err != nil {
			t.Fatal(err)
		}
		if s, err := ReadStat(id.PID); err != nil || s.Stopped != tt.stopped {
			t.Errorf("after %v: %+v, %v", tt.sig, s, err)
		}
	}
}

func TestRemovedExecutable(t *testing.T) {
	cat, err := exec.LookPath("cat")
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(cat)
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(t.TempDir(), "tom cat")
	if err := os.WriteFile(copied, program, 0o700); err != nil {
		t.Fatal(err)
	}
	p := exec.Command(copied)
	start(t, p)
	if err := os.Remove(copied); err != nil {
		t.Fatal(err)
	}
	if got, err := Executable(p.Process.Pid); err != nil || filepath.Base(got) != "tom cat" {
		t.Errorf("runs %q, %v", got, err)
	}
}

func TestStarted(t *testing.T) {
	before := time.Now()
	p := sleeper(t)
	after := time.Now()
	const exact = time.Second / ticksPerSecond
	got := idOf(t, p.Process.Pid).Started()
	if got.Before(before.Add(-2*exact)) || got.After(after.Add(2*exact)) {
		t.Errorf("started %v, want between %v and %v", got, before, after)
	}
}

func TestAll(t *testing.T) {
	p := sleeper(t)
	all, err := All()
	if err != nil || !slices.Contains(all, p.Process.Pid) || !slices.Contains(all, os.Getpid()) {
		t.Errorf("%v, %v; want %d and %d among them", all, err, p.Process.Pid, os.Getpid())
	}
}

func BenchmarkFind(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Find(os.Getpid()); err != nil {
			b.Fatal(err)
		}
	}
}
