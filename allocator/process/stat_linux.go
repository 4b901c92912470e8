package process

import (
	"bytes"
	"fmt"
)

// stat is the content of /proc/PID/stat.
type stat struct {
	Stat
	leaderless bool // the first thread has ended, others have not
	bare       bool // it has no environment and will not get one
	exiting    bool // it is exiting, and may have released its environment
}

func (r *Reader) stat(pid int) (stat, error) {
	text, err := r.Read(pid, "stat")
	if err != nil {
		return stat{}, err
	}
	return checkedStat(text, pid)
}

func checkedStat(text []byte, pid int) (stat, error) {
	s, ok := parseStat(text)
	if !ok {
		return stat{}, fmt.Errorf("/proc/%d/stat: unexpected format: %q", pid, string(text))
	}
	return s, nil
}

// parseStat numbers the fields like proc_pid_stat(5). Field 2, the name in
// parentheses, may contain spaces and parentheses itself; no later field does.
func parseStat(text []byte) (s stat, ok bool) {
	pid, _, _ := bytes.Cut(text, []byte(" "))
	s.PID = int(number(pid))
	var state byte
	var flags, threads, startCode, environStart, environEnd int64
	var field []byte
	n := 3
	// bytes.FieldsSeq would move the caller's buffer to the heap.
	rest := bytes.TrimSpace(text[bytes.LastIndexByte(text, ')')+1:])
	for ; len(rest) > 0; n++ {
		field, rest, _ = bytes.Cut(rest, []byte(" "))
		switch n {
		case 3:
			state = field[0]
		case 4:
			s.Parent = int(number(field))
		case 5:
			s.Group = int(number(field))
		case 6:
			s.Session = int(number(field))
		case 7:
			s.Terminal = uint64(number(field))
		case 8:
			s.Foreground = int(number(field)) // -1 for none
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
	s.leaderless = ended && threads > 1
	s.Zombie = ended && !s.leaderless
	s.Stopped = state == 'T'
	const exiting, kernelThread = 0x4, 0x200000 // PF_EXITING, PF_KTHREAD
	s.exiting = flags&exiting != 0
	s.bare = flags&kernelThread != 0 ||
		startCode > 1 && environStart == environEnd // execve(2) sets the code last, and 1 means that it is hidden
	return s, s.PID > 0 && n > 22
}

// number returns 0 for an invalid or negative number. Addresses may overflow an
// int64.
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
