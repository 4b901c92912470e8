package allocator

import (
	"fmt"
	"strconv"
	"strings"
)

// The output of netsh is translated into the language of the system. Only its
// layout is relied on, never its words.

// parseDynamicPort reads the answer to "netsh int ipv4 show dynamicport tcp", in
// which the first line that ends in a number after a colon tells the first port,
// and the second one how many there are:
//
//	Start Port      : 49152
//	Number of Ports : 16384
func parseDynamicPort(text string) (Set, error) {
	var numbers []int
	for line := range strings.Lines(text) {
		i := strings.LastIndex(line, ":")
		if n, err := strconv.Atoi(strings.TrimSpace(line[i+1:])); i >= 0 && err == nil {
			numbers = append(numbers, n)
		}
	}
	if len(numbers) != 2 {
		return Set{}, fmt.Errorf("netsh: no first port and number of ports in %q", text)
	}
	return NewSet(Range{numbers[0], numbers[0] + numbers[1] - 1}), nil
}

// parseExcludedPortRange reads the answer to "netsh int ipv4 show
// excludedportrange protocol=tcp", in which each line that begins with two
// numbers is a range, and a star marks those that an administrator excluded:
//
//	Start Port    End Port
//	----------    --------
//	      5357        5357
//	     50000       50059     *
func parseExcludedPortRange(text string) Set {
	var ranges []Range
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		first, err1 := strconv.Atoi(fields[0])
		last, err2 := strconv.Atoi(fields[1])
		if err1 == nil && err2 == nil {
			ranges = append(ranges, Range{first, last})
		}
	}
	return NewSet(ranges...)
}
