package proctree

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"
)

func find(pid int) (Process, error) {
	h, err := openProcess(pid, 0)
	if err != nil {
		return Process{}, err
	}
	defer windows.CloseHandle(h)
	return inspect(h, pid)
}

// openProcess asks for access beside what inspect needs. The error wraps
// fs.ErrNotExist if there is no such process.
func openProcess(pid int, access uint32) (windows.Handle, error) {
	access |= windows.PROCESS_QUERY_LIMITED_INFORMATION | windows.SYNCHRONIZE
	h, err := windows.OpenProcess(access, false, uint32(pid))
	if errors.Is(err, windows.ERROR_INVALID_PARAMETER) {
		err = fs.ErrNotExist
	}
	return h, err
}

// inspect does not tell the parent. A process that has ended is there as long as
// somebody has a handle: that is a zombie, too.
func inspect(h windows.Handle, pid int) (Process, error) {
	var created, exited, kernel, user windows.Filetime
	if err := windows.GetProcessTimes(h, &created, &exited, &kernel, &user); err != nil {
		return Process{}, err
	}
	event, err := windows.WaitForSingleObject(h, 0)
	return Process{
		ID:     ID{PID: pid, Start: created.Nanoseconds()},
		Zombie: event == windows.WAIT_OBJECT_0,
	}, err
}

// snapshot leaves out a process that this user may not open: it could not be
// ended, nor told from a later one.
func snapshot() (Tree, error) {
	list, err := windows.CreateToolhelp32Snapshot(windows.TH32CS_SNAPPROCESS, 0)
	if err != nil {
		return Tree{}, err
	}
	defer windows.CloseHandle(list)
	var all []Process
	var entry windows.ProcessEntry32
	entry.Size = uint32(unsafe.Sizeof(entry))
	for err = windows.Process32First(list, &entry); err == nil; err = windows.Process32Next(list, &entry) {
		if p, err := find(int(entry.ProcessID)); err == nil {
			p.Parent = int(entry.ParentProcessID)
			all = append(all, p)
		}
	}
	if !errors.Is(err, windows.ERROR_NO_MORE_FILES) {
		return Tree{}, err
	}
	return newTree(all), nil
}

// marked has nothing to read: a job object is what keeps processes together here.
func (t Tree) marked(string) []Process { return nil }

func environ(int) ([]string, error) {
	return nil, fmt.Errorf("the environment of a process is not known on Windows: %w", errors.ErrUnsupported)
}

func command(pid int) string {
	h, err := openProcess(pid, 0)
	if err != nil {
		return ""
	}
	defer windows.CloseHandle(h)
	name := make([]uint16, windows.MAX_LONG_PATH)
	size := uint32(len(name))
	if err := windows.QueryFullProcessImageName(h, 0, &name[0], &size); err != nil {
		return ""
	}
	return windows.UTF16ToString(name[:size])
}

// signal compares with the handle open: while it is, the PID is not given again.
func (id ID) signal(sig syscall.Signal) error {
	if sig != syscall.SIGKILL {
		return fmt.Errorf("signal %v: Windows only ends processes: %w", sig, errors.ErrUnsupported)
	}
	h, err := openProcess(id.PID, windows.PROCESS_TERMINATE)
	if errors.Is(err, fs.ErrNotExist) {
		return os.ErrProcessDone
	}
	if err != nil {
		return err
	}
	defer windows.CloseHandle(h)
	p, err := inspect(h, id.PID)
	if err != nil {
		return err
	}
	if p.ID != id || p.Zombie {
		return os.ErrProcessDone
	}
	return windows.TerminateProcess(h, 1)
}

func resume(ID) {}

// killGroups does nothing: there are no process groups in this sense.
func killGroups(Tree, []Process) {}
