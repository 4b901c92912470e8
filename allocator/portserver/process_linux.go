package portserver

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// startTime returns when the process pid started, in clock ticks since the boot.
func startTime(pid int) (uint64, error) {
	var buf [1024]byte // a line takes less, as each field is bounded
	stat, err := readStat(pid, buf[:])
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ESRCH) {
		// A /proc that is mounted with hidepid lacks the processes of others.
		if errors.Is(unix.Kill(pid, 0), unix.ESRCH) {
			return 0, errNoProcess
		}
	}
	if err != nil {
		return 0, fmt.Errorf("/proc/%d/stat: %w", pid, err)
	}
	start, ok := parseStat(stat)
	if !ok {
		return 0, fmt.Errorf("/proc/%d/stat: no time of start in %q", pid, stat)
	}
	return start, nil
}

// readStat is os.ReadFile without what that does for files in general: it is
// called for each request, and for each owner in the way of one.
func readStat(pid int, buf []byte) ([]byte, error) {
	var name [32]byte
	path := append(strconv.AppendInt(append(name[:0], "/proc/"...), int64(pid), 10), "/stat"...)
	fd, err := unix.Open(string(path), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	n, err := unix.Read(fd, buf)
	if err != nil {
		return nil, err
	}
	return buf[:n], nil
}

// parseStat returns field 22 of proc_pid_stat(5), the time of start. Field 2, in
// parentheses, is the name of the program, which may contain blanks and
// parentheses itself; no later field does.
func parseStat(stat []byte) (start uint64, ok bool) {
	rest := stat[bytes.LastIndexByte(stat, ')')+1:] // " S 1 …", from field 3 on
	for range 22 - 2 {
		i := bytes.IndexByte(rest, ' ')
		if i < 0 {
			return 0, false
		}
		rest = rest[i+1:]
	}
	field, _, _ := bytes.Cut(rest, []byte(" "))
	start, err := strconv.ParseUint(string(field), 10, 64)
	return start, err == nil
}

// bootID tells the system's boots apart. A time of start counts from the boot.
func bootID() (string, error) {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(id)), err
}
