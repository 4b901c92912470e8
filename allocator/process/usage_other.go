//go:build !linux

package process

import (
	"errors"
	"fmt"
	"runtime"
)

func readUsage(int) (Usage, error) {
	return Usage{}, fmt.Errorf("reading the CPU time and memory of a process on %s: %w", runtime.GOOS, errors.ErrUnsupported)
}
