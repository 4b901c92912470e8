//go:build !linux && !darwin && !windows

package portserver

import (
	"errors"
	"fmt"
	"runtime"
)

func startTime(int) (uint64, error) {
	return 0, fmt.Errorf("devports cannot tell on %s when a process started: %w", runtime.GOOS, errors.ErrUnsupported)
}
