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

// addressVariable is where portpicker's clients look for a server.
const addressVariable = "PORTSERVER_ADDRESS"

// maxAsks bounds how often one Pick asks a server.
const maxAsks = 1000

// testPatience is how long PickForTest waits for a server.
const testPatience = 30 * time.Second

// TB is the part of testing.TB that PickForTest needs.
type TB interface {
	Helper()
	Cleanup(func())
	Fatalf(format string, args ...any)
}

// Pick returns a port for this process, which no other call of Pick returns while
// the process lives, unless it was given back (see PickForTest). It comes from
// the server that the environment variable PORTSERVER_ADDRESS names. If none does
// or it cannot be reached, Pick chooses at random one of the ports that devports
// gives out by default and that can be bound for TCP and UDP; other processes
// then are not kept from it. The error wraps ErrDenied if the server gives no
// port, and allocator.ErrNoneLeft if there is none.
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

// askForNew asks once more for each port that this process has already: one that
// was chosen while the server could not be reached, or that the server forgot.
func askForNew(ctx context.Context, address string) (int, error) {
	for range maxAsks {
		port, err := Ask(ctx, address, os.Getpid())
		if err != nil || mine.add(port) {
			return port, err
		}
	}
	return 0, fmt.Errorf("port server %s: gives the same ports again", address)
}

// PickForTest is Pick for a test, which fails if there is no port. When the test
// ends, the port is given back to this process: the protocol has no way to give
// it back to the server, but later calls of Pick return it, once it is free
// again, before they ask for another.
func PickForTest(t TB) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testPatience)
	defer cancel()
	port, err := Pick(ctx)
	if err != nil {
		t.Fatalf("no port for the test: %v", err)
		return 0
	}
	t.Cleanup(func() { mine.giveBack(port) })
	return port
}

func pickLocal() (int, error) {
	local, err := allocator.LocalPorts()
	if err != nil {
		return 0, err
	}
	anything := strconv.FormatUint(rand.Uint64(), 36)
	key := allocator.Key{Project: anything, PortName: allocator.PortName{Service: anything}}
	return allocator.NewPool(allocator.Set{}, local).Choose(key, func(port int) bool {
		free, err := bindable(port)
		return free && err == nil && mine.add(port)
	})
}

// mine are the ports of this process.
var mine = ports{picked: map[int]bool{}}

type ports struct {
	mu     sync.Mutex
	picked map[int]bool // every port that Pick ever returned
	back   []int        // those that were given back, oldest first
}

// add reports whether port is a new one.
func (p *ports) add(port int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	known := p.picked[port]
	p.picked[port] = true
	return !known
}

func (p *ports) giveBack(port int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.back = append(p.back, port)
}

// reuse returns a port that was given back and is free.
func (p *ports) reuse() (port int, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, port := range p.back {
		if free, err := bindable(port); free && err == nil {
			p.back = append(p.back[:i], p.back[i+1:]...)
			return port, true
		}
	}
	return 0, false
}
