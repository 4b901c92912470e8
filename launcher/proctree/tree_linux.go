package proctree

import (
	"bytes"
	"errors"
	"io/fs"
	"maps"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/devports/devports/allocator/process"
)

// walker reads /proc. It visits the PIDs that are not in index, and adds them.
type walker struct {
	process.Reader
	index map[int]int
}

// walk calls visit until it reports no process that had just ended: such a process
// may have started another one after /proc was listed.
func walk(index map[int]int, visit func(*walker) (ended bool, err error)) error {
	w := &walker{index: index}
	for range 20 { // unrelated processes start and end as well
		ended, err := visit(w)
		if err != nil || !ended {
			return err
		}
	}
	return nil
}

// pass calls visit for each new process. It reports whether one of them had ended;
// visit reports that for what it reads itself.
func (w *walker) pass(visit func(Process) (ended bool)) (ended bool, err error) {
	pids, err := process.All()
	if err != nil {
		return false, err
	}
	pids = slices.DeleteFunc(pids, func(pid int) bool {
		_, seen := w.index[pid]
		return seen
	})
	slices.Reverse(pids) // the newest first: they are the most likely to end soon
	stats, errs := readStats(pids)
	for i, pid := range pids {
		w.index[pid] = -1
		p, err := stats[i], errs[i]
		switch {
		case errors.Is(err, fs.ErrPermission): // a process of another user, with hidepid=1
		case errors.Is(err, fs.ErrNotExist):
			ended = true
		case err != nil:
			return false, err
		default:
			ended = visit(p) || p.Zombie || ended
		}
	}
	return ended, nil
}

// readStats reads all processes, on all processors: each takes about 10 µs in the
// kernel.
func readStats(pids []int) ([]Process, []error) {
	stats, errs := make([]Process, len(pids)), make([]error, len(pids))
	var next atomic.Int64
	read := func() {
		var r process.Reader
		for i := next.Add(1) - 1; int(i) < len(pids); i = next.Add(1) - 1 {
			stats[i], errs[i] = r.Stat(pids[i])
		}
	}
	const few = 20 // processes that do not justify a goroutine
	var readers sync.WaitGroup
	for range min(len(pids)/few, runtime.GOMAXPROCS(0)-1) {
		readers.Go(read)
	}
	read()
	readers.Wait()
	return stats, errs
}

func snapshot() (Tree, error) {
	const many = 512 // fewer than most machines have
	t := Tree{all: make([]Process, 0, many), index: make(map[int]int, many)}
	add := func(p Process) (ended bool) {
		t.index[p.PID] = len(t.all)
		t.all = append(t.all, p)
		return false
	}
	err := walk(t.index, func(w *walker) (ended bool, err error) {
		ended, err = w.pass(add)
		return t.adopt(&w.Reader) || ended, err
	})
	return t, err
}

// adopt reads the new parents of processes whose parent had ended before it could
// be read. It reports whether one of them has ended, too.
func (t Tree) adopt(r *process.Reader) (ended bool) {
	for i, p := range t.all {
		if _, ok := t.process(p.Parent); ok || p.Parent == 0 || p.Zombie {
			continue
		}
		now, err := r.Stat(p.PID)
		if err == nil && now.ID == p.ID {
			t.all[i] = now
		} else {
			t.all[i].Zombie = true
		}
		ended = ended || t.all[i].Zombie
	}
	return ended
}

func (t Tree) marked(m Mark) []Process {
	var found []Process
	check := func(r *process.Reader, p Process) (ended bool) {
		on, err := m.on(p.PID, func() (bool, error) {
			text, err := r.Environ(p.PID)
			return has(text, m.Variable), err
		})
		if on {
			found = append(found, p)
		}
		return errors.Is(err, fs.ErrNotExist)
	}
	var r process.Reader
	ended := false
	for _, p := range slices.Backward(t.all) {
		ended = !p.Zombie && check(&r, p) || ended
	}
	if ended { // it may have started other marked processes
		_ = walk(maps.Clone(t.index), func(w *walker) (bool, error) {
			return w.pass(func(p Process) bool { return !p.Zombie && check(&w.Reader, p) })
		})
	}
	return found
}

// has reports whether one of the zero-terminated entries is the variable.
func has(environ []byte, variable string) bool {
	for entry := range bytes.SplitSeq(environ, []byte{0}) {
		if string(entry) == variable {
			return true
		}
	}
	return false
}

// children reads the list of each thread, because a child belongs to the thread
// that started it.
func children(pid int) ([]int, error) {
	threads, err := os.ReadDir(process.File(pid, "task"))
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, thread := range threads {
		id, err := strconv.Atoi(thread.Name())
		if err != nil {
			continue
		}
		of, err := childrenOf(pid, id)
		if errors.Is(err, fs.ErrNotExist) && id == pid {
			return childrenBySnapshot(pid)
		}
		pids = append(pids, of...)
	}
	return pids, nil
}

// Adopted returns the PIDs of the children that a subreaper has adopted, and of
// some that it has started. It may miss one like [Children], but costs a tenth:
// Linux gives orphans to the first thread (find_alive_thread, since 3.19), so
// only one list has to be read.
func Adopted(pid int) ([]int, error) {
	pids, err := childrenOf(pid, pid)
	if errors.Is(err, fs.ErrNotExist) {
		return childrenBySnapshot(pid)
	}
	return pids, err
}

// childrenOf reads the list of a thread. Kernels may lack these lists: the error
// is then fs.ErrNotExist.
func childrenOf(pid, thread int) (pids []int, err error) {
	var r process.Reader
	text, err := r.Read(pid, "task/"+strconv.Itoa(thread)+"/children")
	for field := range strings.FieldsSeq(string(text)) {
		if pid, err := strconv.Atoi(field); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids, err
}
