package terminal

import "os"

// Foreground reports whether this process is in the foreground of a terminal and
// may read from it and change its state.
func Foreground(tty *os.File) bool { return foreground(tty) }

// Reopen opens a terminal again, by its own name. Reads from the new file can be
// interrupted, and processes that share the old one are not affected. The name
// matters on macOS, where kqueue does not accept /dev/tty.
func Reopen(tty *os.File) (*os.File, error) { return reopen(tty) }

// StateOf returns the state of a terminal. On Windows, the error wraps
// errors.ErrUnsupported.
func StateOf(tty *os.File) (State, error) { return stateOf(tty) }

// Apply sets the state of a terminal, without waiting for pending output.
func (s State) Apply(tty *os.File) error { return s.apply(tty) }

// ResumeOutput resumes output that Ctrl-S has stopped.
func ResumeOutput(tty *os.File) error { return resumeOutput(tty) }

// Keys returns the state in which each key is read when it is pressed, without
// echo, while Ctrl-C and Ctrl-Z still send signals.
func (s State) Keys() State { return s.keys() }

// NoSuspend returns the state in which Ctrl-Z sends no signal.
func (s State) NoSuspend() State { return s.noSuspend() }

// Raw returns the state in which all input is read unchanged.
func (s State) Raw() State { return s.raw() }
