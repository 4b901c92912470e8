//go:build !linux && !darwin && !windows

package proctree

import (
	"errors"
	"fmt"
	"runtime"
	"syscall"
)

// errSystem is what all of this package says where it cannot look at processes.
var errSystem = fmt.Errorf("looking at processes on %s: %w", runtime.GOOS, errors.ErrUnsupported)

func find(int) (Process, error)           { return Process{}, errSystem }
func snapshot() (Tree, error)             { return newTree(nil), errSystem }
func environ(int) ([]string, error)       { return nil, errSystem }
func command(int) string                  { return "" }
func (id ID) signal(syscall.Signal) error { return errSystem }
func (t Tree) marked(string) []Process    { return nil }
func resume(ID)                           {}
func killGroups(Tree, []Process)          {}
