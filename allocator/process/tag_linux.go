package process

import (
	"bytes"
	"errors"
	"io/fs"
	"math"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// A tag is the soft limit of RLIMIT_RTTIME, see getrlimit(2): the microseconds
// that a process with a real-time scheduling policy may run without sleeping.
// It is unlimited on nearly every system; a tag is about 146,000 years, so it
// has no effect. Unlike an environment variable, it is not lost when a process
// clears its environment, as `env -i`, Redis and nginx do, and unlike a process
// group it survives setsid(2). The hard limit does not change, so a process may
// remove its tag.
//
// If a tag cannot be set (a finite hard limit, a 32-bit kernel, a container
// that forbids prlimit(2)), the functions return an error, and callers have
// only the environment.

// Attach sets the tag of a process; 0 is this one.
func (t Tag) Attach(pid int) error {
	var limit unix.Rlimit
	if err := unix.Prlimit(pid, unix.RLIMIT_RTTIME, nil, &limit); err != nil {
		return os.NewSyscallError("prlimit", err)
	}
	limit.Cur = uint64(t)
	if t == 0 {
		limit.Cur = limit.Max
	}
	if err := unix.Prlimit(pid, unix.RLIMIT_RTTIME, &limit, nil); err != nil {
		return os.NewSyscallError("prlimit", err)
	}
	if t == 0 {
		return nil
	}
	if got, err := TagOf(pid); err != nil || got != t {
		return errors.Join(err, errors.ErrUnsupported)
	}
	return nil
}

// TagOf returns the tag of a process; 0 is this one. The error wraps
// fs.ErrNotExist if there is no such process.
func TagOf(pid int) (Tag, error) {
	var limit unix.Rlimit
	err := unix.Prlimit(pid, unix.RLIMIT_RTTIME, nil, &limit)
	switch {
	case errors.Is(err, unix.ESRCH):
		return 0, fs.ErrNotExist
	case errors.Is(err, unix.EPERM): // another user's
		var r Reader
		text, err := r.Read(pid, "limits")
		if err != nil {
			return 0, err
		}
		return parseLimits(text), nil
	case err != nil:
		return 0, os.NewSyscallError("prlimit", err)
	}
	return tagOf(limit.Cur), nil
}

func tagOf(limit uint64) Tag {
	if limit>>62 != 1 {
		return 0
	}
	return Tag(limit)
}

// parseLimits returns the tag in /proc/PID/limits, which every user may read.
func parseLimits(text []byte) Tag {
	for line := range bytes.Lines(text) {
		rest, ok := bytes.CutPrefix(line, []byte("Max realtime timeout"))
		fields := bytes.Fields(rest)
		if !ok || len(fields) == 0 {
			continue
		}
		limit, err := strconv.ParseUint(string(fields[0]), 10, 64)
		if err != nil {
			limit = math.MaxUint64 // "unlimited"
		}
		return tagOf(limit)
	}
	return 0
}
