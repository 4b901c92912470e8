package portserver

import (
	"errors"
	"fmt"
	"math"
	"os"
	"sync"
	"time"

	"github.com/devports/devports/allocator"
	"github.com/devports/devports/allocator/process"
)

// DefaultAddress is the default address of portpicker's server. Only Linux
// supports such addresses.
const DefaultAddress = "@unittest-portserver"

// DefaultPool is the default pool of portpicker's server.
var DefaultPool = allocator.NewSet(allocator.Range{First: 15000, Last: 24999})

const (
	requestTimeout = 2 * time.Second // for a request to arrive
	maxRequests    = 1024            // at the same time; more wait to be accepted
)

// Config is the configuration of a Server. The zero value works.
type Config struct {
	// Pool are the ports to hand out. Empty means DefaultPool.
	Pool allocator.Set

	// Leased, if not nil, reports whether port is reserved. It is called just
	// before port would be handed out, and may be called concurrently.
	Leased func(port int) bool

	// State is the file that keeps the assignments for the next server. Only
	// one server at a time may use it, and its directory must exist. With "", a
	// server starts without assignments.
	State string

	// Log, if not nil, is called after each request, and when no connection can
	// be accepted. It may be called concurrently.
	Log func(Event)
}

// Event is a finished request, or, with a zero Took, a connection that could
// not be accepted.
//
// Without a Port, Err is the reason. With both, the port was handed out, but
// the client was gone, or State could not be written, so the next server will
// not know of it. The latter error is reported only once, until State can be
// written again.
type Event struct {
	PID  int // 0 if the request had none
	Port int
	Err  error
	Took time.Duration
}

// Server hands out the ports of a pool.
type Server struct {
	leased func(port int) bool
	log    func(Event)

	timeout time.Duration
	slots   chan struct{} // one for each active request

	mu      sync.Mutex // guards the fields below
	queue   queue
	journal journal
	counts  Statistics
}

// New returns a server that continues from c.State. It fails if that file is
// damaged, which it leaves unchanged, or cannot be written, and on systems that
// do not report the start time of processes.
func New(c Config) (*Server, error) {
	if _, err := process.Find(os.Getpid()); err != nil {
		return nil, fmt.Errorf("cannot identify the owners of ports: %w", err)
	}
	if c.Pool.Empty() {
		c.Pool = DefaultPool
	}
	pool := c.Pool.Intersect(allocator.NewSet(allocator.Range{First: 1, Last: math.MaxUint16}))
	if pool.Empty() {
		return nil, errors.New("the pool is empty")
	}
	s := &Server{
		leased: c.Leased, log: c.Log, timeout: requestTimeout, slots: make(chan struct{}, maxRequests),
		queue: newQueue(pool), counts: Statistics{Managed: pool.Len()},
	}
	if c.State == "" {
		return s, nil
	}
	if err := s.restore(c.State); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *Server) restore(file string) error {
	boot, err := bootID()
	if err != nil {
		return err
	}
	records, err := readRecords(file, boot)
	if err != nil {
		return err
	}
	s.queue.restore(records)
	s.journal = journal{file: file, boot: boot, maxLines: linesPerPort * len(s.queue.ring)}
	return s.journal.rewrite(s.queue.records())
}

// Assignments returns the assignments whose owners exist, sorted by port.
func (s *Server) Assignments() []Assignment {
	s.mu.Lock()
	records := s.queue.records()
	s.mu.Unlock()
	return living(records)
}

// Statistics returns the counts since New.
func (s *Server) Statistics() Statistics {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts
}
