package system

import (
	"os"

	"golang.org/x/sys/unix"
)

// pipe returns a pipe, of which only the end that devports reads from, if any,
// is in non-blocking mode. os.Pipe also registers the ends that devports never
// uses with the runtime's poller, and os.StartProcess then makes the process's
// end block again: six more system calls for each pipe.
func pipe(reads bool) (read, write *os.File, err error) {
	var ends [2]int
	if err := unix.Pipe2(ends[:], unix.O_CLOEXEC); err != nil {
		return nil, nil, os.NewSyscallError("pipe2", err)
	}
	if reads {
		_ = unix.SetNonblock(ends[0], true) // cannot fail for a pipe
	}
	return os.NewFile(uintptr(ends[0]), "|0"), os.NewFile(uintptr(ends[1]), "|1"), nil
}
