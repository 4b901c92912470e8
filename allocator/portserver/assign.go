package portserver

import (
	"errors"
	"io/fs"
	"time"

	"github.com/devports/devports/allocator/process"
)

var (
	errNegative  = errors.New("a pid is more than 0")
	errInit      = errors.New("pid 1 owns no port: the client's parent has died")
	errNoProcess = errors.New("no process has this pid")
	errExhausted = errors.New("no port of the pool is left")
)

// decide answers the request for pid. Where it returns no port, the request is
// denied and the error says why; with a port, the state file was not written.
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

// assign hands out the first usable candidate. It looks at as many as there are:
// those that other requests take out of turn meanwhile are seen to by them.
func (s *Server) assign(owner process.ID) (port int, err error) {
	owners := census{}
	for checked := range len(s.queue.ring) {
		c, ok := s.claim()
		if !ok {
			continue
		}
		usable, err := s.usable(c.record, owners)
		if usable {
			return c.port, s.settle(c, owner, checked+1)
		}
		s.giveUp(c)
		if err != nil {
			return 0, err
		}
	}
	s.count(func(c *Statistics) { c.LastChecked = len(s.queue.ring) })
	return 0, errExhausted
}

// claim takes the next candidate, whose record only the claimant may then read or
// change. It reports false if another request has it.
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

// usable reports whether the port of r can be handed out. An error says that it
// is not worth trying another.
func (s *Server) usable(r record, owners census) (bool, error) {
	if r.owner != (process.ID{}) && owners.exists(r.owner) {
		return false, nil
	}
	free, err := bindable(r.port)
	if !free || err != nil {
		return false, err
	}
	return s.leased == nil || !s.leased(r.port), nil
}

func (s *Server) giveUp(c *candidate) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.claimed = false
}

// settle gives c to owner. An error says that the state file could not be written,
// if it could before.
func (s *Server) settle(c *candidate, owner process.ID, checked int) error {
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
