package process

import (
	"errors"
	"io/fs"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// Reader reads files of /proc into one buffer, for a caller that reads of many
// processes: what it returns is good until it reads again. The zero value is
// ready. One goroutine at a time may use it.
type Reader struct{ buf []byte }

// Stat is ReadStat, but of a process that a /proc mounted with hidepid does not
// show it says that there is none.
func (r *Reader) Stat(pid int) (Stat, error) {
	s, err := r.stat(pid)
	return s.Stat, err
}

// read returns an error that wraps fs.ErrNotExist if there is no such process.
func (r *Reader) read(pid int, name string) ([]byte, error) {
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
		return nil, failed("open", path, err)
	}
	defer unix.Close(fd)
	size := 0
	for {
		n, err := unix.Read(fd, buf[size:])
		if err != nil {
			return nil, failed("read", path, err)
		}
		size += n
		if size < len(buf) { // these files give less than asked for only at their end
			return buf[:size], nil
		}
		buf = append(buf, make([]byte, len(buf))...)
	}
}

// File is the path of a file of a process, on Linux.
func File(pid int, name string) string { return "/proc/" + strconv.Itoa(pid) + "/" + name }

// failed says of a process that ends between open and read what open says.
func failed(op, path string, err error) error {
	if errors.Is(err, unix.ESRCH) {
		err = unix.ENOENT
	}
	return &fs.PathError{Op: op, Path: path, Err: err}
}

// All returns the PIDs of all processes that /proc shows, on Linux. Unless the
// PIDs have begun again from the lowest, the youngest come last.
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
