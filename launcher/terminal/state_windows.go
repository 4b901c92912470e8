package terminal

import (
	"errors"
	"fmt"
	"os"
)

// State is how a terminal treats what is typed: unknown on Windows.
type State struct{}

// errNoKeys tells what would be needed: SetConsoleMode, and reads of the console
// that can be interrupted.
var errNoKeys = fmt.Errorf("single keys are not read on Windows: %w", errors.ErrUnsupported)

func foreground(*os.File) bool { return false }

func reopen(*os.File) (*os.File, error) { return nil, errNoKeys }

func stateOf(*os.File) (State, error) { return State{}, errNoKeys }

func proceed(*os.File) error { return errNoKeys }

func (s State) apply(*os.File) error { return errNoKeys }

func (s State) keys() State { return s }

func (s State) raw() State { return s }
