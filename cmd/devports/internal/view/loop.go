package view

import (
	"context"
	"os"
	"sync"
	"time"

	"github.com/devports/devports/launcher/terminal"
)

// loop is the goroutine of a view, with the state that it owns.
type loop struct {
	console *Console
	options Options
	context context.Context
	model   model

	typed   chan []byte   // from read
	reading chan struct{} // closed when read has ended
	warn    <-chan string // see View.Warn
	keys    []byte        // typed, and not yet handled
	hidden  bool          // a shell has, or had, the terminal: see wake
	resized <-chan os.Signal
	changed <-chan struct{}

	picked   *time.Timer // fires when the picked service is to be shown
	asked    *time.Timer // fires when a question is forgotten
	inspect  *time.Timer // fires when the service in the panel is to be inspected again
	tasks    sync.WaitGroup
	results  chan func(*loop) // what to do with the results of tasks
	pausedAt int64            // the line at which a paused stream resumes
}

func (l *loop) run() {
	resized, ignore := terminal.Resized()
	defer ignore()
	l.resized = resized
	l.changed, ignore = l.options.Run.Watch()
	defer ignore()
	suspended, ignore := terminal.Notified(suspendSignals()...)
	defer ignore()
	continued, ignore := terminal.Notified(continueSignals()...)
	defer ignore()
	l.listen()
	aging := time.NewTimer(0)
	defer aging.Stop()
	for l.context.Err() == nil {
		select {
		case l.keys = <-l.typed:
			for len(l.keys) > 0 {
				key, n := firstKey(l.keys)
				l.keys = l.keys[n:] // before the key, which may give the rest to a service
				l.press(key)
			}
		case <-l.changed:
			l.apply(l.update())
		case l.model.warning = <-l.warn:
		case <-l.picked.C:
			l.apply(l.model, cmdFilter)
		case <-l.inspect.C:
			l.inspectTarget()
		case done := <-l.results:
			done(l)
		case <-l.asked.C:
			l.model.asking = false
		case <-l.resized:
			l.console.screen.Redraw(false)
		case <-suspended:
			l.suspend(continued)
		case <-continued: // something other than Ctrl-Z had stopped devports
			l.hide()
		case <-aging.C:
		case <-l.context.Done():
		}
		l.wake()
		if l.hidden {
			aging.Reset(debounceDelay) // no signal reports that a shell returns the terminal
		} else if next := nextChange(l.model.services, time.Now()); next > 0 {
			aging.Reset(next)
		}
		l.draw()
	}
	l.hide()
	l.tasks.Wait()
}

// update reads the services again. The result is for apply.
func (l *loop) update() (model, command) {
	services, err := l.options.Run.Status(l.context)
	if err != nil {
		return l.model, cmdNothing
	}
	return l.model.change(services)
}

// draw shows the rows below the stream.
func (l *loop) draw() {
	size := l.console.size()
	if l.hidden || size.Rows < MinRows || len(l.model.services) == 0 {
		l.console.screen.Show(nil, 0)
		return
	}
	l.console.screen.Show(l.model.rows(size, time.Now(), l.options.Colors))
}

// listen starts to read keys.
func (l *loop) listen() {
	_ = l.console.tty.SetReadDeadline(time.Time{})
	reading := make(chan struct{})
	l.reading = reading
	go func() {
		defer close(reading)
		l.read()
	}()
}

// read sends typed keys to the loop, until a deadline.
func (l *loop) read() {
	for {
		buf := make([]byte, 1024)
		n, err := l.console.tty.Read(buf)
		if err != nil || n == 0 {
			return
		}
		select {
		case l.typed <- buf[:n]:
		case <-l.context.Done():
			return
		}
	}
}

// hide stops reading keys, and removes the rows.
func (l *loop) hide() {
	l.hidden = true
	l.console.screen.Show(nil, 0)
	l.stopReading()
}

// stopReading stops reading keys, until listen.
func (l *loop) stopReading() {
	_ = l.console.tty.SetReadDeadline(time.Now())
	for {
		select {
		case <-l.typed: // not for devports
		case <-l.reading:
			return
		}
	}
}

// wake takes the terminal again once devports is back in the foreground.
func (l *loop) wake() {
	if l.hidden && terminal.Foreground(l.console.tty) {
		l.hidden = false
		l.console.apply(l.console.found.Keys())
		l.listen()
	}
}

// suspend restores the terminal and stops devports, as for Ctrl-Z, until it is
// continued.
func (l *loop) suspend(continued <-chan os.Signal) {
	l.picked.Stop()
	l.hide()
	l.console.screen.Suspend()
	l.console.apply(l.console.found)
	select {
	case <-continued: // an earlier one
	default:
	}
	stopSelf()
	select { // the system may take a moment to stop it
	case <-continued:
	case <-l.context.Done():
	}
	l.console.screen.Resume()
}
