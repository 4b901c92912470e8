//go:build unix

package doctor

import (
	"math"

	"golang.org/x/sys/unix"
)

// maxOpenFiles is how many files devports may have open: the runtime raises its
// limit as far as it may.
func maxOpenFiles() int {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return math.MaxInt
	}
	return int(min(limit.Max, math.MaxInt32)) // of the first, "unlimited" is the largest
}
