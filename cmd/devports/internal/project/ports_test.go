package project

import (
	"maps"
	"net"
	"testing"
	"testing/synctest"
	"time"
)

// Ports that are free count as free for a moment, and none that is not.
func TestFreeNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ports []int
		for range 2 {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			ports = append(ports, l.Addr().(*net.TCPAddr).Port)
			if len(ports) == 1 {
				l.Close()
			}
		}
		free := freeNow(ports)
		if got := free(); !maps.Equal(got, map[int]bool{ports[0]: true}) {
			t.Errorf("%v of %v", got, ports)
		}
		free = freeNow(ports)
		time.Sleep(freshness + 1)
		if got := free(); len(got) > 0 {
			t.Errorf("later, %v", got)
		}
	})
}
