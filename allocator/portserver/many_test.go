package portserver

import (
	"context"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
)

// 64 concurrent clients never get the same port.
func TestManyClients(t *testing.T) {
	const clients, requests = 64, 1000
	s := newServer(t, Config{})
	address, _ := serve(t, s)
	ports := askMany(t, address, clients, requests)
	seen := map[int]bool{}
	for port := range ports {
		if seen[port] || !DefaultPool.Contains(port) {
			t.Errorf("port %d a second time, or not in the pool", port)
		}
		seen[port] = true
	}
	if got := s.Statistics(); len(seen) != requests || got.Allocations != requests || len(s.Assignments()) != requests {
		t.Errorf("%d ports, %+v, %d assignments; want %d", len(seen), got, len(s.Assignments()), requests)
	}
}

// askMany returns the ports that the clients get for n requests in total.
func askMany(t testing.TB, address string, clients, n int) <-chan int {
	t.Helper()
	ports := make(chan int, n)
	work := make(chan struct{}, n)
	for range n {
		work <- struct{}{}
	}
	close(work)
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			for range work {
				port, err := Ask(context.Background(), address, os.Getpid())
				if err != nil {
					t.Error(err)
					return
				}
				ports <- port
			}
		})
	}
	wg.Wait()
	close(ports)
	return ports
}

// While one request examines a candidate, no other gets it, or waits for it.
func TestClaimedCandidate(t *testing.T) {
	pool, top := testPool(t, 2)
	looking, goOn := make(chan int), make(chan bool)
	s := newServer(t, Config{Pool: pool, Leased: func(port int) bool {
		looking <- port
		return <-goOn
	}})
	address, _ := serve(t, s)
	first, second := make(chan string, 1), make(chan string, 1)
	ask := func(reply chan<- string) {
		port, _ := Ask(context.Background(), address, os.Getpid())
		reply <- strconv.Itoa(port)
	}
	go ask(first)
	if port := <-looking; port != top {
		t.Errorf("the first examines %d, want %d", port, top)
	}
	go ask(second)
	if port := <-looking; port != top-1 {
		t.Errorf("the second examines %d, want %d", port, top-1)
	}
	wantPort(t, address, os.Getpid(), 0)
	goOn <- false
	goOn <- false
	got := []string{<-first, <-second}
	slices.Sort(got)
	if want := []string{strconv.Itoa(top - 1), strconv.Itoa(top)}; !slices.Equal(got, want) {
		t.Errorf("ports %v, want %v", got, want)
	}
}
