package process

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
)

func readStatus(pid int) (Status, error) {
	var r Reader
	text, err := r.Read(pid, "status")
	if err != nil {
		return Status{}, err
	}
	s, ok := parseStatus(text)
	if !ok {
		return Status{}, fmt.Errorf("/proc/%d/status: unexpected format: %q", pid, string(text))
	}
	return s, nil
}

// parseStatus parses lines such as these, see proc_pid_status(5). Newlines in
// the name of the program, in the first line, are escaped.
//
//	Uid:	1000	1000	1000	1000
//	SigCgt:	0000000180004002
func parseStatus(text []byte) (s Status, ok bool) {
	user, signals := false, 0
	for line := range bytes.Lines(text) {
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimSpace(value)
		var set *SignalSet
		switch string(name) {
		case "Uid":
			ids := bytes.Fields(value) // real, effective, saved, file system
			if len(ids) != 4 {
				return Status{}, false
			}
			id, err := strconv.ParseUint(string(ids[1]), 10, 32)
			if err != nil {
				return Status{}, false
			}
			s.User, user = int(id), true
			continue
		case "SigBlk":
			set = &s.Blocked
		case "SigIgn":
			set = &s.Ignored
		case "SigCgt":
			set = &s.Caught
		default:
			continue
		}
		const digits = 16 // MIPS has more, for signals that are not needed here
		value = value[max(0, len(value)-digits):]
		mask, err := strconv.ParseUint(string(value), 16, 64)
		if err != nil {
			return Status{}, false
		}
		*set = SignalSet(mask)
		signals++
	}
	return s, user && signals == 3
}

func printsToPipe(pid int) bool {
	for _, name := range []string{"fd/1", "fd/2"} {
		target, err := os.Readlink(File(pid, name)) // "pipe:[81234]", proc_pid_fd(5)
		if err == nil && (strings.HasPrefix(target, "pipe:") || strings.HasPrefix(target, "socket:")) {
			return true
		}
	}
	return false
}
