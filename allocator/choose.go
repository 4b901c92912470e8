package allocator

import (
	"errors"
	"hash/fnv"
	"iter"
	"strconv"
)

// ErrNoneLeft reports that no candidate of a pool is usable.
var ErrNoneLeft = errors.New("no usable port left")

// Key is the purpose of a port. Any field may be empty; different fields always
// make different keys.
type Key struct {
	Project, Worktree string // the scope, which selects the stretch
	PortName                 // in the scope
}

// stretchLength is the approximate number of neighbouring candidates that a
// project uses first.
const stretchLength = 100

// Choose returns the first port for which usable returns true, in an order that
// depends only on k. It calls usable at most once for each candidate. If none
// is usable, the error is ErrNoneLeft.
func (p Pool) Choose(k Key, usable func(port int) bool) (int, error) {
	for i := range probes(k, len(p.probed)) {
		if port := int(p.probed[i]); port != 0 && usable(port) {
			return port, nil
		}
	}
	return 0, ErrNoneLeft
}

// probes returns the numbers from 0 to n-1 in the order for k: its stretch from
// the start to the end, the stretch before the start, everything after the
// stretch, everything before it.
func probes(k Key, n int) iter.Seq[int] {
	return func(yield func(int) bool) {
		if n == 0 {
			return
		}
		stretches := max(1, (n+stretchLength/2)/stretchLength)
		stretch := reduce(sum(k.Project, k.Worktree), stretches)
		first, end := stretch*n/stretches, (stretch+1)*n/stretches
		start := first + reduce(sum(k.Service, k.Port), end-first)
		for _, part := range [][2]int{{start, end}, {first, start}, {end, n}, {0, first}} {
			for i := part[0]; i < part[1]; i++ {
				if !yield(i) {
					return
				}
			}
		}
	}
}

// reduce returns h modulo n, computed before the conversion: half of all hashes
// are negative as an int, and a 32-bit int holds only their lower half.
func reduce(h uint64, n int) int { return int(h % uint64(n)) }

// sum returns the 64-bit FNV-1a hash of the parts, each preceded by its length
// so that ("ab", "c") and ("a", "bc") differ. The hashes are a promise of
// devports: a change moves every port that is not yet in a registry.
func sum(parts ...string) uint64 {
	h := fnv.New64a()
	for _, part := range parts {
		h.Write([]byte(strconv.Itoa(len(part)) + ":" + part))
	}
	return h.Sum64()
}
