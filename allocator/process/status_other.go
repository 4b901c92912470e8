//go:build !linux

package process

import (
	"errors"
	"fmt"
	"runtime"
)

func readStatus(int) (Status, error) {
	return Status{}, fmt.Errorf("reading the signal handling of a process on %s: %w", runtime.GOOS, errors.ErrUnsupported)
}

func printsToPipe(int) bool { return false }
