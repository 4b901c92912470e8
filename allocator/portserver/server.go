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

// DefaultAddress is where portpicker's server listens unless told otherwise. Only
// Linux has such addresses.
const DefaultAddress = "@unittest-portserver"

// DefaultPool is what portpicker's server hands out unless told otherwise.
var DefaultPool = allocator.NewSet(allocator.Range{First: 15000, Last: 24999})

const (
	patience    = 2 * time.Second // for a request to arrive
	maxRequests = 1024            // at the same time; more wait to be accepted
)

// Config is what a Server is to do. The zero value works.
type Config struct {
	// Pool are the ports to hand out. Empty stands for DefaultPool.
	Pool allocator.Set

	// Leased reports whether port belongs to somebody else. It is asked at the
	// moment at which port would be handed out, for several at the same time.
	// With nil, nothing does.
	Leased func(port int) bool

	// State is the file that keeps the assignments for the next server, for
	// which the caller sees to it that one server at a time uses it. Its folder
	// must exist. With "", a server begins with no port assigned.
	State string

	// Log is called after each request, for several at the same time, and when
	// no connection can be accepted. With nil, nothing is.
	Log func(Event)
}

// Event is a request that is over, or, with a zero Took, a connection that could
// not be accepted.
//
// Without a Port, Err says why. With both, the port was handed out all the same,
// but the client was gone, or State could not be written: the next server will
// not know of it. The latter is said once, until State can be written again,
// which brings everything into it.
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

	patience time.Duration
	slots    chan struct{} // one for each request under way

	mu      sync.Mutex // owns what follows
	queue   queue
	journal journal
	counts  Statistics
}

// New returns a server that goes on from c.State. It fails if that file is
// damaged, without touching it, or cannot be written, and where the system does
// not tell when a process started.
func New(c Config) (*Server, error) {
	if _, err := process.Find(os.Getpid()); err != nil {
		return nil, fmt.Errorf("cannot know who owns a port: %w", err)
	}
	if c.Pool.Empty() {
		c.Pool = DefaultPool
	}
	pool := c.Pool.Intersect(allocator.NewSet(allocator.Range{First: 1, Last: math.MaxUint16}))
	if pool.Empty() {
		return nil, errors.New("the pool has no port")
	}
	s := &Server{
		leased: c.Leased, log: c.Log, patience: patience, slots: make(chan struct{}, maxRequests),
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
	s.journal = journal{file: file, boot: boot, most: growth * len(s.queue.ring)}
	return s.journal.rewrite(s.queue.records())
}

// Assignments returns the ports whose owners are alive, by port.
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
