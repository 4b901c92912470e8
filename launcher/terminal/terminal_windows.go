package terminal

import (
	"errors"
	"fmt"
	"os"
)

// errMissing tells what would be needed: CreatePseudoConsole.
var errMissing = fmt.Errorf("no pseudo-console is made on Windows: services print to a pipe: %w", errors.ErrUnsupported)

func open(Size) (master, slave *os.File, err error) { return nil, nil, errMissing }

func resize(*os.File, Size) error { return errMissing }
