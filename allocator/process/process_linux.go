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
	var buf [1 << 10]byte // a line takes less, as each field is bounded
	text, err := readInto(buf[:], pid, "stat")
	if err == nil {
		s, err := understood(text, pid)
		return s.Stat, err
	}
	// A /proc that is mounted with hidepid lacks the processes of others.
	if errors.Is(err, fs.ErrNotExist) && pid > 0 && !errors.Is(unix.Kill(pid, 0), unix.ESRCH) {
		return Stat{}, &fs.PathError{Op: "open", Path: File(pid, "stat"), Err: unix.EACCES}
	}
	return Stat{}, err
}

func command(pid int) string {
	var r Reader
	text, err := r.read(pid, "cmdline")
	if line := strings.TrimRight(string(text), "\x00 "); err == nil && line != "" {
		return strings.ReplaceAll(line, "\x00", " ")
	}
	text, _ = r.read(pid, "comm")
	return string(text)
}

// executable leaves out what the kernel says of a file that was removed.
func executable(pid int) (string, error) {
	path, err := os.Readlink(File(pid, "exe"))
	return strings.TrimSuffix(path, " (deleted)"), err
}

// ticksPerSecond is USER_HZ, the unit of the kernel's times. It is 100 on every
// architecture that Go compiles for.
const ticksPerSecond = 100

// Started returns when the process started, to a hundredth of a second, and the
// zero time where the system has no answer.
func (id ID) Started() time.Time {
	var sinceBoot unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &sinceBoot); err != nil {
		return time.Time{}
	}
	started := time.Duration(id.Start) * (time.Second / ticksPerSecond)
	return time.Now().Add(started - time.Duration(sinceBoot.Nano())).Round(time.Second / ticksPerSecond)
}
