package watcher

import (
	"time"
)

// run has each batch of events handled and sends to out what that has added to
// the burst, as one Change, until done is closed. It begins with a burst that
// may have something in it. It makes a cookie for each mark, and closes the mark
// once what happened before the cookie has been sent.
func run(in <-chan []event, handle func([]event, *burst), b burst, o options, marks <-chan chan struct{}, cookies *cookies, out chan<- Change, done <-chan struct{}) {
	quiet, latest := time.NewTimer(o.quiet), time.NewTimer(o.latest)
	defer quiet.Stop()
	defer latest.Stop()
	if b.count == 0 {
		quiet.Stop()
		latest.Stop()
	}
	var due, late bool          // the change may be told; and it may be told whatever else comes
	var waiting []chan struct{} // marks whose cookie has come
	take := func(batch []event) {
		before := b.count
		handle(batch, &b)
		if waiting = append(waiting, cookies.take(batch)...); b.count == 0 {
			waiting = closeAll(waiting)
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
		waiting = closeAll(waiting)
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
		case mark := <-marks:
			cookies.add(mark)
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
