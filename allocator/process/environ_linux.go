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

// Environ is the function of that name, but returns the entries as the kernel
// does, each ended by a zero byte.
//
// It waits while the process is in execve(2): its old environment is gone, and
// for some microseconds, more on a busy machine, it has no other, or root alone
// may read it. It gives up after 100 ms: a process that ends has none either, and
// may be held up; or after 10 ms, for some are never readable to others than
// root.
func (r *Reader) Environ(pid int) (text []byte, err error) {
	for begin, patience := time.Now(), 100*time.Millisecond; time.Since(begin) < patience; {
		text, err = r.read(pid, "environ")
		switch {
		case errors.Is(err, fs.ErrPermission) && isOwn(pid):
			patience = 10 * time.Millisecond
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
