// Package terminal opens a pseudo-terminal for each service, so that it prints as
// it would to a user's: in colour, line by line, and as wide as there is room.
package terminal

import "os"

// Size is a number of character cells.
type Size struct{ Rows, Columns int }

// Open opens a pseudo-terminal: what a process writes to slave can be read from
// master, with deadlines. Once no process has slave open, reads fail with EIO on
// Linux and return io.EOF elsewhere. On Windows, the error wraps
// errors.ErrUnsupported.
func Open(size Size) (master, slave *os.File, err error) { return open(size) }

// Resize changes the size of the terminal; its processes get SIGWINCH.
func Resize(master *os.File, size Size) error { return resize(master, size) }
