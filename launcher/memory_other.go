//go:build !linux

package launcher

import "runtime/debug"

// giveBack returns the heap that is free to the system.
func giveBack() { debug.FreeOSMemory() }
