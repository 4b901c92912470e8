package allocator

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// ParsePort parses the number of a port: decimal digits from 1 to 65535,
// without a sign, spaces or leading zeros. 010000 is 10000 for some programs
// and, in octal, 4096 for others, so it is invalid here. The error quotes s and
// contains the correct form.
func ParsePort(s string) (int, error) {
	port, fault := parsePort(s, 1)
	if fault != "" {
		return 0, fmt.Errorf("%s: a port is a decimal number from 1 to %d", fault, maxPort)
	}
	return port, nil
}

// parsePort is ParsePort with another lowest port. The fault is a clause that
// quotes s, or "".
func parsePort(s string, lowest int) (port int, fault string) {
	valid := func(port int) bool { return lowest <= port && port <= maxPort }
	port, ok := decimal(s)
	if ok && valid(port) {
		return port, ""
	}
	if ok {
		return 0, s + " is out of range"
	}
	if intended, ok := intendedPort(s); ok && valid(intended) {
		return 0, fmt.Sprintf("%q must be written as %d", s, intended)
	}
	return 0, fmt.Sprintf("%q is not a number", s)
}

// decimal parses digits without leading zeros. A number that overflows an int
// becomes the largest one.
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

// intendedPort returns the number that an invalid s probably means: 10000 for
// " 010000" and "+10_000", 8080 for 0x1F90.
func intendedPort(s string) (int, bool) {
	s = strings.ReplaceAll(strings.TrimPrefix(strings.TrimSpace(s), "+"), "_", "")
	if n, ok := decimal(strings.TrimLeft(s, "0")); ok {
		return n, true
	}
	n, err := strconv.ParseInt(s, 0, 32)
	return int(n), err == nil
}

// ParseSet parses a comma-separated list of ports and ranges, such as
// "20000-29999" or "3000, 4000-4100", from 1 to 65535. It ignores white space
// around parts. The error quotes the invalid part and describes the syntax.
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
	fail := func(reason string) (Range, error) {
		return Range{}, fmt.Errorf("invalid port range %q: %s (want PORT or FIRST-LAST, %d to %d, separated by commas)",
			part, reason, lowest, maxPort)
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

// String returns s in the syntax of ParseSet, "3000,4000-4100"; the empty set
// is the empty string.
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
