package terminal

import "os"

// resizeSignals is empty: a Windows console sends none.
func resizeSignals() []os.Signal { return nil }
