package proctree

import "sync"

// Snapshots shares snapshots among goroutines that request one at the same time.
// The zero value is ready to use.
type Snapshots struct {
	taking sync.Mutex // held while a snapshot is taken, or delayed by Hold

	mu   sync.Mutex // guards next
	next *shared    // requested, but not started; nil for none
}

type shared struct {
	once sync.Once // sets the rest
	tree Tree
	err  error
}

// Take returns a snapshot that started after the call.
func (s *Snapshots) Take() (Tree, error) { return s.Request()() }

// Request requests a snapshot that starts after the call. get returns it.
func (s *Snapshots) Request() (get func() (Tree, error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next == nil {
		s.next = &shared{}
	}
	requested := s.next
	return func() (Tree, error) {
		requested.once.Do(func() { s.take(requested) })
		return requested.tree, requested.err
	}
}

func (s *Snapshots) take(requested *shared) {
	s.taking.Lock()
	defer s.taking.Unlock()
	s.mu.Lock()
	s.next = nil // requests from now on need a later one
	s.mu.Unlock()
	requested.tree, requested.err = Snapshot()
}

// Hold delays all snapshots until release is called, so that everything
// requested until then shares one. It waits for one that is being taken.
func (s *Snapshots) Hold() (release func()) {
	s.taking.Lock()
	return s.taking.Unlock
}
