package terminal

import (
	"errors"
	"fmt"
	"os"
)

// State is how a terminal treats input: unknown on Windows.
type State struct{}

// errNoKeys could be resolved with SetConsoleMode and interruptible reads of the
// console.
var errNoKeys = fmt.Errorf("reading single keys is not supported on Windows: %w", errors.ErrUnsupported)

func foreground(*os.File) bool { return false }

func reopen(*os.File) (*os.File, error) { return nil, errNoKeys }

func stateOf(*os.File) (State, error) { return State{}, errNoKeys }

func resumeOutput(*os.File) error { return errNoKeys }

func (s State) apply(*os.File) error { return errNoKeys }

func (s State) keys() State { return s }

func (s State) noSuspend() State { return s }

func (s State) raw() State { return s }
