//go:build !linux && !darwin && !windows

package process

import (
	"errors"
	"fmt"
	"runtime"
	"syscall"
)

// errSystem is what all of this package says where it cannot look at processes.
var errSystem = fmt.Errorf("reading processes on %s: %w", runtime.GOOS, errors.ErrUnsupported)

// ReadAll fails here.
func ReadAll() ([]Stat, error) { return nil, errSystem }

func readStat(int) (Stat, error)          { return Stat{}, errSystem }
func environ(int) ([]string, error)       { return nil, errSystem }
func command(int) string                  { return "" }
func executable(int) (string, error)      { return "", errSystem }
func (id ID) signal(syscall.Signal) error { return errSystem }
