package proctree

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strconv"
)

// walker goes through /proc. It takes PIDs that are not in index, and puts them
// there.
type walker struct {
	reader
	dir   *os.File
	index map[int]int
}

// walk calls look, and again as long as one of the processes that it looked at
// had just ended: it may have started another, which then was not on the list.
func walk(index map[int]int, look func(*walker) (ended bool, err error)) error {
	dir, err := os.Open("/proc")
	if err != nil {
		return err
	}
	defer dir.Close()
	w := &walker{dir: dir, index: index}
	for range 20 { // others start and end processes as well
		ended, err := look(w)
		if err != nil || !ended {
			return err
		}
	}
	return nil
}

// pass calls visit for each new process. It tells whether one of them had ended;
// visit says that of what it reads itself.
func (w *walker) pass(visit func(Process) (ended bool)) (ended bool, err error) {
	if _, err := w.dir.Seek(0, io.SeekStart); err != nil {
		return false, err
	}
	names, err := w.dir.Readdirnames(-1)
	if err != nil {
		return false, err
	}
	// The youngest are at the end. They are the ones to be quick with.
	for _, name := range slices.Backward(names) {
		pid, err := strconv.Atoi(name)
		if _, seen := w.index[pid]; err != nil || seen {
			continue
		}
		w.index[pid] = -1
		s, err := w.stat(pid)
		switch {
		case errors.Is(err, fs.ErrPermission): // another user's, with hidepid=1
		case errors.Is(err, fs.ErrNotExist):
			ended = true
		case err != nil:
			return false, err
		default:
			ended = visit(s.Process) || s.Zombie || ended
		}
	}
	return ended, nil
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
		return t.adopt(&w.reader) || ended, err
	})
	return t, err
}

// adopt asks those for their new parent whose old one had ended before anything
// could be read of it. It tells whether one of them has ended, too.
func (t Tree) adopt(r *reader) (ended bool) {
	for i, p := range t.all {
		if _, ok := t.process(p.Parent); ok || p.Parent == 0 || p.Zombie {
			continue
		}
		s, err := r.stat(p.PID)
		if err == nil && s.ID == p.ID {
			t.all[i] = s.Process
		} else {
			t.all[i].Zombie = true
		}
		ended = ended || t.all[i].Zombie
	}
	return ended
}

func (t Tree) marked(variable string) []Process {
	var found []Process
	check := func(r *reader, p Process) (ended bool) {
		text, err := r.environ(p.PID)
		if has(text, variable) {
			found = append(found, p)
		}
		return errors.Is(err, fs.ErrNotExist)
	}
	var r reader
	ended := false
	for _, p := range slices.Backward(t.all) {
		ended = !p.Zombie && check(&r, p) || ended
	}
	if ended { // what it started since then may be marked as well
		_ = walk(maps.Clone(t.index), func(w *walker) (bool, error) {
			return w.pass(func(p Process) bool { return !p.Zombie && check(&w.reader, p) })
		})
	}
	return found
}

// has is true if one of the entries, which a zero byte ends, is the variable.
func has(environ []byte, variable string) bool {
	for entry := range bytes.SplitSeq(environ, []byte{0}) {
		if string(entry) == variable {
			return true
		}
	}
	return false
}
