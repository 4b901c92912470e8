package probe

import (
	"fmt"
	"net"
	"os"
	"strings"
)

// accepted reports whether the server has accepted a connection: the kernel
// completes connections even for a server that is stopped or busy. A connection
// that is not yet accepted has no inode in proc_net_tcp(5).
func accepted(conn net.Conn) bool {
	server, client := conn.RemoteAddr().(*net.TCPAddr), conn.LocalAddr().(*net.TCPAddr)
	local, remote := fmt.Sprintf(":%04X", server.Port), fmt.Sprintf(":%04X", client.Port)
	pending, half, queued := false, false, false
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		text, _ := os.ReadFile(table)
		for line := range strings.Lines(string(text)) {
			fields := strings.Fields(line)
			if len(fields) < 10 || !strings.HasSuffix(fields[1], local) {
				continue
			}
			switch state := fields[3]; {
			case state == "0A": // listening; the second number is the length of the queue
				queued = queued || !strings.HasSuffix(fields[4], ":00000000")
			case !strings.HasSuffix(fields[2], remote):
			case state == "01":
				pending = pending || fields[9] == "0"
			case state == "03":
				half = true
			}
		}
	}
	// With TCP_DEFER_ACCEPT a connection stays half-open until the client has sent
	// something. Otherwise a half-open one means that the accept queue is full.
	return !pending && !(half && queued)
}
