package portserver

import (
	"errors"
	"fmt"

	"golang.org/x/sys/windows"
)

// stillActive is the STILL_ACTIVE of GetExitCodeProcess.
const stillActive = 259

// startTime returns when the process pid started, in units of 100 ns. A process
// that has exited is none, even while somebody keeps a handle of it.
func startTime(pid int) (uint64, error) {
	h, err := windows.OpenProcess(windows.PROCESS_QUERY_LIMITED_INFORMATION, false, uint32(pid))
	if errors.Is(err, windows.ERROR_INVALID_PARAMETER) {
		return 0, errNoProcess
	}
	if err != nil {
		return 0, fmt.Errorf("process %d: %w", pid, err)
	}
	defer windows.CloseHandle(h)
	start, err := startOf(h, pid)
	if err != nil && !errors.Is(err, errNoProcess) {
		return 0, fmt.Errorf("process %d: %w", pid, err)
	}
	return start, err
}

func startOf(h windows.Handle, pid int) (uint64, error) {
	// OpenProcess takes 4713 for 4712: it ignores the two lowest bits.
	id, err := windows.GetProcessId(h)
	if err != nil {
		return 0, err
	}
	var code uint32
	if err := windows.GetExitCodeProcess(h, &code); err != nil {
		return 0, err
	}
	if int(id) != pid || code != stillActive {
		return 0, errNoProcess
	}
	var created, exited, kernel, user windows.Filetime
	if err := windows.GetProcessTimes(h, &created, &exited, &kernel, &user); err != nil {
		return 0, err
	}
	return uint64(created.HighDateTime)<<32 | uint64(created.LowDateTime), nil
}
