package probe

import (
	"fmt"
	"net"
	"os"
	"strings"
)

// accepted reports whether the server has taken a connection to it: the kernel
// completes connections by itself, for a server that is stopped or busy, too. A
// connection that is not taken has no inode in proc_net_tcp(5).
func accepted(conn net.Conn) bool {
	server, client := conn.RemoteAddr().(*net.TCPAddr), conn.LocalAddr().(*net.TCPAddr)
	own, other := fmt.Sprintf(":%04X", server.Port), fmt.Sprintf(":%04X", client.Port)
	untaken, half, queued := false, false, false
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		text, _ := os.ReadFile(table)
		for line := range strings.Lines(string(text)) {
			fields := strings.Fields(line)
			if len(fields) < 10 || !strings.HasSuffix(fields[1], own) {
				continue
			}
			switch state := fields[3]; {
			case state == "0A": // listening; the second number is the length of the queue
				queued = queued || !strings.HasSuffix(fields[4], ":00000000")
			case !strings.HasSuffix(fields[2], other):
			case state == "01":
				untaken = untaken || fields[9] == "0"
			case state == "03":
				half = true
			}
		}
	}
	// With TCP_DEFER_ACCEPT the server has it only once the client has sent
	// something. Otherwise a half-open connection means that the queue is full.
	return !untaken && !(half && queued)
}
