package portserver

import (
	"errors"
	"io/fs"
	"time"

	"github.com/devports/devports/allocator/process"
)

var (
	errNegative  = errors.New("a pid must be greater than 0")
	errInit      = errors.New("pid 1 owns no port: the client's parent has died")
	errNoProcess = errors.New("no process has this pid")
	errExhausted = errors.New("no port left in the pool")
)

// decide answers the request for pid. An error without a port is the reason for
// denying the request; an error with a port is from writing the state file.
func (s *Server) decide(pid int) (port int, err error) {
	owner, err := identify(pid)
	if err == nil {
		port, err = s.assign(owner)
	}
	if port == 0 {
		s.count(func(c *Statistics) { c.Denied++ })
	}
	return port, err
}

func identify(pid int) (process.ID, error) {
	switch {
	case pid <= 0:
		return process.ID{}, errNegative
	case pid == 1:
		return process.ID{}, errInit
	}
	owner, err := process.Find(pid)
	if errors.Is(err, fs.ErrNotExist) {
		err = errNoProcess
	}
	return owner, err
}

// assign hands out the first usable candidate. It examines at most as many as
// there are: other requests examine those that they claim meanwhile.
func (s *Server) assign(owner process.ID) (port int, err error) {
	owners := existsCache{}
	for checked := range len(s.queue.ring) {
		c, ok := s.claim()
		if !ok {
			continue
		}
		usable, err := s.usable(c.record, owners)
		if usable {
			return c.port, s.assignTo(c, owner, checked+1)
		}
		s.unclaim(c)
		if err != nil {
			return 0, err
		}
	}
	s.count(func(c *Statistics) { c.LastChecked = len(s.queue.ring) })
	return 0, errExhausted
}

// claim claims the next candidate: then only the caller may read or change its
// record. It returns false if another request has claimed it.
func (s *Server) claim() (*candidate, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.queue.advance()
	if c.claimed {
		return nil, false
	}
	c.claimed = true
	return c, true
}

// usable reports whether the port of r can be handed out. After an error,
// trying another one is pointless.
func (s *Server) usable(r record, owners existsCache) (bool, error) {
	if r.owner != (process.ID{}) && owners.exists(r.owner) {
		return false, nil
	}
	free, err := bindable(r.port)
	if !free || err != nil {
		return false, err
	}
	return s.leased == nil || !s.leased(r.port), nil
}

func (s *Server) unclaim(c *candidate) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.claimed = false
}

// assignTo assigns c to owner. It returns only the first error of writing the
// state file until that succeeds again.
func (s *Server) assignTo(c *candidate, owner process.ID, checked int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.claimed = false
	c.owner, c.since = owner, time.Now().Unix()
	s.counts.Allocations++
	s.counts.LastChecked = checked
	known := s.journal.failed
	if err := s.journal.add(c.record, s.queue.records); err != nil && !known {
		return err
	}
	return nil
}

func (s *Server) count(change func(*Statistics)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.counts)
}
