package terminal

import (
	"os"
	"os/exec"
	"time"
)

// StartForeground fails: there is no live view on Windows, which alone needs it.
func StartForeground(*exec.Cmd, *os.File) error { return errNoKeys }

// TakeForeground does nothing: see StartForeground.
func TakeForeground(*os.File) {}

// KillGroup does nothing: see StartForeground.
func KillGroup(*os.Process, <-chan struct{}, time.Duration) {}
