package process

import (
	"errors"
	"io/fs"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

func readStat(pid int) (Stat, error) {
	k, err := kinfo(pid)
	if err != nil {
		return Stat{}, err
	}
	return statOf(&k), nil
}

func kinfo(pid int) (unix.KinfoProc, error) {
	// SysctlKinfoProc returns one error for a missing process and for any
	// failure.
	procs, err := unix.SysctlKinfoProcSlice("kern.proc.pid", pid)
	if err != nil {
		return unix.KinfoProc{}, err
	}
	if len(procs) == 0 {
		return unix.KinfoProc{}, fs.ErrNotExist
	}
	return procs[0], nil
}

// ReadAll reads the Stats of all processes, on macOS and Windows.
func ReadAll() ([]Stat, error) {
	procs, err := unix.SysctlKinfoProcSlice("kern.proc.all")
	if err != nil {
		return nil, err
	}
	all := make([]Stat, len(procs))
	for i := range procs {
		all[i] = statOf(&procs[i])
	}
	return all, nil
}

func statOf(k *unix.KinfoProc) Stat {
	const stopped, zombie = 4, 5 // SSTOP and SZOMB in sys/proc.h
	pid := int(k.Proc.P_pid)
	session, _ := unix.Getsid(pid)
	s := Stat{
		ID:      ID{PID: pid, Start: k.Proc.P_starttime.Nano()},
		Parent:  int(k.Eproc.Ppid),
		Group:   int(k.Eproc.Pgid),
		Session: session,
		Zombie:  k.Proc.P_stat == zombie,
		Stopped: k.Proc.P_stat == stopped,
	}
	if noDevice := int32(-1); k.Eproc.Tdev != noDevice { // NODEV
		s.Terminal, s.Foreground = uint64(uint32(k.Eproc.Tdev)), int(k.Eproc.Tpgid)
	}
	return s
}

func environ(pid int) ([]string, error) {
	args, err := readProcargs(pid)
	return args.environ, err
}

func command(pid int) string {
	if args, err := readProcargs(pid); err == nil && len(args.argv) > 0 {
		return strings.Join(args.argv, " ")
	}
	k, err := kinfo(pid)
	if err != nil {
		return ""
	}
	return unix.ByteSliceToString(k.Proc.P_comm[:])
}

func executable(pid int) (string, error) {
	args, err := readProcargs(pid)
	return args.program, err
}

func readProcargs(pid int) (procargs, error) {
	raw, err := unix.SysctlRaw("kern.procargs2", pid)
	if errors.Is(err, unix.EINVAL) { // no such process, a zombie, or another user's
		if s, statErr := readStat(pid); statErr != nil || s.Zombie {
			return procargs{}, fs.ErrNotExist
		}
		return procargs{}, fs.ErrPermission
	}
	if err != nil {
		return procargs{}, err
	}
	return parseProcargs(raw)
}

func (id ID) signal(sig syscall.Signal) error { return id.signalCompared(sig) }
