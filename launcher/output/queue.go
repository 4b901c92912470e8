package output

import "sync"

// queue holds lines until they are taken. It takes any number and never
// blocks the one who adds.
type queue struct {
	mu     sync.Mutex // guards what follows
	filled *sync.Cond
	lines  []string
	closed bool
}

func newQueue() *queue {
	q := &queue{}
	q.filled = sync.NewCond(&q.mu)
	return q
}

func (q *queue) add(line string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.lines = append(q.lines, line)
	q.filled.Signal()
}

func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.filled.Signal()
}

// take waits for lines and empties the queue; more is false when there will be
// no others.
func (q *queue) take() (lines []string, more bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.lines) == 0 && !q.closed {
		q.filled.Wait()
	}
	lines, q.lines = q.lines, nil
	return lines, !q.closed
}
