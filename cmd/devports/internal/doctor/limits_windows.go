package doctor

import "math"

// maxOpenFiles is how many files devports may have open: Windows has no limit
// that a launcher would come near.
func maxOpenFiles() int { return math.MaxInt }
