package allocator

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// ParsePort reads the number of a port as a person or another program wrote it:
// decimal digits from 1 to 65535, without a sign, blanks or zeros in front.
// 010000 is 10000 to some programs and, in octal, 4096 to others, so here it is
// neither. The error quotes s, and says what to write.
func ParsePort(s string) (int, error) {
	port, fault := parsePort(s, 1)
	if fault != "" {
		return 0, fmt.Errorf("%s: a port is a decimal number from 1 to %d", fault, maxPort)
	}
	return port, nil
}

// parsePort is ParsePort from a lowest port on. The fault is a clause that
// quotes s, "" if there is none.
func parsePort(s string, lowest int) (port int, fault string) {
	valid := func(port int) bool { return lowest <= port && port <= maxPort }
	port, ok := decimal(s)
	if ok && valid(port) {
		return port, ""
	}
	if ok {
		return 0, s + " is out of bounds"
	}
	if meant, ok := meantPort(s); ok && valid(meant) {
		return 0, fmt.Sprintf("%q must be written as %d", s, meant)
	}
	return 0, fmt.Sprintf("%q is not a number", s)
}

// decimal reads digits of which the first is no 0, unless it is all there is. A
// number beyond an int is the largest.
func decimal(s string) (int, bool) {
	if s == "" || strings.Trim(s, "0123456789") != "" || s[0] == '0' && s != "0" {
		return 0, false
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		n = math.MaxInt
	}
	return n, true
}

// meantPort is the number that s, which is not in the one form, probably stands
// for: 10000 for " 010000" and "+10_000", 8080 for 0x1F90.
func meantPort(s string) (int, bool) {
	s = strings.ReplaceAll(strings.TrimPrefix(strings.TrimSpace(s), "+"), "_", "")
	if n, ok := decimal(strings.TrimLeft(s, "0")); ok {
		return n, true
	}
	n, err := strconv.ParseInt(s, 0, 32)
	return int(n), err == nil
}

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
		port, fault := parsePort(strings.TrimSpace(end.text), lowest)
		if fault != "" {
			return fail(fault)
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
