package terminal

import "os"

// resizeSignals returns none: a Windows console sends no signals.
func resizeSignals() []os.Signal { return nil }
