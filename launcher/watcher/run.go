package watcher

import (
	"time"
)

// run calls handle for each batch of events and sends what handle has added to the
// burst to out, as one Change, until done is closed. The first burst is b, which
// may be non-empty. For each mark, run creates a cookie, and answers the mark once
// everything that happened before the cookie has been sent.
func run(in <-chan []event, handle func([]event, *burst), b burst, o options, marks <-chan mark, cookies *cookies, out chan<- Change, done <-chan struct{}) {
	quiet, latest := time.NewTimer(o.quiet), time.NewTimer(o.latest)
	defer quiet.Stop()
	defer latest.Stop()
	if b.count == 0 {
		quiet.Stop()
		latest.Stop()
	}
	var due, late bool // the change may be sent; it may be sent although events still arrive
	var waiting []mark // marks whose cookie has arrived
	take := func(batch []event) {
		before := b.count
		handle(batch, &b)
		for _, m := range cookies.take(batch) {
			m.err = nil // after ErrUnseen, handle has read everything again
			waiting = append(waiting, m)
		}
		if b.count == 0 {
			waiting = answerAll(waiting)
		}
		if b.count == before {
			return
		}
		if before == 0 {
			latest.Reset(o.latest)
		}
		quiet.Reset(o.quiet)
		due = late
	}
	reset := func() {
		b, due, late = burst{}, false, false
		waiting = answerAll(waiting)
		quiet.Stop()
		latest.Stop()
	}
	for {
		if due && !late {
			select {
			case batch := <-in: // it was not quiet: handling the last batch took long
				take(batch)
				continue
			default:
			}
		}
		var ready chan<- Change // out while the change may be sent, otherwise nil
		var change Change
		if due {
			if change = b.change(); change.empty() {
				reset()
				continue
			}
			ready = out
		}
		select {
		case batch := <-in:
			take(batch)
		case m := <-marks:
			cookies.add(m)
		case <-quiet.C:
			due = true
		case <-latest.C:
			due, late = true, true
		case ready <- change:
			reset()
		case <-done:
			return
		}
	}
}
