package holder

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// This file reads /proc, proc(5), itself: importing gopsutil would add about
// 0.3 ms to the start of every command, and it does not tell the owner of a
// socket whose process cannot be seen.

// sockets returns the listening TCP sockets on the wanted ports.
func sockets(ctx context.Context, wanted func(port int) bool) ([]socket, error) {
	entries, err := tables(wanted)
	if err != nil || len(entries) == 0 {
		return nil, err
	}
	pids, err := processes()
	if err != nil {
		return nil, err
	}
	owners := map[string][]int{}
	for _, pid := range pids {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		for _, inode := range socketInodes(pid) {
			owners[inode] = append(owners[inode], pid)
		}
	}
	var found []socket
	for _, e := range entries {
		pids := owners[e.inode]
		if len(pids) == 0 {
			found = append(found, socket{port: e.port, addr: e.addr, user: userName(e.uid)})
		}
		for _, pid := range pids {
			found = append(found, socket{port: e.port, addr: e.addr, pid: pid})
		}
	}
	return found, nil
}

// processes returns the PIDs of all processes.
func processes() ([]int, error) {
	names, err := readNames("/proc")
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

// socketInodes returns the inodes of the sockets that pid has open, each once,
// and none if it is gone or its files may not be read.
func socketInodes(pid int) []string {
	dir := procFile(pid, "fd")
	names, err := readNames(dir)
	if err != nil {
		return nil
	}
	var inodes []string
	for _, name := range names {
		target, err := os.Readlink(filepath.Join(dir, name))
		if err != nil {
			continue
		}
		if inode, ok := strings.CutPrefix(target, "socket:["); ok {
			inodes = append(inodes, strings.TrimSuffix(inode, "]"))
		}
	}
	return inodes
}

// readNames returns the names in dir, unsorted.
func readNames(dir string) ([]string, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Readdirnames(-1)
}

// Inspect returns what is to be seen of a process, without its address. Of a
// process that does not exist, that is its PID.
func Inspect(_ context.Context, pid int) Process {
	p := Process{PID: pid, Command: command(pid), User: effectiveUser(pid), Since: startTime(pid)}
	p.Directory, _ = os.Readlink(procFile(pid, "cwd"))
	environ, _ := os.ReadFile(procFile(pid, "environ"))
	return labelled(p, strings.Split(string(environ), "\x00"))
}

// command returns the command line, or the name of a process that has none.
func command(pid int) string {
	text, _ := os.ReadFile(procFile(pid, "cmdline"))
	if line := strings.TrimRight(string(text), "\x00 "); line != "" {
		return strings.ReplaceAll(line, "\x00", " ")
	}
	text, _ = os.ReadFile(procFile(pid, "comm"))
	return strings.TrimSpace(string(text))
}

func effectiveUser(pid int) string {
	text, _ := os.ReadFile(procFile(pid, "status"))
	for line := range strings.Lines(string(text)) {
		if ids, ok := strings.CutPrefix(line, "Uid:"); ok {
			if ids := strings.Fields(ids); len(ids) > 1 { // real, effective, saved, file system
				return userName(ids[1])
			}
		}
	}
	return ""
}

// userName returns uid itself if passwd(5) has no name for it. os/user would ask
// the directory services as well, but with cgo: importing it makes devports a
// dynamically linked program, which takes 1 ms more to start.
func userName(uid string) string {
	text, _ := os.ReadFile("/etc/passwd")
	for line := range strings.Lines(string(text)) {
		if fields := strings.Split(line, ":"); len(fields) > 2 && fields[2] == uid {
			return fields[0]
		}
	}
	return uid
}

// ticksPerSecond is USER_HZ, in which the kernel tells times. It is 100 on every
// architecture that Go compiles for.
const ticksPerSecond = 100

// startTime returns the zero time if it cannot be told.
func startTime(pid int) time.Time {
	stat, _ := os.ReadFile(procFile(pid, "stat"))
	ticks, ok := startTicks(string(stat))
	if !ok {
		return time.Time{}
	}
	var sinceBoot unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &sinceBoot); err != nil {
		return time.Time{}
	}
	started := time.Duration(ticks) * (time.Second / ticksPerSecond)
	return time.Now().Add(started - time.Duration(sinceBoot.Nano())).Round(time.Second / ticksPerSecond)
}

// startTicks returns field 22 of /proc/PID/stat, the start of the process in
// ticks since boot. Field 2, the name in parentheses, may hold blanks and
// parentheses itself.
func startTicks(stat string) (int64, bool) {
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	if len(fields) < 20 {
		return 0, false
	}
	ticks, err := strconv.ParseInt(fields[22-3], 10, 64)
	return ticks, err == nil
}

func procFile(pid int, name string) string {
	return filepath.Join("/proc", strconv.Itoa(pid), name)
}
