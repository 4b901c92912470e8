package proctree

import "sync"

// Snapshots shares snapshots among goroutines that request one at the same time.
// The zero value is ready to use.
type Snapshots struct {
	mu      sync.Mutex
	current *shared       // being taken
	next    *shared       // to be taken after current, and once nothing holds it
	held    chan struct{} // closed when Hold's release is called; nil: nothing holds
}

type shared struct {
	taken chan struct{} // closed when tree and err are set
	tree  Tree
	err   error
}

// Take returns a snapshot that started after the call.
func (s *Snapshots) Take() (Tree, error) {
	s.mu.Lock()
	if s.next != nil {
		next := s.next
		s.mu.Unlock()
		<-next.taken
		return next.tree, next.err
	}
	mine, current, held := &shared{taken: make(chan struct{})}, s.current, s.held
	if current == nil && held == nil {
		s.current = mine
	} else {
		s.next = mine
	}
	s.mu.Unlock()
	if current != nil {
		<-current.taken
	}
	if held != nil {
		<-held
	}
	return s.take(mine)
}

// Hold has all snapshots that are asked for until release is called be one, which is
// begun then. It must not be called again before.
func (s *Snapshots) Hold() (release func()) {
	held := make(chan struct{})
	s.mu.Lock()
	s.held = held
	s.mu.Unlock()
	return func() {
		s.mu.Lock()
		s.held = nil
		s.mu.Unlock()
		close(held)
	}
}

func (s *Snapshots) take(mine *shared) (Tree, error) {
	s.mu.Lock()
	if s.next == mine { // it starts now, and cannot be shared by later calls
		s.current, s.next = mine, nil
	}
	s.mu.Unlock()
	mine.tree, mine.err = Snapshot()
	s.mu.Lock()
	if s.current == mine {
		s.current = nil
	}
	s.mu.Unlock()
	close(mine.taken)
	return mine.tree, mine.err
}
