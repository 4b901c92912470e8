//go:build unix

package terminal

import (
	"os"

	"golang.org/x/sys/unix"
)

func resizeSignals() []os.Signal { return []os.Signal{unix.SIGWINCH} }
