package watcher

import "time"

// debounce sends to out once for every burst from in, when in has been quiet
// for the given time, until done is closed. It closes each mark once what came from
// in before has been sent.
func debounce(quiet time.Duration, in <-chan struct{}, marks <-chan chan struct{}, out chan<- struct{}, done <-chan struct{}) {
	timer := time.NewTimer(quiet)
	timer.Stop()
	defer timer.Stop()
	var ready chan<- struct{} // out while a burst waits to be taken, else nil
	pending := false          // there is a burst
	var waiting []chan struct{}
	for {
		select {
		case <-in:
			timer.Reset(quiet)
			ready, pending = nil, true
		case mark := <-marks:
			if waiting = append(waiting, mark); !pending {
				waiting = closeAll(waiting)
			}
		case <-timer.C:
			ready = out
		case ready <- struct{}{}:
			ready, pending = nil, false
			waiting = closeAll(waiting)
		case <-done:
			return
		}
	}
}

// closeAll closes marks, and returns none.
func closeAll(marks []chan struct{}) []chan struct{} {
	for _, mark := range marks {
		close(mark)
	}
	return nil
}
