package portserver

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/devports/devports/allocator"
)

func TestRequests(t *testing.T) {
	pool, port := testPool(t, 20)
	s := newServer(t, Config{Pool: pool})
	address, _ := serve(t, s)
	pid := strconv.Itoa(startChild(t).pid)
	granted := []string{
		pid + "\n", pid, " " + pid + " ", "\t\r\v\f" + pid + "\r\n", "+" + pid, "000" + pid + "\n",
		strings.Join(strings.Split(pid, ""), "_") + "\n",
	}
	for _, request := range granted {
		if got, want := send(t, address, request), strconv.Itoa(port)+"\n"; got != want {
			t.Errorf("%q: reply %q, want %q", request, got, want)
		}
		port--
	}
	denied := []string{
		"-5\n", "0\n", "1\n", "-" + pid, "4194305\n", "2147483647\n", "99999999999999999999", "-9999999999999999999",
		strconv.Itoa(deadPID(t)),
	}
	for _, request := range append(denied, malformed...) {
		if got := send(t, address, request); got != "" {
			t.Errorf("%.40q: reply %q, want none", request, got)
		}
	}
	want := Statistics{Errors: len(malformed), Denied: len(denied), Managed: 20, LastChecked: 1, Allocations: len(granted)}
	if diff := cmp.Diff(want, s.Statistics()); diff != "" {
		t.Error(diff)
	}
}

func TestStatisticsString(t *testing.T) {
	got := Statistics{Errors: 1, Denied: 2, Managed: 3, LastChecked: 4, Allocations: 5}.String()
	want := `Dumping statistics:
client-request-errors 1
denied-allocations 2
num-ports-managed 3
num-ports-checked-for-last-request 4
total-allocations 5`
	if got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

// Clients that write nothing, or endlessly, do not block others.
func TestSilentAndSlowClients(t *testing.T) {
	pool, port := testPool(t, 5)
	s := newServer(t, Config{Pool: pool})
	address, _ := serve(t, s)
	silent := make([]*net.UnixConn, 100)
	for i := range silent {
		silent[i] = dial(t, address)
	}
	endless := dial(t, address)
	if _, err := endless.Write(make([]byte, readSize)); err != nil {
		t.Fatal(err)
	}
	wantPort(t, address, os.Getpid(), port)
	if _, err := silent[0].Write([]byte(strconv.Itoa(os.Getpid()))); err != nil { // and waits
		t.Fatal(err)
	}
	if reply, err := io.ReadAll(silent[0]); err != nil || string(reply) != strconv.Itoa(port-1)+"\n" {
		t.Errorf("reply to the late one: %q, %v", reply, err)
	}
	for _, conn := range append(silent, endless) {
		conn.Close()
	}
}

func TestDeadline(t *testing.T) {
	pool, _ := testPool(t, 1)
	s := newServer(t, Config{Pool: pool})
	s.timeout = time.Millisecond
	address, _ := serve(t, s)
	if reply, err := io.ReadAll(dial(t, address)); err != nil || len(reply) > 0 {
		t.Errorf("reply %q, %v; want none", reply, err)
	}
	if n := s.Statistics().Errors; n != 1 {
		t.Errorf("%d requests could not be read, want 1", n)
	}
}

// If there are more clients than slots, the others wait until requests time
// out.
func TestMoreClientsThanSlots(t *testing.T) {
	pool, port := testPool(t, 1)
	s := newServer(t, Config{Pool: pool})
	s.timeout, s.slots = time.Second, make(chan struct{}, 2)
	address, _ := serve(t, s)
	for range 6 {
		dial(t, address)
	}
	wantPort(t, address, os.Getpid(), port)
	if n := s.Statistics().Errors; n < 5 {
		t.Errorf("answered after %d of the 6 before, want 5 at least", n)
	}
}

func TestEvents(t *testing.T) {
	pool, port := testPool(t, 1)
	events := make(chan Event, 1)
	address, _ := serve(t, newServer(t, Config{Pool: pool, Log: func(e Event) { events <- e }}))
	for _, tt := range []struct {
		request string
		pid     int
		port    int
		err     string
	}{
		{strconv.Itoa(os.Getpid()), os.Getpid(), port, ""},
		{strconv.Itoa(os.Getpid()), os.Getpid(), 0, errExhausted.Error()},
		{"0", 0, 0, errNegative.Error()},
		{"1", 1, 0, errInit.Error()},
		{"2147483647", noPID, 0, errNoProcess.Error()},
		{"x", 0, 0, `"x" is not a pid`},
		{"", 0, 0, io.EOF.Error()},
	} {
		send(t, address, tt.request)
		e := <-events
		text := ""
		if e.Err != nil {
			text = e.Err.Error()
		}
		if e.PID != tt.pid || e.Port != tt.port || text != tt.err || e.Took <= 0 {
			t.Errorf("%q: %+v, want %+v", tt.request, e, tt)
		}
	}
}

func TestServeEndsWithItsListener(t *testing.T) {
	s := newServer(t, Config{})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if err := s.Serve(context.Background(), l); !errors.Is(err, net.ErrClosed) {
		t.Errorf("error %v, want net.ErrClosed", err)
	}
}

func TestNoPorts(t *testing.T) {
	if s, err := New(Config{Pool: allocator.NewSet(allocator.Range{})}); err == nil {
		t.Errorf("a pool of port 0 makes %v", s)
	}
}
