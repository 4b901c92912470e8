package probe

import (
	"context"
	"net"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Accepts fails for a server that does not accept, although the kernel completes
// the connection.
func TestAccepts(t *testing.T) {
	for _, test := range []struct {
		name, network, address string
		option                 int // of TCP, to set
		accepts, want          bool
	}{
		{"accepting", "tcp4", "127.0.0.1:0", 0, true, true},
		{"on all addresses", "tcp", ":0", 0, true, true},
		{"silent", "tcp4", "127.0.0.1:0", 0, false, false},
		{"silent on all addresses", "tcp", ":0", 0, false, false},
		{"silent on IPv6", "tcp6", "[::1]:0", 0, false, false},
		{"accepting once there is something to read", "tcp4", "127.0.0.1:0", unix.TCP_DEFER_ACCEPT, true, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			config := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) (err error) {
				if test.option != 0 {
					_ = c.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, test.option, 30) })
				}
				return err
			}}
			l, err := config.Listen(t.Context(), test.network, test.address)
			if err != nil {
				t.Skip(err)
			}
			defer l.Close()
			if test.accepts {
				go func() {
					for {
						conn, err := l.Accept()
						if err != nil {
							return
						}
						defer conn.Close()
					}
				}()
			}
			limit := 300 * time.Millisecond
			if test.want {
				limit = 20 * time.Second // for a busy machine
			}
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			if err := Accepts(l.Addr().(*net.TCPAddr).Port)(ctx); (err == nil) != test.want {
				t.Errorf("error %v", err)
			}
		})
	}
}
