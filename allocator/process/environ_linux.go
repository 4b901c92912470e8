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

// execTimeout is how long to wait for a process to finish its execve(2).
const execTimeout = 2 * time.Second

// Environ is the function Environ, but returns the entries in the kernel's
// format, each ended by a zero byte.
//
// It waits while the process is in execve(2): its old environment is gone, and
// until it runs again, it has no new one and no arguments, or only root may
// read them. It gives up after 2 s, because the disk of the program may not
// answer; after 100 ms if the process is exiting, because then it has no
// environment either, and may be blocked; and after 50 attempts with arguments,
// because then it has left execve(2), and some environments are readable only
// by root.
func (r *Reader) Environ(pid int) (text []byte, err error) {
	start, timeout := time.Now(), execTimeout
	for attempts := 0; attempts < 50 && time.Since(start) < timeout; attempts++ {
		text, err = r.Read(pid, "environ")
		switch {
		case errors.Is(err, fs.ErrPermission) && isOwn(pid): // may be temporary
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
		case s.leaderless:
			return r.threadEnviron(pid)
		case s.exiting:
			timeout = 100 * time.Millisecond
		}
		if arguments, _ := r.Read(pid, "cmdline"); len(arguments) == 0 {
			attempts = 0
		}
		time.Sleep(100 * time.Microsecond)
	}
	if errors.Is(err, fs.ErrPermission) {
		return nil, err
	}
	return nil, nil
}

// isOwn reports whether a process belongs to this user, or is gone. It checks
// the owner of the process's directory: files in it belong to root while only
// root may read them.
func isOwn(pid int) bool {
	var stat unix.Stat_t
	err := unix.Stat("/proc/"+strconv.Itoa(pid), &stat)
	return err != nil || int(stat.Uid) == os.Geteuid()
}

// threadEnviron reads the environment of the other threads, since the first one
// has released its own.
func (r *Reader) threadEnviron(pid int) (text []byte, err error) {
	threads, err := os.ReadDir(File(pid, "task"))
	for _, thread := range threads {
		if text, err = r.Read(pid, "task/"+thread.Name()+"/environ"); len(text) > 0 {
			return text, nil
		}
	}
	return nil, err
}
