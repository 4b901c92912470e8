package allocator

import "sync"

//go:generate go run ./internal/ianagen -xml ${IANA_XML} -o assigned_table.go

// Assigned returns the ports that IANA lists as assigned or reserved for TCP,
// as of AssignedDate. A port that the registry does not explicitly list as
// unassigned counts as assigned.
func Assigned() Set { return assigned() }

var assigned = sync.OnceValue(func() Set { return decodeRanges(assignedTable) })

// decodeRanges decodes the table of internal/ianagen: for each range, the
// number of ports between it and the previous one, and its number of ports, as
// uvarints (encoding/binary).
func decodeRanges(table string) Set {
	var ranges []Range
	next := 0
	for len(table) > 0 {
		var gap, length int
		gap, table = uvarint(table)
		length, table = uvarint(table)
		ranges = append(ranges, Range{next + gap, next + gap + length - 1})
		next += gap + length
	}
	return Set{ranges}
}

// uvarint returns the number at the start of s, and the rest.
func uvarint(s string) (n int, rest string) {
	for i := 0; ; i++ {
		n |= int(s[i]&0x7f) << (7 * i)
		if s[i] < 0x80 {
			return n, s[i+1:]
		}
	}
}
