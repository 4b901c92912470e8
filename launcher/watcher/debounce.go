package watcher

import "time"

// debounce sends to out once for every burst from in, when in has been quiet
// for the given time, until done is closed.
func debounce(quiet time.Duration, in <-chan struct{}, out chan<- struct{}, done <-chan struct{}) {
	timer := time.NewTimer(quiet)
	timer.Stop()
	defer timer.Stop()
	var ready chan<- struct{} // out while a burst waits to be taken, else nil
	for {
		select {
		case <-in:
			timer.Reset(quiet)
			ready = nil
		case <-timer.C:
			ready = out
		case ready <- struct{}{}:
			ready = nil
		case <-done:
			return
		}
	}
}
