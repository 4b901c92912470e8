package allocator

import (
	"fmt"
	"strconv"
	"strings"
)

// ParseSet reads a comma-separated list of ports and ranges, such as
// "20000-29999" or "3000, 4000-4100", from 1 to 65535. Blanks around a part are
// ignored. An error quotes the part that is wrong, and says what is accepted.
func ParseSet(s string) (Set, error) {
	return parseSet(s, 1)
}

func parseSet(s string, lowest int) (Set, error) {
	var ranges []Range
	for part := range strings.SplitSeq(s, ",") {
		r, err := parseRange(strings.TrimSpace(part), lowest)
		if err != nil {
			return Set{}, err
		}
		ranges = append(ranges, r)
	}
	return NewSet(ranges...), nil
}

func parseRange(part string, lowest int) (Range, error) {
	fail := func(why string) (Range, error) {
		return Range{}, fmt.Errorf("%q is not a port range: %s (want PORT or FIRST-LAST, %d to %d, separated by commas)",
			part, why, lowest, maxPort)
	}
	if part == "" {
		return fail("it is empty")
	}
	first, last, isRange := strings.Cut(part, "-")
	if !isRange {
		last = first
	}
	var r Range
	for _, end := range []struct {
		text string
		port *int
	}{{first, &r.First}, {last, &r.Last}} {
		text := strings.TrimSpace(end.text)
		if strings.Trim(text, "0123456789") != "" || text == "" {
			return fail(fmt.Sprintf("%q is not a number", text))
		}
		port, err := strconv.Atoi(text) // fails only for a number beyond an int
		if err != nil || port < lowest || port > maxPort {
			return fail(text + " is out of bounds")
		}
		*end.port = port
	}
	if r.First > r.Last {
		return fail(fmt.Sprintf("%d is more than %d", r.First, r.Last))
	}
	return r, nil
}

// String returns s in the form that ParseSet reads, "3000,4000-4100"; the empty
// set is the empty string.
func (s Set) String() string {
	var b strings.Builder
	for i, r := range s.ranges {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(r.String())
	}
	return b.String()
}

// String returns r as "3000" or "4000-4100".
func (r Range) String() string {
	if r.First == r.Last {
		return strconv.Itoa(r.First)
	}
	return fmt.Sprintf("%d-%d", r.First, r.Last)
}
