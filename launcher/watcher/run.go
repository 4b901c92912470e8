package watcher

import (
	"time"
)

// run has each batch of events handled and sends to out what that has added to
// the burst, as one Change, until done is closed. It begins with a burst that
// may have something in it. It makes a cookie for each mark, and answers the
// mark once what happened before the cookie has been sent.
func run(in <-chan []event, handle func([]event, *burst), b burst, o options, marks <-chan mark, cookies *cookies, out chan<- Change, done <-chan struct{}) {
	quiet, latest := time.NewTimer(o.quiet), time.NewTimer(o.latest)
	defer quiet.Stop()
	defer latest.Stop()
	if b.count == 0 {
		quiet.Stop()
		latest.Stop()
	}
	var due, late bool // the change may be told; and it may be told whatever else comes
	var waiting []mark // marks whose cookie has come
	take := func(batch []event) {
		before := b.count
		handle(batch, &b)
		for _, m := range cookies.take(batch) {
			m.err = nil // handle has looked at everything where it was to be
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
	forget := func() {
		b, due, late = burst{}, false, false
		waiting = answerAll(waiting)
		quiet.Stop()
		latest.Stop()
	}
	for {
		if due && !late {
			select {
			case batch := <-in: // it was not quiet, the last batch took long
				take(batch)
				continue
			default:
			}
		}
		var ready chan<- Change // out while the change may be told, else nil
		var change Change
		if due {
			if change = b.change(); change.empty() {
				forget()
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
			forget()
		case <-done:
			return
		}
	}
}
