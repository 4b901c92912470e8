package proctree

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

func find(pid int) (Process, error) {
	// SysctlKinfoProc would tell a missing process and any failure alike.
	procs, err := unix.SysctlKinfoProcSlice("kern.proc.pid", pid)
	if err != nil {
		return Process{}, err
	}
	if len(procs) == 0 {
		return Process{}, fs.ErrNotExist
	}
	return process(&procs[0]), nil
}

func snapshot() (Tree, error) {
	procs, err := unix.SysctlKinfoProcSlice("kern.proc.all")
	if err != nil {
		return Tree{}, err
	}
	all := make([]Process, len(procs))
	for i := range procs {
		all[i] = process(&procs[i])
	}
	return newTree(all), nil
}

func process(k *unix.KinfoProc) Process {
	const zombie = 5 // SZOMB in sys/proc.h
	pid := int(k.Proc.P_pid)
	session, _ := unix.Getsid(pid)
	return Process{
		ID:      ID{PID: pid, Start: k.Proc.P_starttime.Nano()},
		Parent:  int(k.Eproc.Ppid),
		Group:   int(k.Eproc.Pgid),
		Session: session,
		Zombie:  k.Proc.P_stat == zombie,
	}
}

func (t Tree) marked(variable string) []Process {
	var found []Process
	for _, p := range t.all {
		if p.Zombie {
			continue
		}
		if environ, err := environ(p.PID); err == nil && slices.Contains(environ, variable) {
			found = append(found, p)
		}
	}
	return found
}

func environ(pid int) ([]string, error) {
	_, environ, err := procargs(pid)
	return environ, err
}

func command(pid int) string {
	if argv, _, err := procargs(pid); err == nil && len(argv) > 0 {
		return strings.Join(argv, " ")
	}
	procs, err := unix.SysctlKinfoProcSlice("kern.proc.pid", pid)
	if err != nil || len(procs) == 0 {
		return ""
	}
	return unix.ByteSliceToString(procs[0].Proc.P_comm[:])
}

func procargs(pid int) (argv, environ []string, err error) {
	raw, err := unix.SysctlRaw("kern.procargs2", pid)
	if errors.Is(err, unix.EINVAL) { // no such process, a zombie, or another user's
		if p, findErr := find(pid); findErr != nil || p.Zombie {
			return nil, nil, fs.ErrNotExist
		}
		return nil, nil, fs.ErrPermission
	}
	if err != nil {
		return nil, nil, err
	}
	return parseProcargs(raw)
}

func (id ID) signal(sig syscall.Signal) error { return id.signalCompared(sig) }
