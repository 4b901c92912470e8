package output

import "sync"

// queue is an unbounded queue of lines: add never blocks.
type queue struct {
	mu     sync.Mutex // guards the fields below
	change *sync.Cond
	lines  []string
	added  int // number of lines added
	done   int // number of them that are written
	closed bool
}

func newQueue() *queue {
	q := &queue{}
	q.change = sync.NewCond(&q.mu)
	return q
}

func (q *queue) add(line string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.lines = append(q.lines, line)
	q.added++
	q.change.Broadcast()
}

func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.change.Broadcast()
}

// take waits for lines and empties the queue; more is false once it is closed.
// The lines it returned before count as written.
func (q *queue) take() (lines []string, more bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.done = q.added - len(q.lines)
	q.change.Broadcast()
	for len(q.lines) == 0 && !q.closed {
		q.change.Wait()
	}
	lines, q.lines = q.lines, nil
	return lines, !q.closed
}

// wait waits until all lines added so far are written.
func (q *queue) wait() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for until := q.added; q.done < until; {
		q.change.Wait()
	}
}
