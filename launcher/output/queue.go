package output

import "sync"

// queue holds lines until they are taken. It takes any number and never
// blocks the one who adds.
type queue struct {
	mu     sync.Mutex // guards what follows
	change *sync.Cond
	lines  []string
	added  int // lines, ever
	done   int // how many of them are dealt with
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

// take waits for lines and empties the queue; more is false when there will be
// no others. The lines that it gave before count as dealt with.
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

// wait waits until everything that has been added so far is dealt with.
func (q *queue) wait() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for until := q.added; q.done < until; {
		q.change.Wait()
	}
}
