package allocator

import "golang.org/x/sys/unix"

// localPorts reads the two ranges of ip(4): the default one, and the high one
// that a socket may request (IP_PORTRANGE_HIGH). macOS has no list of reserved
// ports.
func localPorts() (Local, error) {
	local := fallback()
	var ephemeral []Range
	for _, ends := range [][2]string{
		{"net.inet.ip.portrange.first", "net.inet.ip.portrange.last"},
		{"net.inet.ip.portrange.hifirst", "net.inet.ip.portrange.hilast"},
	} {
		first, err := unix.SysctlUint32(ends[0])
		if err != nil {
			return local, nil
		}
		last, err := unix.SysctlUint32(ends[1])
		if err != nil {
			return local, nil
		}
		// A range whose first port is above its last counts downwards.
		ephemeral = append(ephemeral, Range{int(min(first, last)), int(max(first, last))})
	}
	local.Ephemeral = NewSet(ephemeral...)
	return local, nil
}
