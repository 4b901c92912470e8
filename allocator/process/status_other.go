//go:build !linux

package process

import (
	"errors"
	"fmt"
	"runtime"
)

func readStatus(int) (Status, error) {
	return Status{}, fmt.Errorf("which signals a process handles is not known on %s: %w", runtime.GOOS, errors.ErrUnsupported)
}

func printsToPipe(int) bool { return false }
