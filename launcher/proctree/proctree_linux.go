package proctree

import (
	"errors"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"
)

// This file and its neighbours read /proc, proc(5).

func find(pid int) (Process, error) {
	var r reader
	s, err := r.stat(pid)
	return s.Process, err
}

func environ(pid int) ([]string, error) {
	var r reader
	text, err := r.environ(pid)
	if err != nil || len(text) == 0 {
		return nil, err
	}
	return strings.Split(strings.TrimSuffix(string(text), "\x00"), "\x00"), nil
}

// environ waits while the process is in execve(2): its old environment is gone,
// and for some microseconds, more on a busy machine, it has no other. It gives up
// after 100 ms: a process that ends has none either, and may be held up.
func (r *reader) environ(pid int) ([]byte, error) {
	for deadline := time.Now().Add(100 * time.Millisecond); time.Now().Before(deadline); {
		text, err := r.read(pid, "environ")
		if len(text) > 0 || err != nil && !errors.Is(err, fs.ErrNotExist) {
			return text, err
		}
		s, err := r.stat(pid)
		switch {
		case err != nil:
			return nil, err
		case s.Zombie:
			return nil, fs.ErrNotExist
		case s.bare:
			return nil, nil
		case s.headless:
			return r.threadEnviron(pid)
		}
		time.Sleep(100 * time.Microsecond)
	}
	return nil, nil
}

// threadEnviron asks the other threads, for the first one has let go of it.
func (r *reader) threadEnviron(pid int) (text []byte, err error) {
	threads, err := os.ReadDir(procFile(pid, "task"))
	for _, thread := range threads {
		if text, err = r.read(pid, "task/"+thread.Name()+"/environ"); len(text) > 0 {
			return text, nil
		}
	}
	return nil, err
}

func command(pid int) string {
	var r reader
	text, err := r.read(pid, "cmdline")
	if line := strings.TrimRight(string(text), "\x00 "); err == nil && line != "" {
		return strings.ReplaceAll(line, "\x00", " ")
	}
	text, _ = r.read(pid, "comm")
	return string(text)
}

// children asks each thread, for a child belongs to the thread that started it.
// Not every kernel has these lists.
func children(pid int) ([]int, error) {
	dir := procFile(pid, "task")
	threads, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, thread := range threads {
		text, err := os.ReadFile(dir + "/" + thread.Name() + "/children")
		if errors.Is(err, fs.ErrNotExist) && thread.Name() == strconv.Itoa(pid) {
			return childrenBySnapshot(pid)
		}
		for _, field := range strings.Fields(string(text)) {
			if pid, err := strconv.Atoi(field); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids, nil
}
