// Package terminal makes a pseudo-terminal for each service, so that it prints
// as it would to a person: in colour, line by line, as wide as there is room.
package terminal

import "os"

// Size is a number of character cells.
type Size struct{ Rows, Columns int }

// Open makes a pseudo-terminal: what a process writes to its terminal can be
// read from master, with deadlines. When nobody has the terminal open any more,
// reads end with EIO on Linux and with the end of file elsewhere. The error
// wraps errors.ErrUnsupported on Windows.
func Open(size Size) (master, slave *os.File, err error) { return open(size) }

// Resize gives the terminal behind master another size; its processes get
// SIGWINCH.
func Resize(master *os.File, size Size) error { return resize(master, size) }
