package allocator

import (
	"fmt"
	"strconv"
	"strings"
)

// The output of netsh is localised, so the parsers rely only on its layout.

// parseDynamicPort parses the output of "netsh int ipv4 show dynamicport tcp".
// The first line that ends in a colon and a number has the first port, the
// second such line the number of ports:
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

// parseExcludedPortRange parses the output of "netsh int ipv4 show
// excludedportrange protocol=tcp". Each line that starts with two numbers is a
// range; a star marks those that an administrator has excluded:
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
