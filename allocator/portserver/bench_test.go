//go:build unix

package portserver

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/devports/devports/allocator"
)

// benchPool is large, since the owner, this process, releases nothing: a server
// that has handed out batch ports is replaced.
var benchPool = allocator.NewSet(allocator.Range{First: 10000, Last: 59999})

const batch = 40000

// Both servers get the same requests from the same clients.
func BenchmarkRequests(b *testing.B) {
	for _, server := range []struct {
		name  string
		start func(b *testing.B) (address string, stop func())
	}{{"portserver", startForBench}, {"portserver-state", startWithState}, {"minimal", startMinimal}} {
		for _, clients := range []int{1, 16} {
			b.Run(fmt.Sprintf("%s/clients=%d", server.name, clients), func(b *testing.B) {
				b.ReportAllocs()
				b.StopTimer()
				for left := b.N; left > 0; left -= batch {
					address, stop := server.start(b)
					b.StartTimer()
					request(b, address, clients, min(left, batch))
					b.StopTimer()
					stop()
				}
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "requests/s")
			})
		}
	}
}

// request makes n requests in total with a number of clients.
func request(b *testing.B, address string, clients, n int) {
	var made atomic.Int64
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			for made.Add(1) <= int64(n) {
				if _, err := Ask(context.Background(), address, os.Getpid()); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func startForBench(b *testing.B) (string, func()) { return startBench(b, "") }

func startWithState(b *testing.B) (string, func()) {
	return startBench(b, filepath.Join(b.TempDir(), "state"))
}

func startBench(b *testing.B, state string) (string, func()) {
	s, err := New(Config{Pool: benchPool, State: state})
	if err != nil {
		b.Fatal(err)
	}
	l, err := Listen(filepath.Join(b.TempDir(), "s"), 0)
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- s.Serve(ctx, l) }()
	return l.Addr().String(), func() {
		cancel()
		if err := <-done; err != nil {
			b.Error(err)
		}
	}
}

// startMinimal starts a minimal server: it keeps no state, has no deadlines,
// and hands each port out once.
func startMinimal(b *testing.B) (string, func()) {
	l, err := net.Listen("unix", filepath.Join(b.TempDir(), "s"))
	if err != nil {
		b.Fatal(err)
	}
	ranges := benchPool.Ranges()
	var next atomic.Int64
	next.Store(int64(ranges[len(ranges)-1].Last))
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go answerMinimally(conn, &next)
		}
	}()
	return l.Addr().String(), func() { l.Close() }
}

func answerMinimally(conn net.Conn, next *atomic.Int64) {
	defer conn.Close()
	buf := make([]byte, 100)
	n, err := conn.Read(buf)
	if err != nil {
		return
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(buf[:n])))
	if err != nil || syscall.Kill(pid, 0) != nil {
		return
	}
	if _, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)); err != nil {
		return
	}
	for {
		port := int(next.Add(-1))
		if listenMinimally(port) {
			fmt.Fprintf(conn, "%d\n", port)
			return
		}
	}
}

func listenMinimally(port int) bool {
	for _, family := range []string{"6", "4"} {
		l, err := net.Listen("tcp"+family, ":"+strconv.Itoa(port))
		if err != nil {
			return false
		}
		l.Close()
		c, err := net.ListenPacket("udp"+family, ":"+strconv.Itoa(port))
		if err != nil {
			return false
		}
		c.Close()
	}
	return true
}
