package process

import (
	"errors"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

func environ(pid int) ([]string, error) {
	var r Reader
	text, err := r.Environ(pid)
	if err != nil || len(text) == 0 {
		return nil, err
	}
	return strings.Split(strings.TrimSuffix(string(text), "\x00"), "\x00"), nil
}

// execPatience is how long a process may take for its execve(2).
const execPatience = 2 * time.Second

// Environ is the function of that name, but returns the entries as the kernel
// does, each ended by a zero byte.
//
// It waits while the process is in execve(2): its old environment is gone, and
// until the scheduler lets it go on, it has no other, nor arguments, or root alone
// may read them. It gives up after 2 s, for a program may be read from a disk that
// does not answer; after 100 ms if the process is ending: it has no environment
// either, and may be held up; and after 50 looks with arguments: it has left
// execve(2), and some environments are never readable to others than root.
func (r *Reader) Environ(pid int) (text []byte, err error) {
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

// isOwn reports whether a process is this user's, or is gone by now. It looks at
// the process's folder: a file in that belongs to root while only root may read
// it.
func isOwn(pid int) bool {
	var stat unix.Stat_t
	err := unix.Stat("/proc/"+strconv.Itoa(pid), &stat)
	return err != nil || int(stat.Uid) == os.Geteuid()
}

// threadEnviron asks the other threads, for the first one has let go of it.
func (r *Reader) threadEnviron(pid int) (text []byte, err error) {
	threads, err := os.ReadDir(File(pid, "task"))
	for _, thread := range threads {
		if text, err = r.read(pid, "task/"+thread.Name()+"/environ"); len(text) > 0 {
			return text, nil
		}
	}
	return nil, err
}
