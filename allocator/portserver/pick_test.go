package portserver

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/devports/devports/allocator"
)

// forget resets the ports of this process.
func forget(t *testing.T) {
	t.Helper()
	mine.mu.Lock()
	defer mine.mu.Unlock()
	clear(mine.picked)
	mine.released = nil
}

func pick(t *testing.T) int {
	t.Helper()
	port, err := Pick(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func TestPickFromServer(t *testing.T) {
	forget(t)
	pool, top := testPool(t, 3)
	s := newServer(t, Config{Pool: pool})
	address, _ := serve(t, s)
	t.Setenv(addressVariable, address)
	if port := pick(t); port != top {
		t.Errorf("picked %d, want %d", port, top)
	}
	var given int
	t.Run("test", func(t *testing.T) { given = PickForTest(t) })
	if given != top-1 {
		t.Errorf("picked %d, want %d", given, top-1)
	}
	l := hold(t, "tcp4", "127.0.0.1", given)
	if port := pick(t); port != top-2 {
		t.Errorf("picked %d while %d is not free, want %d", port, given, top-2)
	}
	l.Close()
	if port := pick(t); port != given {
		t.Errorf("picked %d, want the released %d", port, given)
	}
	if port, err := Pick(t.Context()); !errors.Is(err, ErrDenied) {
		t.Errorf("picked %d, %v; want ErrDenied", port, err)
	}
	wantAssignments(t, s.Assignments(), map[int]int{top: os.Getpid(), top - 1: os.Getpid(), top - 2: os.Getpid()})
}

// Pick returns no port twice, even if the server has lost its state.
func TestPickFromForgetfulServer(t *testing.T) {
	forget(t)
	pool, top := testPool(t, 2)
	for _, want := range []int{top, top - 1} {
		address, stop := serve(t, newServer(t, Config{Pool: pool}))
		t.Setenv(addressVariable, address)
		if port := pick(t); port != want {
			t.Errorf("picked %d, want %d", port, want)
		}
		stop()
	}
}

func TestPickWithoutServer(t *testing.T) {
	for name, address := range map[string]string{
		"not set":      "",
		"no file":      filepath.Join(t.TempDir(), "absent"),
		"relative":     "absent",
		"no listener":  "@" + filepath.Join(t.TempDir(), "absent"),
		"not a socket": os.Args[0],
	} {
		t.Run(name, func(t *testing.T) {
			forget(t)
			t.Setenv(addressVariable, address)
			port := pick(t)
			if r := allocator.DefaultRange; port < r.First || port > r.Last {
				t.Errorf("picked %d, want one of %v", port, r)
			}
			hold(t, "tcp", "", port)
			hold(t, "udp", "", port)
		})
	}
}

func TestPickForTestWithoutServer(t *testing.T) {
	forget(t)
	var given []int
	for range 3 {
		t.Run("test", func(t *testing.T) { given = append(given, PickForTest(t)) })
	}
	if given[1] != given[0] || given[2] != given[0] {
		t.Errorf("picked %v, want the released one", given)
	}
	if a, b := pick(t), pick(t); a != given[0] || b == a {
		t.Errorf("picked %d and %d, want %d and another", a, b, given[0])
	}
}

func TestPickAtTheSameTime(t *testing.T) {
	forget(t)
	var mu sync.Mutex
	seen := map[int]bool{}
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for range 20 {
				port, err := Pick(context.Background())
				mu.Lock()
				if err != nil || seen[port] {
					t.Errorf("picked %d, %v", port, err)
				}
				seen[port] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
}

// failing is a test that records its failure.
type failing struct {
	*testing.T
	failed bool
}

func (f *failing) Fatalf(string, ...any) { f.failed = true }

func TestPickForTestDenied(t *testing.T) {
	forget(t)
	pool, _ := testPool(t, 1)
	address, _ := serve(t, newServer(t, Config{Pool: pool}))
	t.Setenv(addressVariable, address)
	pick(t)
	f := failing{T: t}
	if port := PickForTest(&f); port != 0 || !f.failed {
		t.Errorf("picked %d, want a failed test", port)
	}
}

// With a hanging server, clients return when their context ends.
func TestAskGivesUp(t *testing.T) {
	l := listen(t, filepath.Join(tempDir(t), "s"), 0)
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if port, err := Ask(ctx, l.Addr().String(), os.Getpid()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("port %d, %v; want DeadlineExceeded", port, err)
	}
	t.Setenv(addressVariable, l.Addr().String())
	forget(t)
	if port, err := Pick(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("picked %d, %v; want DeadlineExceeded", port, err)
	}
}

func TestReplies(t *testing.T) {
	for reply, want := range map[string]int{
		"24999\n":     24999,
		"24999":       24999,
		"24999\nmore": 24999,
		"":            0,
		"\n":          0,
		"0\n":         0,
		"65536\n":     0,
		"-1\n":        0,
		"hello\n":     0,
		"00000000000000000000000000000000000000024999\n": 0,
	} {
		l := listen(t, filepath.Join(tempDir(t), "s"), 0)
		go replyOnce(l, reply)
		port, err := Ask(t.Context(), l.Addr().String(), os.Getpid())
		if port != want || (err == nil) != (want != 0) || errors.Is(err, ErrDenied) != (reply == "") {
			t.Errorf("%q: port %d, %v; want %d", reply, port, err, want)
		}
	}
}

func replyOnce(l net.Listener, reply string) {
	conn, err := l.Accept()
	if err != nil {
		return
	}
	defer conn.Close()
	if _, err := conn.Read(make([]byte, readSize)); err == nil {
		_, _ = conn.Write([]byte(reply))
	}
}
