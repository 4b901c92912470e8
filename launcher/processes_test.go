package launcher

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// Services that do not listen yet share a list of ports, which is renewed once
// a second at most.
func TestPortList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lists, bound := 0, map[int]bool{}
		var failed error
		l := portList{list: func() (map[int]bool, error) {
			lists++
			now := map[int]bool{}
			for port := range bound {
				now[port] = true
			}
			return now, failed
		}}
		for range 100 {
			for port := range 50 {
				if l.mayListen(port, time.Minute) {
					t.Fatalf("%d listens", port)
				}
			}
			time.Sleep(100 * time.Millisecond)
		}
		if lists > 10 {
			t.Errorf("%d lists in 10 s", lists)
		}
		bound[7] = true
		time.Sleep(20 * time.Millisecond)
		if l.mayListen(7, time.Minute) || !l.mayListen(7, 10*time.Millisecond) || l.mayListen(8, 10*time.Millisecond) {
			t.Error("the age of the list does not count")
		}
		failed = errors.New("no list")
		time.Sleep(2 * time.Second)
		if !l.mayListen(8, time.Minute) {
			t.Error("without a list, a service is not asked")
		}
	})
}
