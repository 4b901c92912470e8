package proctree

import (
	"errors"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
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

// execPatience is how long a process may take for its execve(2).
const execPatience = 2 * time.Second

// environ waits while the process is in execve(2): its old environment is gone,
// and until the scheduler lets it go on, it has no other, nor arguments, or root
// alone may read them. It gives up after that time, for a program may be read from a
// disk that does not answer; after 100 ms if the process is ending: it has none
// either, and may be held up; and after 50 looks with arguments: it has left
// execve(2), and root alone may read the environment of some for ever.
func (r *reader) environ(pid int) (text []byte, err error) {
	begin, patience := time.Now(), execPatience
	for looks := 0; looks < 50 && time.Since(begin) < patience; looks++ {
		text, err = r.read(pid, "environ")
		switch {
		case errors.Is(err, fs.ErrPermission) && isOwn(pid): // perhaps for now
		case len(text) > 0 || err != nil && !errors.Is(err, fs.ErrNotExist):
			return text, err
		}
		s, gone := r.stat(pid)
		switch {
		case gone != nil:
			return nil, gone
		case s.Zombie:
			return nil, fs.ErrNotExist
		case s.bare:
			return nil, nil
		case s.headless:
			return r.threadEnviron(pid)
		case s.exiting:
			patience = 100 * time.Millisecond
		}
		if arguments, _ := r.read(pid, "cmdline"); len(arguments) == 0 {
			looks = 0
		}
		time.Sleep(100 * time.Microsecond)
	}
	if errors.Is(err, fs.ErrPermission) {
		return nil, err
	}
	return nil, nil
}

// isOwn reports whether a process is this user's, or is gone by now. Its folder
// tells: a file in that belongs to root while nobody else may read it.
func isOwn(pid int) bool {
	var stat unix.Stat_t
	err := unix.Stat("/proc/"+strconv.Itoa(pid), &stat)
	return err != nil || int(stat.Uid) == os.Geteuid()
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
