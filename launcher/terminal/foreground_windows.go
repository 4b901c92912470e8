package terminal

import (
	"os"
	"os/exec"
	"time"
)

// StartForeground, TakeForeground and EndGroup are not used: there is no live
// view on Windows.
func StartForeground(*exec.Cmd, *os.File) error { return errNoKeys }

func TakeForeground(*os.File) {}

func EndGroup(*os.Process, <-chan struct{}, time.Duration) {}
