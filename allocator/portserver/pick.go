package portserver

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/devports/devports/allocator"
)

// addressVariable is the variable with the address of portpicker's server.
const addressVariable = "PORTSERVER_ADDRESS"

// maxAsks is the maximum number of requests of one Pick.
const maxAsks = 1000

// testTimeout is how long PickForTest waits for a server.
const testTimeout = 30 * time.Second

// TB is the part of testing.TB that PickForTest needs.
type TB interface {
	Helper()
	Cleanup(func())
	Fatalf(format string, args ...any)
}

// Pick returns a port for this process. No other call of Pick in the process
// returns the same port, unless it was released (see PickForTest). It comes
// from the server at PORTSERVER_ADDRESS. If that variable is not set, or the
// server cannot be reached, Pick returns a random port from devports' default
// range that can be bound for TCP and UDP; then other processes may get it,
// too. The error wraps ErrDenied if the server denies the request, and
// allocator.ErrNoneLeft if there is no port.
func Pick(ctx context.Context) (int, error) {
	if port, ok := mine.reuse(); ok {
		return port, nil
	}
	if address := os.Getenv(addressVariable); address != "" {
		port, err := askForNew(ctx, address)
		if unreachable := (*net.OpError)(nil); !errors.As(err, &unreachable) {
			return port, err
		}
	}
	return pickLocal()
}

// askForNew repeats the request if this process already has the port: it was
// chosen while the server could not be reached, or the server has lost its
// state.
func askForNew(ctx context.Context, address string) (int, error) {
	for range maxAsks {
		port, err := Ask(ctx, address, os.Getpid())
		if err != nil || mine.add(port) {
			return port, err
		}
	}
	return 0, fmt.Errorf("port server %s: it keeps returning the same ports", address)
}

// PickForTest is Pick for a test. Without a port, the test fails. When the test
// ends, the port is released to this process: the protocol cannot return it to
// the server, but later calls of Pick return it, once it is free, before they
// request another.
func PickForTest(t TB) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testTimeout)
	defer cancel()
	port, err := Pick(ctx)
	if err != nil {
		t.Fatalf("no port for the test: %v", err)
		return 0
	}
	t.Cleanup(func() { mine.release(port) })
	return port
}

func pickLocal() (int, error) {
	local, err := allocator.LocalPorts()
	if err != nil {
		return 0, err
	}
	random := strconv.FormatUint(rand.Uint64(), 36)
	key := allocator.Key{Project: random, PortName: allocator.PortName{Service: random}}
	return allocator.NewPool(allocator.Set{}, local).Choose(key, func(port int) bool {
		free, err := bindable(port)
		return free && err == nil && mine.add(port)
	})
}

// mine are the ports of this process.
var mine = ports{picked: map[int]bool{}}

type ports struct {
	mu       sync.Mutex
	picked   map[int]bool // every port that Pick has returned
	released []int        // oldest first
}

// add reports whether port is a new one.
func (p *ports) add(port int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	known := p.picked[port]
	p.picked[port] = true
	return !known
}

func (p *ports) release(port int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.released = append(p.released, port)
}

// reuse returns a released port that is free.
func (p *ports) reuse() (port int, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, port := range p.released {
		if free, err := bindable(port); free && err == nil {
			p.released = append(p.released[:i], p.released[i+1:]...)
			return port, true
		}
	}
	return 0, false
}
