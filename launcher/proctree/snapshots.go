package proctree

import "sync"

// Snapshots shares snapshots among goroutines that request one at the same time.
// The zero value is ready to use.
type Snapshots struct {
	mu      sync.Mutex
	current *shared // being taken
	next    *shared // to be taken after current
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
	mine, current := &shared{taken: make(chan struct{})}, s.current
	if current == nil {
		s.current = mine
	} else {
		s.next = mine
	}
	s.mu.Unlock()
	if current != nil {
		<-current.taken
	}
	return s.take(mine)
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
