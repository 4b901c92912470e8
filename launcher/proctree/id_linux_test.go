package proctree

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// The two ways to signal: where there are pidfds, and where there are none.
var ways = map[string]func(ID, syscall.Signal) error{
	"pidfd": ID.Signal,
	"kill":  ID.signalCompared,
}

func TestSignal(t *testing.T) {
	for name, signal := range ways {
		t.Run(name, func(t *testing.T) {
			p := sleeper(t)
			id := idOf(t, p.pid())
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
			if _, err := Find(p.pid()); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("Find: %v", err)
			}
			if err := signal(id, unix.SIGTERM); !errors.Is(err, os.ErrProcessDone) {
				t.Errorf("second signal: %v", err)
			}
		})
	}
}

// A process whose PID was another's before is not signalled in its place.
func TestAnothersPID(t *testing.T) {
	p := sleeper(t)
	id := idOf(t, p.pid())
	for _, start := range []int64{id.Start - 1, id.Start + 1, 0} {
		old := ID{PID: id.PID, Start: start}
		if old.Alive() {
			t.Errorf("%v is alive, like %v", old, id)
		}
		for name, signal := range ways {
			if err := signal(old, unix.SIGKILL); !errors.Is(err, os.ErrProcessDone) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := wait(t.Context(), []Process{{ID: old}}, time.Hour); err != nil {
			t.Errorf("wait: %v", err)
		}
	}
	find := func(Tree) []Process { return []Process{{ID: ID{PID: id.PID}, Group: id.PID}} }
	if _, err := End(t.Context(), find, 0, 0); err != nil {
		t.Errorf("End: %v", err)
	}
	if !id.Alive() {
		t.Error("was ended")
	}
}

// To kill(2), these are process groups or everybody.
func TestSignalNoPID(t *testing.T) {
	for _, pid := range []int{0, -1, -os.Getpid(), math.MinInt32} {
		if err := (ID{PID: pid}).Signal(0); !errors.Is(err, os.ErrProcessDone) {
			t.Errorf("%d: %v", pid, err)
		}
	}
}

func TestZombie(t *testing.T) {
	p := start(t, exec.Command("true"))
	eventually(t, "zombie", func() bool {
		s, err := new(reader).stat(p.pid())
		return err == nil && s.Zombie
	})
	id := idOf(t, p.pid())
	if id.Alive() {
		t.Error("alive")
	}
	for name, signal := range ways {
		if err := signal(id, unix.SIGTERM); !errors.Is(err, os.ErrProcessDone) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if below := snap(t).Below(os.Getpid()); len(below) != 0 {
		t.Errorf("below: %v", below)
	}
	if err := wait(t.Context(), []Process{{ID: id}}, time.Hour); err != nil {
		t.Errorf("wait: %v", err)
	}
}

// A process whose first thread has ended looks like a zombie.
func TestHeadless(t *testing.T) {
	variable := mark(t)
	name, value, _ := strings.Cut(variable, "=")
	t.Setenv(name, value)
	p := role(t, "headless")
	eventually(t, "headless", func() bool {
		s, err := new(reader).stat(p.pid())
		return err == nil && s.headless
	})
	id := idOf(t, p.pid())
	if !id.Alive() {
		t.Error("not alive")
	}
	if got := pids(snap(t).Marked(variable)); !cmp.Equal(got, []int{p.pid()}) {
		t.Errorf("marked: %v, want %d", got, p.pid())
	}
	if err := id.Signal(unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := wait(t.Context(), []Process{{ID: id}}, 20*time.Second); err != nil || id.Alive() {
		t.Errorf("not ended: %v", err)
	}
}

func TestParseStat(t *testing.T) {
	const text = "4711 (a) Z 9 (b ) S 12 13 14 34816 14 4194304 159 0 0 0 0 0 0 0 20 0 1 0 6172 5873664 1"
	got, ok := parseStat([]byte(text))
	want := Process{ID: ID{PID: 4711, Start: 6172}, Parent: 12, Group: 13, Session: 14}
	if !ok || got.Process != want {
		t.Errorf("%+v, %t", got.Process, ok)
	}
	for _, text := range []string{"", "\n", "4711 (cat) S 1 2"} {
		if _, ok := parseStat([]byte(text)); ok {
			t.Errorf("understood: %q", text)
		}
	}
}

func TestEnvironAndCommand(t *testing.T) {
	cmd := exec.Command("cat", "-", "-u")
	cmd.Env = []string{"A=1", "B= two words ", "C="}
	p := start(t, cmd)
	environ, err := Environ(p.pid())
	if diff := cmp.Diff(cmd.Env, environ); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if got := Command(p.pid()); got != "cat - -u" {
		t.Errorf("command %q", got)
	}
	_ = p.Process.Kill()
	_ = p.Wait()
	if _, err := Environ(p.pid()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("environment of none: %v", err)
	}
	if got := Command(p.pid()); got != "" {
		t.Errorf("command of none: %q", got)
	}
}
