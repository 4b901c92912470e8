package terminal

import (
	"errors"
	"fmt"
	"os"
)

// errUnsupported could be resolved with CreatePseudoConsole.
var errUnsupported = fmt.Errorf("pseudo-consoles are not supported on Windows; services print to a pipe: %w", errors.ErrUnsupported)

func open(Size) (master, slave *os.File, err error) { return nil, nil, errUnsupported }

func resize(*os.File, Size) error { return errUnsupported }
