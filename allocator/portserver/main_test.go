package portserver

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/devports/devports/allocator"
)

// enough is longer than any operation in the tests.
const enough = 30 * time.Second

// The tests use real processes: this binary runs until its input ends. Each
// line of its input is an address from which it requests a port.
func TestMain(m *testing.M) {
	if os.Getenv("PORTSERVER_TEST_CHILD") == "" {
		os.Unsetenv(addressVariable)
		os.Exit(m.Run())
	}
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		port, err := Ask(context.Background(), in.Text(), os.Getpid())
		fmt.Println(port, err)
	}
}

type child struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
	out   *bufio.Reader
	pid   int
}

func startChild(t testing.TB) *child {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	// Otherwise a process sleeps for a second before it exits, with the race
	// detector.
	cmd.Env = append(cmd.Environ(), "PORTSERVER_TEST_CHILD=1", "GORACE=atexit_sleep_ms=0")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c := &child{cmd, stdin, bufio.NewReader(stdout), cmd.Process.Pid}
	t.Cleanup(c.end)
	return c
}

// end ends the child and waits until no process has its pid.
func (c *child) end() {
	c.stdin.Close()
	_ = c.cmd.Wait()
}

// deadPID returns the pid of a process that has ended.
func deadPID(t testing.TB) int {
	c := startChild(t)
	c.end()
	return c.pid
}

// tempDir returns a new directory whose path is short enough for sockets.
func tempDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "ps")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// testPool returns n neighbouring free ports, outside of the ranges in tests of
// other packages.
func testPool(t testing.TB, n int) (pool allocator.Set, highest int) {
	t.Helper()
	for range 1000 {
		first := 30000 + rand.IntN(2768-n)
		pool := allocator.NewSet(allocator.Range{First: first, Last: first + n - 1})
		if allFree(t, pool) {
			return pool, first + n - 1
		}
	}
	t.Fatalf("no %d neighbouring ports are free", n)
	return pool, 0
}

func allFree(t testing.TB, pool allocator.Set) bool {
	t.Helper()
	for port := range pool.All() {
		free, err := bindable(port)
		if err != nil {
			t.Fatal(err)
		}
		if !free {
			return false
		}
	}
	return true
}

func newServer(t testing.TB, c Config) *Server {
	t.Helper()
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	s.timeout = enough // a test that waits for it fails at its own limit
	return s
}

// serve serves at a socket file until the test ends or stop is called, which
// waits for Serve.
func serve(t testing.TB, s *Server) (address string, stop func()) {
	t.Helper()
	l, err := Listen(filepath.Join(tempDir(t), "s"), 0)
	if err != nil {
		t.Fatal(err)
	}
	return l.Addr().String(), serveOn(t, s, l)
}

func serveOn(t testing.TB, s *Server, l net.Listener) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := s.Serve(ctx, l); err != nil {
			t.Errorf("Serve: %v", err)
		}
	}()
	stop = func() {
		cancel()
		<-done
	}
	t.Cleanup(stop)
	return stop
}

func dial(t testing.TB, address string) *net.UnixConn {
	t.Helper()
	conn, err := net.Dial("unix", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(enough)); err != nil {
		t.Fatal(err)
	}
	return conn.(*net.UnixConn)
}

// send makes a request and returns the complete reply.
func send(t testing.TB, address, request string) string {
	t.Helper()
	conn := dial(t, address)
	defer conn.Close()
	if _, err := conn.Write([]byte(request)); err != nil {
		t.Fatal(err)
	}
	if request == "" {
		conn.CloseWrite()
	}
	reply, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	return string(reply)
}

// wantPort requests a port for pid; a want of 0 means a denial.
func wantPort(t testing.TB, address string, pid, want int) {
	t.Helper()
	reply := ""
	if want != 0 {
		reply = strconv.Itoa(want) + "\n"
	}
	if got := send(t, address, strconv.Itoa(pid)+"\n"); got != reply {
		t.Errorf("for %d: reply %q, want %q", pid, got, reply)
	}
}
