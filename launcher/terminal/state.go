package terminal

import "os"

// Foreground reports whether this process may read from a terminal and change
// how it works: a shell has not put it in the background.
func Foreground(tty *os.File) bool { return foreground(tty) }

// Reopen opens a terminal once more, by its own name: reads of that can be
// interrupted, and whoever shares the file notices nothing. macOS, where kqueue
// takes no /dev/tty, wants it so.
func Reopen(tty *os.File) (*os.File, error) { return reopen(tty) }

// StateOf returns the state that a terminal is in. The error wraps
// errors.ErrUnsupported on Windows.
func StateOf(tty *os.File) (State, error) { return stateOf(tty) }

// Apply puts a terminal into the state, without waiting for output.
func (s State) Apply(tty *os.File) error { return s.apply(tty) }

// Continue lets output go on that Ctrl-S has stopped.
func Continue(tty *os.File) error { return proceed(tty) }

// Keys is the state in which each key is read as it is pressed, and not shown,
// while Ctrl-C and Ctrl-Z remain signals.
func (s State) Keys() State { return s.keys() }

// Raw is the state in which all that is typed is read as it is.
func (s State) Raw() State { return s.raw() }
