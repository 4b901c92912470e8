package allocator

import (
	"cmp"
	"iter"
	"slices"
)

const maxPort = 65535

// Range is the ports First to Last, both included. It is empty if First is
// greater than Last.
type Range struct{ First, Last int }

// Len returns the number of ports in r.
func (r Range) Len() int { return max(0, r.Last-r.First+1) }

// Set is a set of ports from 0 to 65535. It is an immutable value; the zero
// value is the empty set.
type Set struct {
	ranges []Range // sorted, with a gap between any two
}

// NewSet returns the union of ranges, which may overlap and have any order. It
// ignores ports outside of 0-65535.
func NewSet(ranges ...Range) Set {
	sorted := slices.Clone(ranges)
	slices.SortFunc(sorted, func(a, b Range) int { return cmp.Compare(a.First, b.First) })
	var merged []Range
	for _, r := range sorted {
		r = Range{max(r.First, 0), min(r.Last, maxPort)}
		if r.Len() == 0 {
			continue
		}
		if n := len(merged); n > 0 && r.First <= merged[n-1].Last+1 {
			merged[n-1].Last = max(merged[n-1].Last, r.Last)
			continue
		}
		merged = append(merged, r)
	}
	return Set{merged}
}

// Contains reports whether port is in s.
func (s Set) Contains(port int) bool {
	_, found := slices.BinarySearchFunc(s.ranges, port, func(r Range, port int) int {
		switch {
		case r.Last < port:
			return -1
		case r.First > port:
			return 1
		}
		return 0
	})
	return found
}

// Union returns the ports that are in s, in t or in both.
func (s Set) Union(t Set) Set {
	return NewSet(slices.Concat(s.ranges, t.ranges)...)
}

// Intersect returns the ports that are in both s and t.
func (s Set) Intersect(t Set) Set {
	var both []Range
	a, b := s.ranges, t.ranges
	for len(a) > 0 && len(b) > 0 {
		r := Range{max(a[0].First, b[0].First), min(a[0].Last, b[0].Last)}
		if r.Len() > 0 {
			both = append(both, r)
		}
		if a[0].Last < b[0].Last {
			a = a[1:]
		} else {
			b = b[1:]
		}
	}
	return Set{both}
}

// Subtract returns the ports that are in s but not in t.
func (s Set) Subtract(t Set) Set {
	return s.Intersect(t.complement())
}

// complement returns the ports from 0 to 65535 that are not in s.
func (s Set) complement() Set {
	var gaps []Range
	next := 0
	for _, r := range s.ranges {
		if r.First > next {
			gaps = append(gaps, Range{next, r.First - 1})
		}
		next = r.Last + 1
	}
	if next <= maxPort {
		gaps = append(gaps, Range{next, maxPort})
	}
	return Set{gaps}
}

// Runs returns the uninterrupted runs of at least minLength ports, without
// border ports at both ends of each. Runs(27, 3) of 10-36 is 13-33.
func (s Set) Runs(minLength, border int) Set {
	var trimmed []Range
	for _, r := range s.ranges {
		if r.Len() >= minLength {
			trimmed = append(trimmed, Range{r.First + border, r.Last - border})
		}
	}
	return NewSet(trimmed...)
}

// Len returns the number of ports in s.
func (s Set) Len() int {
	n := 0
	for _, r := range s.ranges {
		n += r.Len()
	}
	return n
}

// Empty reports whether no port is in s.
func (s Set) Empty() bool { return len(s.ranges) == 0 }

// Equal reports whether s and t have the same ports.
func (s Set) Equal(t Set) bool { return slices.Equal(s.ranges, t.ranges) }

// Ranges returns the runs of s in ascending order, as few as possible.
func (s Set) Ranges() []Range { return slices.Clone(s.ranges) }

// All returns the ports of s in ascending order.
func (s Set) All() iter.Seq[int] {
	return func(yield func(int) bool) {
		for _, r := range s.ranges {
			for port := r.First; port <= r.Last; port++ {
				if !yield(port) {
					return
				}
			}
		}
	}
}

// At returns the i-th port of s, counted from 0 in ascending order. Like the
// index of a slice, i must be at least 0 and less than s.Len(), or At panics.
func (s Set) At(i int) int {
	if i < 0 {
		panic("allocator: negative index into a Set")
	}
	for _, r := range s.ranges {
		if i < r.Len() {
			return r.First + i
		}
		i -= r.Len()
	}
	panic("allocator: index past the end of a Set")
}
