package allocator

import "testing"

// wantTimeWait does nothing: sockets in TIME_WAIT block no port on Windows.
func wantTimeWait(*testing.T, int) {}
