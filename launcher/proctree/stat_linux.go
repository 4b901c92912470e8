package proctree

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"strconv"

	"golang.org/x/sys/unix"
)

// reader reads files of /proc into one buffer: what it returns is good until it
// reads again. The zero value is ready.
type reader struct{ buf []byte }

// read returns an error that wraps fs.ErrNotExist if there is no such process.
func (r *reader) read(pid int, name string) ([]byte, error) {
	if r.buf == nil {
		r.buf = make([]byte, 2<<10)
	}
	path := procFile(pid, name)
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, failed("open", path, err)
	}
	defer unix.Close(fd)
	size := 0
	for {
		n, err := unix.Read(fd, r.buf[size:])
		if err != nil {
			return nil, failed("read", path, err)
		}
		size += n
		if size < len(r.buf) { // these files give less than asked for only at their end
			return r.buf[:size], nil
		}
		r.buf = append(r.buf, make([]byte, len(r.buf))...)
	}
}

func procFile(pid int, name string) string { return "/proc/" + strconv.Itoa(pid) + "/" + name }

// failed says of a process that ends between open and read what open says.
func failed(op, path string, err error) error {
	if errors.Is(err, unix.ESRCH) {
		err = unix.ENOENT
	}
	return &fs.PathError{Op: op, Path: path, Err: err}
}

// stat is what /proc/PID/stat tells.
type stat struct {
	Process
	headless bool // the first thread has ended, others have not
	bare     bool // it has no environment, and is not about to get one
	exiting  bool // it ends, and may have let go of its environment
}

func (r *reader) stat(pid int) (stat, error) {
	text, err := r.read(pid, "stat")
	if err != nil {
		return stat{}, err
	}
	s, ok := parseStat(text)
	if !ok {
		return stat{}, fmt.Errorf("/proc/%d/stat: not understood: %q", pid, text)
	}
	return s, nil
}

// parseStat tells fields by their number in proc_pid_stat(5). Field 2, the name
// in parentheses, may hold blanks and parentheses itself.
func parseStat(text []byte) (s stat, ok bool) {
	pid, _, _ := bytes.Cut(text, []byte(" "))
	s.PID = int(number(pid))
	var state byte
	var flags, threads, startCode, environStart, environEnd int64
	n := 2
	for field := range bytes.FieldsSeq(text[bytes.LastIndexByte(text, ')')+1:]) {
		n++
		switch n {
		case 3:
			state = field[0]
		case 4:
			s.Parent = int(number(field))
		case 5:
			s.Group = int(number(field))
		case 6:
			s.Session = int(number(field))
		case 9:
			flags = number(field)
		case 20:
			threads = number(field)
		case 22:
			s.Start = number(field)
		case 26:
			startCode = number(field)
		case 50:
			environStart = number(field)
		case 51:
			environEnd = number(field)
		}
	}
	ended := state == 'Z' || state == 'X' // of the first thread
	s.headless = ended && threads > 1
	s.Zombie = ended && !s.headless
	const exiting, kernelThread = 0x4, 0x200000 // PF_EXITING, PF_KTHREAD
	s.exiting = flags&exiting != 0
	s.bare = flags&kernelThread != 0 ||
		startCode > 1 && environStart == environEnd // execve(2) sets the code last, and 1 is a secret
	return s, s.PID > 0 && n >= 22
}

// number returns 0 for what is none. An address may be beyond an int64.
func number(digits []byte) int64 {
	var n int64
	for _, d := range digits {
		if d < '0' || d > '9' {
			return 0
		}
		n = n*10 + int64(d-'0')
	}
	return n
}
