package process

import (
	"bytes"
	"fmt"
	"os"
	"time"
)

func readUsage(pid int) (Usage, error) {
	var r Reader
	text, err := r.Read(pid, "stat")
	if err != nil {
		return Usage{}, err
	}
	u, ok := parseUsage(text)
	if !ok {
		return Usage{}, fmt.Errorf("/proc/%d/stat: unexpected format: %q", pid, string(text))
	}
	// The sum of the resident sets would count a page once for each process that
	// shares it: a database with 20 workers would appear to use 20 times its cache.
	if text, err := r.Read(pid, "smaps_rollup"); err == nil {
		if share, ok := parseShare(text); ok {
			u.Memory = share
		}
	}
	return u, nil
}

// parseUsage numbers the fields like proc_pid_stat(5).
func parseUsage(text []byte) (u Usage, ok bool) {
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	const first, user, system, resident = 3, 14, 15, 24
	if len(fields) <= resident-first {
		return Usage{}, false
	}
	ticks := number(fields[user-first]) + number(fields[system-first])
	return Usage{
		CPU:    time.Duration(ticks) * (time.Second / ticksPerSecond),
		Memory: number(fields[resident-first]) * int64(os.Getpagesize()),
	}, true
}

// parseShare parses the proportional set size, in a line like "Pss:   120 kB".
func parseShare(text []byte) (share int64, ok bool) {
	_, after, ok := bytes.Cut(text, []byte("\nPss:"))
	line, _, _ := bytes.Cut(after, []byte("\n"))
	kilobytes := bytes.TrimSuffix(bytes.TrimSpace(line), []byte(" kB"))
	return number(kilobytes) << 10, ok
}
