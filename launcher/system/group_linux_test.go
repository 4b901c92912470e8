package system

import (
	"crypto/rand"
	"os"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/devports/devports/procfile"
)

// A group that was given up on sends no more signals: what has the name of its
// service then is the next process's.
func TestGivenUp(t *testing.T) {
	s := newProcessSet(rand.Text(), false, nil)
	defer s.startReaper()()
	start := func() *group {
		g, exit, err := s.startCommand("web", command{shell: "DEVPORTS_SERVICE=web setsid sleep 1000 & exec true"}, procfile.Environment{}, &os.ProcAttr{
			Env: os.Environ(), Sys: processAttributes(procfile.Process{}, false),
		})
		if err != nil {
			t.Fatal(err)
		}
		<-exit
		return g
	}
	orphans := func(want int) (pids []int) {
		t.Helper()
		for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(time.Millisecond) {
			s.reap()
			ours, _ := s.orphansOf("web")
			if pids = nil; len(ours) == want {
				for _, p := range ours {
					pids = append(pids, p.PID)
				}
				slices.Sort(pids)
				return pids
			}
		}
		t.Fatalf("not %d orphans", want)
		return nil
	}
	first := start()
	old := orphans(1)
	t.Cleanup(func() { _ = unix.Kill(old[0], unix.SIGKILL) })
	first.lastSignal = unix.SIGKILL // which it has survived
	if left := first.Survivors(); len(left) != 1 || left[0].PID != old[0] {
		t.Fatalf("%v, want %v", left, old)
	}
	second := start()
	both := orphans(2)
	if !first.lives() {
		t.Error("its survivor is overlooked")
	}
	if now := orphans(2); !slices.Equal(now, both) {
		t.Errorf("%v, before: %v", now, both)
	}
	_ = unix.Kill(old[0], unix.SIGKILL)
	if orphans(1); first.lives() {
		t.Error("it lives although its survivor has ended")
	}
	second.Kill()
	for second.lives() {
		time.Sleep(time.Millisecond)
	}
}
