package main

import (
	"context"
	"errors"
	"math"
	"os"
	"runtime"
	"time"

	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/output"
	"github.com/devports/devports/launcher/terminal"
)

// soon is how long a picked service may be followed by the next, before what it
// has printed is shown, and how long a shell that gives the terminal back is not
// noticed.
const soon = 300 * time.Millisecond

// view is the live view of a run: the picture, and what it takes to show and to
// change that. Its goroutine owns all of it.
type view struct {
	picture
	*console
	out     *output.Mux
	run     *launcher.Steering
	signals chan<- os.Signal // as if the user had sent one
	colored bool

	sent    chan []byte   // what is typed
	reading chan struct{} // closed when nobody reads that any more
	typed   []byte        // what has been, and is not dealt with yet
	held    int64         // the line from which on a paused stream goes on
	look    *time.Timer   // fires when a picked service is to be shown
	hidden  bool          // a shell has, or had, the terminal: see wake
	context context.Context
	stop    context.CancelFunc
	done    chan struct{} // closed when the goroutine has ended
}

// view begins to show a run.
func (c *console) view(title string, d *display, run *launcher.Steering, signals chan<- os.Signal, colored bool) *view {
	v := &view{
		picture: picture{title: title}, console: c,
		out: d.out, run: run, signals: signals, colored: colored,
		sent: make(chan []byte), look: time.NewTimer(soon), done: make(chan struct{}),
	}
	v.look.Stop()
	v.context, v.stop = context.WithCancel(context.Background())
	go v.follow()
	return v
}

// close ends the view; the stream goes on. There may be none.
func (v *view) close() {
	if v == nil {
		return
	}
	v.stop()
	if terminal.Foreground(v.tty) {
		_ = terminal.Continue(v.tty) // it was not stopped when it was found
	}
	_ = v.tty.SetDeadline(time.Now().Add(lastWords)) // should it take nothing
	<-v.done
	_ = v.tty.SetDeadline(time.Time{})
}

// follow is the goroutine of the view.
func (v *view) follow() {
	defer close(v.done)
	changed, ignore := notified(resizeSignals())
	defer ignore()
	suspended, ignore := notified(suspendSignals())
	defer ignore()
	continued, ignore := notified(continueSignals())
	defer ignore()
	v.listen()
	aging := time.NewTimer(0)
	defer aging.Stop()
	for v.context.Err() == nil {
		select {
		case v.typed = <-v.sent:
			for len(v.typed) > 0 {
				key, n := firstKey(v.typed)
				v.typed = v.typed[n:] // before the key, which may give the rest to a service
				v.press(key)
			}
		case <-v.run.Changed():
			if services, err := v.run.Status(v.context); err == nil {
				v.change(services)
			}
		case <-v.look.C:
			v.show()
		case <-changed:
			v.screen.Redraw(false)
		case <-suspended:
			v.suspend(continued)
		case <-continued: // something else than Ctrl-Z has stopped devports
			v.hide()
		case <-aging.C:
		case <-v.context.Done():
		}
		v.wake()
		if v.hidden {
			aging.Reset(soon) // nothing tells when a shell gives the terminal back
		} else if next := nextAge(v.services, time.Now()); next > 0 {
			aging.Reset(next)
		}
		v.draw()
	}
	v.hide()
}

// draw shows the picture below the stream.
func (v *view) draw() {
	size := v.size()
	if v.hidden || size.Rows < fewestRows || len(v.services) == 0 {
		v.screen.Show(nil, 0)
		return
	}
	v.screen.Show(v.rows(size, time.Now(), v.colored))
}

// listen begins to read what is typed.
func (v *view) listen() {
	_ = v.tty.SetReadDeadline(time.Time{})
	v.reading = make(chan struct{})
	go v.read(v.reading)
}

// hide ends that, and shows no rows.
func (v *view) hide() {
	v.hidden = true
	v.screen.Show(nil, 0)
	_ = v.tty.SetReadDeadline(time.Now())
	for {
		select {
		case <-v.sent: // not for devports
		case <-v.reading:
			return
		}
	}
}

// read hands on what is typed, until a deadline.
func (v *view) read(reading chan<- struct{}) {
	defer close(reading)
	for {
		buf := make([]byte, 1024)
		n, err := v.tty.Read(buf)
		if err != nil || n == 0 {
			return
		}
		select {
		case v.sent <- buf[:n]:
		case <-v.context.Done():
			return
		}
	}
}

// press does what a key asks for.
func (v *view) press(key string) {
	next, do := v.picture.press(key)
	v.picture = next
	switch do {
	case doEnd:
		select {
		case v.signals <- os.Interrupt:
		default:
		}
	case doLook:
		v.show()
	case doLookSoon:
		v.look.Reset(soon)
	case doPause:
		v.held = v.out.Look(v.lens(), output.Past{})
	case doResume:
		v.out.Look(v.lens(), output.Past{Since: v.held, Last: math.MaxInt})
	case doRestart:
		v.steer(v.run.Restart)
	case doSwitch:
		if st := v.status(); st.Ended() || st.State == launcher.StatePausing {
			v.steer(v.run.Start)
		} else {
			v.steer(v.run.Stop)
		}
	case doOpen:
		v.open()
	case doAttach:
		v.attach()
	case doRedraw:
		v.screen.Redraw(true)
	}
}

// change takes note of how the services are now.
func (v *view) change(services []launcher.Status) {
	next, do := v.picture.change(services)
	v.picture = next
	if do == doLook {
		v.show()
	}
}

// show has the stream show what the picture says, after as much of what there
// has been as the screen takes. A stream that is paused stays so.
func (v *view) show() {
	v.look.Stop()
	if !v.paused {
		size := v.size()
		v.out.Look(v.lens(), output.Past{Head: v.seen(), Last: size.Rows - size.Rows/3})
	}
}

// steer asks for something to be done with the service aimed at.
func (v *view) steer(ask func(context.Context, ...string) error) {
	if err := ask(v.context, v.target()); err != nil {
		v.notice = tellSteering(v.target(), err)
	}
}

func tellSteering(service string, err error) string {
	var unknown *launcher.UnknownServiceError
	switch {
	case errors.As(err, &unknown):
		return service + " is not declared any more"
	case errors.Is(err, launcher.ErrOver):
		return "everything is ending"
	}
	return service + ": " + err.Error()
}

// open shows the service aimed at in the user's browser.
func (v *view) open() {
	url := address(v.status())
	if url == "" {
		v.notice = v.target() + " has no port"
		return
	}
	if err := v.run.Outside(v.context, append(browser(), url)...); err != nil {
		v.notice = "no browser could be started: open " + url
	}
}

// browser is the command that opens a URL, which comes behind it.
func browser() []string {
	if command := os.Getenv("BROWSER"); command != "" {
		return []string{command}
	}
	switch runtime.GOOS {
	case "darwin":
		return []string{"open"}
	case "windows":
		return []string{"rundll32", "url.dll,FileProtocolHandler"}
	}
	return []string{"xdg-open"}
}

// suspend stops devports, as its user wants, with the terminal as it was found,
// until it is continued.
func (v *view) suspend(continued <-chan os.Signal) {
	v.look.Stop()
	v.hide()
	v.screen.Suspend()
	v.put(v.found)
	select {
	case <-continued: // an earlier one
	default:
	}
	stopSelf()
	select { // the system may take a moment to stop it
	case <-continued:
	case <-v.context.Done():
	}
	v.screen.Resume()
}

// wake takes the terminal again once devports is back in the foreground.
func (v *view) wake() {
	if v.hidden && terminal.Foreground(v.tty) {
		v.hidden = false
		_ = v.found.Keys().Apply(v.tty)
		v.listen()
	}
}
