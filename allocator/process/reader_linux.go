package process

import (
	"errors"
	"io/fs"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// Reader reads files of /proc into one buffer, for a caller that reads many
// processes. Its results are valid until the next read. The zero value is ready
// to use. Only one goroutine at a time may use it.
type Reader struct{ buf []byte }

// Stat is ReadStat, but returns fs.ErrNotExist for a process that hidepid
// hides.
func (r *Reader) Stat(pid int) (Stat, error) {
	s, err := r.stat(pid)
	return s.Stat, err
}

// Read reads a file of a process. The error wraps fs.ErrNotExist if there is no
// such process or file. os.ReadFile needs six more system calls, as it tries to
// wait for each file with the runtime's poller.
func (r *Reader) Read(pid int, name string) ([]byte, error) {
	if r.buf == nil {
		r.buf = make([]byte, 2<<10)
	}
	text, err := readInto(r.buf, pid, name)
	if cap(text) > len(r.buf) {
		r.buf = text[:cap(text)]
	}
	return text, err
}

// readInto reads a file into buf, or a larger one.
func readInto(buf []byte, pid int, name string) ([]byte, error) {
	path := File(pid, name)
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, pathError("open", path, err)
	}
	defer unix.Close(fd)
	size := 0
	for {
		n, err := unix.Read(fd, buf[size:])
		if err != nil {
			return nil, pathError("read", path, err)
		}
		size += n
		if size < len(buf) { // these files have short reads only at their end
			return buf[:size], nil
		}
		buf = append(buf, make([]byte, len(buf))...)
	}
}

// File returns the path of a file of a process, on Linux.
func File(pid int, name string) string { return "/proc/" + strconv.Itoa(pid) + "/" + name }

// pathError returns the error of open, too, for a process that ends between
// open and read.
func pathError(op, path string, err error) error {
	if errors.Is(err, unix.ESRCH) {
		err = unix.ENOENT
	}
	return &fs.PathError{Op: op, Path: path, Err: err}
}

// All returns the PIDs of all processes in /proc, on Linux. The newest come
// last, unless the PIDs have wrapped around.
func All() ([]int, error) {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	pids := make([]int, 0, len(names))
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}
