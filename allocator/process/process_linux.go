package process

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

func readStat(pid int) (Stat, error) {
	var buf [1 << 10]byte // longer than any line, since each field is bounded
	text, err := readInto(buf[:], pid, "stat")
	if err == nil {
		s, err := checkedStat(text, pid)
		return s.Stat, err
	}
	// A /proc mounted with hidepid does not show the processes of other users.
	if errors.Is(err, fs.ErrNotExist) && pid > 0 && !errors.Is(unix.Kill(pid, 0), unix.ESRCH) {
		return Stat{}, &fs.PathError{Op: "open", Path: File(pid, "stat"), Err: unix.EACCES}
	}
	return Stat{}, err
}

func command(pid int) string {
	var r Reader
	text, err := r.Read(pid, "cmdline")
	if line := strings.TrimRight(string(text), "\x00 "); err == nil && line != "" {
		return strings.ReplaceAll(line, "\x00", " ")
	}
	text, _ = r.Read(pid, "comm")
	return string(text)
}

// executable removes the kernel's suffix for a deleted file.
func executable(pid int) (string, error) {
	path, err := os.Readlink(File(pid, "exe"))
	return strings.TrimSuffix(path, " (deleted)"), err
}

// ticksPerSecond is USER_HZ, the unit of the kernel's times. It is 100 on every
// architecture that Go supports.
const ticksPerSecond = 100

// Started returns the start time, to a hundredth of a second, or the zero time
// if the system has no answer.
func (id ID) Started() time.Time {
	var sinceBoot unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &sinceBoot); err != nil {
		return time.Time{}
	}
	started := time.Duration(id.Start) * (time.Second / ticksPerSecond)
	return time.Now().Add(started - time.Duration(sinceBoot.Nano())).Round(time.Second / ticksPerSecond)
}
