package launcher

import "sync"

// workers run functions in the order in which they are queued, at most limit at a
// time.
type workers struct {
	limit int
	all   *sync.WaitGroup // of the goroutines that run them

	mu      sync.Mutex // guards the fields below
	queue   []func()
	running int
}

// do queues f, and returns at once.
func (w *workers) do(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.queue = append(w.queue, f)
	if w.running < w.limit {
		w.running++
		w.all.Go(w.run)
	}
}

func (w *workers) run() {
	for f := w.next(); f != nil; f = w.next() {
		f()
	}
}

// next takes a function out of the queue; nil ends the goroutine.
func (w *workers) next() func() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.queue) == 0 {
		w.running--
		w.queue = nil
		return nil
	}
	f := w.queue[0]
	w.queue = w.queue[1:]
	return f
}
