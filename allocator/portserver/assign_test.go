package portserver

import (
	"net"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Ports are handed out from the highest to the lowest, and again; a released
// port comes last.
func TestOrder(t *testing.T) {
	pool, top := testPool(t, 4)
	address, _ := serve(t, newServer(t, Config{Pool: pool}))
	owner := startChild(t)
	wantPort(t, address, owner.pid, top)
	wantPort(t, address, os.Getpid(), top-1)
	owner.end()
	wantPort(t, address, os.Getpid(), top-2)
	wantPort(t, address, os.Getpid(), top-3)
	wantPort(t, address, os.Getpid(), top)
	wantPort(t, address, os.Getpid(), 0)
}

// A skipped candidate goes to the end, too.
func TestOrderAfterABusyPort(t *testing.T) {
	pool, top := testPool(t, 3)
	address, _ := serve(t, newServer(t, Config{Pool: pool}))
	l := hold(t, "tcp4", "127.0.0.1", top)
	wantPort(t, address, os.Getpid(), top-1)
	l.Close()
	wantPort(t, address, os.Getpid(), top-2)
	wantPort(t, address, os.Getpid(), top)
}

func TestExhausted(t *testing.T) {
	pool, top := testPool(t, 2)
	s := newServer(t, Config{Pool: pool})
	address, _ := serve(t, s)
	owner := startChild(t)
	wantPort(t, address, owner.pid, top)
	wantPort(t, address, os.Getpid(), top-1)
	wantPort(t, address, os.Getpid(), 0)
	want := Statistics{Denied: 1, Managed: 2, LastChecked: 2, Allocations: 2}
	if diff := cmp.Diff(want, s.Statistics()); diff != "" {
		t.Error(diff)
	}
	owner.end()
	wantPort(t, address, os.Getpid(), top)
}

func TestAssignments(t *testing.T) {
	pool, top := testPool(t, 3)
	s := newServer(t, Config{Pool: pool})
	address, _ := serve(t, s)
	a, b := startChild(t), startChild(t)
	for _, pid := range []int{a.pid, b.pid, a.pid} {
		send(t, address, strconv.Itoa(pid))
	}
	wantAssignments(t, s.Assignments(), map[int]int{top: a.pid, top - 1: b.pid, top - 2: a.pid})
	a.end()
	wantAssignments(t, s.Assignments(), map[int]int{top - 1: b.pid})
}

// wantAssignments compares assignments with pids by port.
func wantAssignments(t testing.TB, assignments []Assignment, want map[int]int) {
	t.Helper()
	got := map[int]int{}
	last := 0
	for _, a := range assignments {
		got[a.Port] = a.PID
		if age := time.Since(a.Since); a.Port <= last || age < 0 || age > enough {
			t.Errorf("%+v after port %d", a, last)
		}
		last = a.Port
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestLeased(t *testing.T) {
	pool, top := testPool(t, 3)
	var leased sync.Map
	leased.Store(top, true)
	leased.Store(top-1, true)
	s := newServer(t, Config{Pool: pool, Leased: func(port int) bool {
		_, ok := leased.Load(port)
		return ok
	}})
	address, _ := serve(t, s)
	wantPort(t, address, os.Getpid(), top-2)
	wantPort(t, address, os.Getpid(), 0)
	leased.Delete(top - 1)
	wantPort(t, address, os.Getpid(), top-1)
	leased.Delete(top)
	wantPort(t, address, os.Getpid(), top)
}

func TestHeldPorts(t *testing.T) {
	for _, holder := range []struct{ network, host string }{
		{"tcp4", "127.0.0.1"},
		{"tcp4", "0.0.0.0"},
		{"tcp6", "::1"},
		{"tcp6", "::"},
		{"tcp", "::"},
		{"udp4", "127.0.0.1"},
		{"udp4", "0.0.0.0"},
		{"udp6", "::1"},
		{"udp6", "::"},
		{"udp", "::"},
	} {
		t.Run(holder.network+" "+holder.host, func(t *testing.T) {
			pool, top := testPool(t, 2)
			address, _ := serve(t, newServer(t, Config{Pool: pool}))
			l := hold(t, holder.network, holder.host, top)
			wantPort(t, address, os.Getpid(), top-1)
			wantPort(t, address, os.Getpid(), 0)
			l.Close()
			wantPort(t, address, os.Getpid(), top)
		})
	}
}

// hold occupies port until the end of the test. It skips the test if the
// machine does not support the address family of host.
func hold(t testing.TB, network, host string, port int) interface{ Close() error } {
	t.Helper()
	var c interface{ Close() error }
	var err error
	if network[:3] == "udp" {
		c, err = net.ListenPacket(network, net.JoinHostPort(host, strconv.Itoa(port)))
	} else {
		c, err = net.Listen(network, net.JoinHostPort(host, strconv.Itoa(port)))
	}
	if err != nil {
		t.Skipf("%s %s: %v", network, host, err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestTimeWaitIsNoHolder(t *testing.T) {
	pool, top := testPool(t, 1)
	address, _ := serve(t, newServer(t, Config{Pool: pool}))
	l := hold(t, "tcp4", "127.0.0.1", top).(*net.TCPListener)
	client, err := net.Dial("tcp4", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	server, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	server.Close() // the side that closes first is left in TIME_WAIT
	if n, err := client.Read(make([]byte, 1)); n > 0 || err == nil {
		t.Fatal(n, err)
	}
	client.Close()
	l.Close()
	wantPort(t, address, os.Getpid(), top)
}
