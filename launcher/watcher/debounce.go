package watcher

import "time"

// debounce sends to out once for every burst from in, when in has been quiet for
// the given time, until done is closed. It answers a mark once everything that came
// from in before it has been sent.
func debounce(quiet time.Duration, in <-chan struct{}, marks <-chan mark, out chan<- struct{}, done <-chan struct{}) {
	timer := time.NewTimer(quiet)
	timer.Stop()
	defer timer.Stop()
	var ready chan<- struct{} // out while a burst waits to be received, otherwise nil
	pending := false          // a burst has not been sent yet
	var waiting []mark
	for {
		select {
		case <-in:
			timer.Reset(quiet)
			ready, pending = nil, true
		case m := <-marks:
			if waiting = append(waiting, m); !pending {
				waiting = answerAll(waiting)
			}
		case <-timer.C:
			ready = out
		case ready <- struct{}{}:
			ready, pending = nil, false
			waiting = answerAll(waiting)
		case <-done:
			return
		}
	}
}
