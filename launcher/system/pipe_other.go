//go:build !linux

package system

import "os"

// pipe is os.Pipe: see pipe_linux.go.
func pipe(bool) (read, write *os.File, err error) { return os.Pipe() }
