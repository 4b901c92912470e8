package process

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"
)

func readStat(pid int) (Stat, error) {
	h, err := openProcess(pid, 0)
	if err != nil {
		return Stat{}, err
	}
	defer windows.CloseHandle(h)
	return inspect(h, pid)
}

// openProcess opens a process with access in addition to the access for
// inspect. The error wraps fs.ErrNotExist if there is no such process.
func openProcess(pid int, access uint32) (windows.Handle, error) {
	access |= windows.PROCESS_QUERY_LIMITED_INFORMATION | windows.SYNCHRONIZE
	h, err := windows.OpenProcess(access, false, uint32(pid))
	if errors.Is(err, windows.ERROR_INVALID_PARAMETER) {
		err = fs.ErrNotExist
	}
	return h, err
}

// inspect returns the Stat without the parent. An ended process keeps its PID
// as long as another process has a handle. It counts as gone, since no parent
// has to wait for it.
func inspect(h windows.Handle, pid int) (Stat, error) {
	// OpenProcess ignores the two lowest bits: it opens 4712 for 4713.
	id, err := windows.GetProcessId(h)
	if err != nil {
		return Stat{}, err
	}
	event, err := windows.WaitForSingleObject(h, 0)
	if err != nil {
		return Stat{}, err
	}
	if int(id) != pid || event == windows.WAIT_OBJECT_0 {
		return Stat{}, fs.ErrNotExist
	}
	var created, exited, kernel, user windows.Filetime
	if err := windows.GetProcessTimes(h, &created, &exited, &kernel, &user); err != nil {
		return Stat{}, err
	}
	return Stat{ID: ID{PID: pid, Start: created.Nanoseconds()}}, nil
}

// ReadAll reads the Stats of all processes, on macOS and Windows. It omits
// those that this user may not open: they could not be killed or distinguished
// from later ones.
func ReadAll() ([]Stat, error) {
	list, err := windows.CreateToolhelp32Snapshot(windows.TH32CS_SNAPPROCESS, 0)
	if err != nil {
		return nil, err
	}
	defer windows.CloseHandle(list)
	var all []Stat
	var entry windows.ProcessEntry32
	entry.Size = uint32(unsafe.Sizeof(entry))
	for err = windows.Process32First(list, &entry); err == nil; err = windows.Process32Next(list, &entry) {
		if s, err := readStat(int(entry.ProcessID)); err == nil {
			s.Parent = int(entry.ParentProcessID)
			all = append(all, s)
		}
	}
	if !errors.Is(err, windows.ERROR_NO_MORE_FILES) {
		return nil, err
	}
	return all, nil
}

func environ(int) ([]string, error) {
	return nil, fmt.Errorf("reading the environment of a process on Windows: %w", errors.ErrUnsupported)
}

func command(pid int) string {
	path, _ := executable(pid)
	return path
}

func executable(pid int) (string, error) {
	h, err := openProcess(pid, 0)
	if err != nil {
		return "", err
	}
	defer windows.CloseHandle(h)
	name := make([]uint16, windows.MAX_LONG_PATH)
	size := uint32(len(name))
	if err := windows.QueryFullProcessImageName(h, 0, &name[0], &size); err != nil {
		return "", err
	}
	return windows.UTF16ToString(name[:size]), nil
}

// signal checks the ID with an open handle: while it is open, the PID is not
// reused.
func (id ID) signal(sig syscall.Signal) error {
	if sig != syscall.SIGKILL {
		return fmt.Errorf("signal %v on Windows, which supports only SIGKILL: %w", sig, errors.ErrUnsupported)
	}
	h, err := openProcess(id.PID, windows.PROCESS_TERMINATE)
	if errors.Is(err, fs.ErrNotExist) {
		return os.ErrProcessDone
	}
	if err != nil {
		return err
	}
	defer windows.CloseHandle(h)
	s, err := inspect(h, id.PID)
	if errors.Is(err, fs.ErrNotExist) || err == nil && s.ID != id {
		return os.ErrProcessDone
	}
	if err != nil {
		return err
	}
	return windows.TerminateProcess(h, 1)
}
