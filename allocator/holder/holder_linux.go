package holder

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/devports/devports/allocator/process"
)

// This file uses sock_diag(7) and /proc, proc(5): gopsutil would add about 0.3
// ms to the start of every command, and does not report the owner of a socket
// whose process is not visible.

// listeners returns the listening TCP sockets on the wanted ports, or on all if
// there are none. It searches for their processes among pids, or among all if
// there are none.
func listeners(ctx context.Context, wanted, pids []int) ([]socket, error) {
	return sockets(ctx, listenStates, wanted, pids)
}

// others returns the TCP sockets on the wanted ports that do not listen.
func others(ctx context.Context, wanted []int) ([]socket, error) {
	return sockets(ctx, otherStates, wanted, nil)
}

func sockets(ctx context.Context, states uint32, wanted, pids []int) ([]socket, error) {
	all, err := entries(states, wanted)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	if len(pids) == 0 {
		if pids, err = process.All(); err != nil {
			return nil, err
		}
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
	for _, e := range all {
		s := socket{port: int(e.local.Port()), addr: e.local.Addr(), remote: e.remote, state: e.state.String()}
		pids := owners[e.inode]
		if len(pids) == 0 {
			if e.inode != "0" {
				s.user = userName(e.uid)
			}
			found = append(found, s)
		}
		for _, s.pid = range pids {
			found = append(found, s)
		}
	}
	return found, nil
}

// socketInodes returns the inodes of the sockets that pid has open, and none if
// the process is gone or its files are not readable.
func socketInodes(pid int) []string {
	dir := process.File(pid, "fd")
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

// Inspect returns the visible fields of a process, except Address. For a
// missing process, it returns only the PID.
func Inspect(_ context.Context, pid int) Process {
	p := Process{PID: pid, Command: process.Command(pid)}
	if id, err := process.Find(pid); err == nil {
		p.Since = id.Started()
	}
	if status, err := process.ReadStatus(pid); err == nil {
		p.User = userName(strconv.Itoa(status.User))
	}
	p.Directory, _ = os.Readlink(process.File(pid, "cwd"))
	environ, _ := process.Environ(pid)
	p = labelled(p, environ)
	if tag, _ := process.TagOf(pid); tag.HasService() && tag != process.Outside {
		p.Managed = true // though Redis and nginx overwrite their environment
	}
	return p
}

// userName returns uid itself if passwd(5) has no name for it. os/user also
// supports directory services, but with cgo it makes devports a dynamically
// linked program, which takes 1 ms more to start.
func userName(uid string) string {
	text, _ := os.ReadFile("/etc/passwd")
	for line := range strings.Lines(string(text)) {
		if fields := strings.Split(line, ":"); len(fields) > 2 && fields[2] == uid {
			return fields[0]
		}
	}
	return uid
}
