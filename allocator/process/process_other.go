//go:build !linux && !darwin && !windows

package process

import (
	"errors"
	"fmt"
	"runtime"
	"syscall"
)

// errSystem is the error of all functions on systems that the package does not
// support.
var errSystem = fmt.Errorf("reading processes on %s: %w", runtime.GOOS, errors.ErrUnsupported)

// ReadAll is not supported on this system.
func ReadAll() ([]Stat, error) { return nil, errSystem }

func readStat(int) (Stat, error)          { return Stat{}, errSystem }
func environ(int) ([]string, error)       { return nil, errSystem }
func command(int) string                  { return "" }
func executable(int) (string, error)      { return "", errSystem }
func (id ID) signal(syscall.Signal) error { return errSystem }
