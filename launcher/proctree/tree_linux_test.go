package proctree

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/devports/devports/allocator/process"
)

// family starts a child, a grandchild, a process in its own session, and an
// orphan.
const family = `
echo child $$
sh -c 'echo grandchild $$; exec sleep 60' &
setsid sh -c 'echo session $$; exec sleep 60' &
sh -c 'sh -c "echo orphan \$\$; exec sleep 60" &'
wait`

func TestBelowFindsAll(t *testing.T) {
	p := adopt(t, family)
	byName := p.names(t, 4)
	var want []int
	for _, pid := range byName {
		want = append(want, pid)
	}
	slices.Sort(want)
	var tree Tree
	var below []Process
	eventually(t, fmt.Sprint("only ", byName), func() bool {
		tree = snap(t)
		below = tree.Below(p.pid())
		orphan, _ := tree.process(byName["orphan"])
		return cmp.Equal(pids(below), want) && orphan.Parent == p.pid()
	})
	place := map[int]int{p.pid(): -1}
	for i, proc := range below {
		place[proc.PID] = i
		if parent, ok := place[proc.Parent]; !ok || parent >= i {
			t.Errorf("%d comes before its parent %d", proc.PID, proc.Parent)
		}
		if proc.ID != idOf(t, proc.PID) {
			t.Errorf("%v has another ID by Find", proc)
		}
	}
	session, _ := tree.process(byName["session"])
	if session.Session != session.PID || session.Group != session.PID {
		t.Errorf("session: %+v", session)
	}
	if got := pids(tree.Below(byName["child"])); slices.Contains(got, byName["orphan"]) || len(got) != 2 {
		t.Errorf("descendants of the child: %v of %v", got, byName)
	}
}

func TestMarked(t *testing.T) {
	variable := mark(t)
	p := adopt(t, family+` & env -u PROCTREE_TEST_MARK X`+variable+` sh -c 'echo prefix $$; exec sleep 60' &
		`+variable+`0 sh -c 'echo longer $$; exec sleep 60' &
		`+variable[:len(variable)-1]+` sh -c 'echo shorter $$; exec sleep 60' &
		env -u PROCTREE_TEST_MARK sh -c 'echo argument $$; exec sleep 60' `+variable+` &
		wait`, variable)
	byName := p.names(t, 8)
	want := []int{p.pid(), byName["child"], byName["grandchild"], byName["session"], byName["orphan"]}
	slices.Sort(want)
	eventually(t, fmt.Sprint("marked: ", byName), func() bool {
		return cmp.Equal(pids(snap(t).Marked(Mark{Variable: variable})), want)
	})
	for _, text := range []string{"", "PROCTREE_TEST_MARK", "PROCTREE_TEST_MARK="} {
		if got := snap(t).Marked(Mark{Variable: text}); len(got) != 0 {
			t.Errorf("marked %q: %v", text, got)
		}
	}
}

// During execve(2) a process has no environment for a moment.
func TestMarkedInExec(t *testing.T) {
	id, variable := execs(t)
	for range 200 {
		isMarked(t, id, variable)
	}
}

// On a busy machine that moment lasts until the process is scheduled again.
func TestMarkedInHeldExec(t *testing.T) {
	id, variable := execs(t)
	busy := start(t, exec.Command("sh", "-c", "while :; do :; done"))
	var one unix.CPUSet
	if err := unix.SchedGetaffinity(0, &one); err != nil {
		t.Fatal(err)
	}
	for cpu := 0; one.Count() > 1; cpu++ {
		one.Clear(cpu)
	}
	for _, pid := range []int{busy.pid(), id.PID} {
		if err := unix.SchedSetaffinity(pid, &one); err != nil {
			t.Fatal(err)
		}
	}
	schedule := func(policy uint32) error {
		return unix.SchedSetAttr(id.PID, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: policy}, 0)
	}
	if err := schedule(unix.SCHED_IDLE); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = schedule(unix.SCHED_NORMAL) }() // so that it can end; only root may
	for end := time.Now().Add(time.Second); time.Now().Before(end); {
		isMarked(t, id, variable)
	}
}

// isMarked fails the test unless Marked finds the process, or the process was held
// up for as long as process.Environ waits for it.
func isMarked(t *testing.T, id process.ID, variable string) {
	t.Helper()
	start := time.Now()
	if got := snap(t).Marked(Mark{Variable: variable}); (len(got) != 1 || got[0].ID != id) && time.Since(start) < 2*time.Second {
		t.Fatalf("marked: %v, want %v", got, id)
	}
}

// execs starts a process that calls execve(2) over and over, and returns the
// variable it was started with.
func execs(t *testing.T) (process.ID, string) {
	t.Helper()
	variable := mark(t)
	cmd := exec.Command("sh", "-c", `[ $1 != 0 ] || exec cat; exec sh -c "$0" "$0" $(($1-1))`)
	cmd.Args = append(cmd.Args, cmd.Args[2], "3000")
	cmd.Env = append(os.Environ(), variable)
	return idOf(t, start(t, cmd).pid()), variable
}

func TestChildren(t *testing.T) {
	p := start(t, exec.Command("sh", "-c", `
		sleep 60 & echo one $!
		sh -c 'sleep 60 & wait' & echo two $!
		setsid sleep 60 & echo three $!
		wait`))
	var want []int
	for _, pid := range p.names(t, 3) {
		want = append(want, pid)
	}
	slices.Sort(want)
	for name, children := range map[string]func(int) ([]int, error){
		"lists":    Children,
		"snapshot": childrenBySnapshot,
	} {
		got, err := children(p.pid())
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Error(name, diff, err)
		}
		if _, err := children(math.MaxInt32); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: of none: %v", name, err)
		}
	}
}

func BenchmarkSnapshot(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		b.ReportMetric(float64(len(snap(b).all)), "processes")
	}
}

func BenchmarkMarked(b *testing.B) {
	b.ReportAllocs()
	tree := snap(b)
	for b.Loop() {
		_ = tree.Marked(Mark{Variable: "PROCTREE_TEST_MARK=none"})
	}
}

func BenchmarkBelow(b *testing.B) {
	tree := snap(b)
	for b.Loop() {
		_ = tree.Below(1)
	}
}

func BenchmarkChildren(b *testing.B) {
	for b.Loop() {
		_, _ = Children(os.Getpid())
	}
}

func BenchmarkAdopted(b *testing.B) {
	for b.Loop() {
		_, _ = Adopted(os.Getpid())
	}
}

// The first thread gets an orphan, whichever thread has started its parent.
func TestAdopted(t *testing.T) {
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0))
	defer unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
	var out []byte
	onOtherThread(func() {
		var err error
		out, err = exec.Command("sh", "-c", "sleep 60 >/dev/null 2>&1 & echo $!").Output()
		must(err)
	})
	orphan, err := strconv.Atoi(strings.TrimSpace(string(out)))
	must(err)
	defer func() {
		_ = unix.Kill(orphan, unix.SIGKILL)
		_, _ = unix.Wait4(orphan, nil, 0, nil)
	}()
	if got, err := Adopted(os.Getpid()); err != nil || !slices.Contains(got, orphan) {
		t.Errorf("%v, %v, want %d", got, err, orphan)
	}
}

// onOtherThread calls f on a thread that is not the first one.
func onOtherThread(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if unix.Gettid() == os.Getpid() {
			onOtherThread(f)
		} else {
			f()
		}
	}()
	<-done
}
