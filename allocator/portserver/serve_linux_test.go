package portserver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/devports/devports/allocator"
)

func TestZombieOwns(t *testing.T) {
	pool, top := testPool(t, 1)
	address, _ := serve(t, newServer(t, Config{Pool: pool}))
	owner := startChild(t)
	wantPort(t, address, owner.pid, top)
	owner.stdin.Close()
	var info unix.Siginfo
	if err := unix.Waitid(unix.P_PID, owner.pid, &info, unix.WEXITED|unix.WNOWAIT, nil); err != nil {
		t.Fatal(err)
	}
	wantPort(t, address, os.Getpid(), 0)
	owner.end()
	wantPort(t, address, os.Getpid(), top)
}

// A shortage of descriptors delays requests, but does not end the server.
func TestServeWithoutDescriptors(t *testing.T) {
	pool, top := testPool(t, 1)
	events := make(chan Event, 100)
	address, _ := serve(t, newServer(t, Config{Pool: pool, Log: func(e Event) { events <- e }}))
	client := startChild(t)
	limit := lowerLimit(t)
	defer limit()
	answer := make(chan string)
	go func() { answer <- client.ask(t, address) }()
	if e := <-events; !errors.Is(e.Err, unix.EMFILE) || e.Took != 0 {
		t.Errorf("event %+v, want EMFILE", e)
	}
	limit()
	if got, want := <-answer, strconv.Itoa(top)+" <nil>"; got != want {
		t.Errorf("answer %q, want %q", got, want)
	}
}

// ask lets the child request a port, and returns the reply.
func (c *child) ask(t testing.TB, address string) string {
	t.Helper()
	fmt.Fprintln(c.stdin, address)
	line, err := c.out.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line)
}

// lowerLimit prevents this process from opening files until restore is called.
func lowerLimit(t *testing.T) (restore func()) {
	t.Helper()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	low := limit
	low.Cur = 0
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &low); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
			t.Error(err)
		}
	}
}

// Serve ends immediately, even during a long backoff.
func TestServeEndsDuringAPause(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := newServer(t, Config{Log: func(Event) { cancel() }})
	address := tempDir(t) + "/s"
	l := listen(t, address, 0)
	conn := dial(t, address)
	limit := lowerLimit(t)
	err := s.Serve(ctx, l)
	limit()
	if err != nil {
		t.Error(err)
	}
	conn.Close()
}

func TestNothingIsLeftOver(t *testing.T) {
	const requests = 10_000
	pool := allocator.NewSet(allocator.Range{First: 10000, Last: 32767})
	round := func(n int) {
		s := newServer(t, Config{Pool: pool, State: t.TempDir() + "/state"})
		address, stop := serve(t, s)
		if got := len(askMany(t, address, 16, n)); got != n {
			t.Errorf("%d ports, want %d", got, n)
		}
		send(t, address, "x")
		stop()
	}
	round(1) // opens the descriptors that the runtime keeps
	files, goroutines := descriptors(t), runtime.NumGoroutine()
	round(requests)
	for end := time.Now().Add(enough); runtime.NumGoroutine() > goroutines && time.Now().Before(end); {
		runtime.Gosched() // a goroutine is counted for a moment after it is done
	}
	if n := runtime.NumGoroutine(); n > goroutines {
		t.Errorf("%d goroutines, %d before", n, goroutines)
	}
	if n := descriptors(t); n != files {
		t.Errorf("%d descriptors, %d before", n, files)
	}
}

func descriptors(t testing.TB) int {
	t.Helper()
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(files)
}
