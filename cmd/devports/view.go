package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/output"
	"github.com/devports/devports/launcher/screen"
	"github.com/devports/devports/launcher/terminal"
)

const (
	// fewestRows is the height of a terminal that has room for a view.
	fewestRows = 10

	// soon is how long a picked service may be followed by the next, before
	// what it has printed is shown.
	soon = 300 * time.Millisecond

	// lastWords is how long a terminal that takes nothing is waited for.
	lastWords = time.Second
)

// console is the terminal of an `up` whose user can see and steer it by keys.
type console struct {
	tty    *os.File // for keys and for what is shown
	found  terminal.State
	screen *screen.Screen
	size   func() terminal.Size

	attached atomic.Pointer[string] // the service that its user types to
}

// console opens the terminal for a live view; nil where there is to be none.
func (s session) console(c *cli.Context, size func() terminal.Size) *console {
	term, ci := s.getenv("TERM"), s.getenv("CI")
	switch {
	case size == nil || !foreground(s.stdin) || !foreground(s.stdout):
		return nil
	case c.Bool("plain") || term == "" || term == "dumb" || ci != "" && ci != "false" && ci != "0":
		return nil
	case size().Rows < fewestRows:
		return nil
	}
	tty, err := terminal.Reopen(s.stdin.(*os.File))
	if err != nil {
		return nil
	}
	found, err := terminal.StateOf(tty)
	if err == nil {
		err = found.Keys().Apply(tty)
	}
	if err != nil {
		tty.Close()
		return nil
	}
	return &console{tty: tty, found: found, screen: screen.New(tty, size), size: size}
}

// foreground reports whether f is the terminal that devports was started from,
// not another one, and not in the background.
func foreground(f any) bool {
	tty, ok := f.(*os.File)
	return ok && terminal.Foreground(tty)
}

// writer is where the stream goes.
func (c *console) writer(otherwise io.Writer) io.Writer {
	if c == nil || !foreground(otherwise) {
		return otherwise
	}
	return c.screen
}

// put puts the terminal into a state, unless a shell has put devports into the
// background: the terminal is the shell's then, and the system would stop us.
func (c *console) put(state terminal.State) {
	if terminal.Foreground(c.tty) {
		_ = state.Apply(c.tty)
	}
}

// has reports whether a service has the whole terminal.
func (c *console) has(service string) bool {
	if c == nil {
		return false
	}
	name := c.attached.Load()
	return name != nil && *name == service
}

// close leaves the terminal as it was found.
func (c *console) close() {
	_ = c.tty.SetWriteDeadline(time.Now().Add(lastWords))
	_ = c.screen.Close()
	c.put(c.found)
	c.tty.Close()
}

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

// leave is the key that ends attach, Ctrl-] as in telnet(1).
const leave = 0x1d

// attach gives the keyboard to the service aimed at, and the screen as well,
// until Ctrl-] or the end of its process.
func (v *view) attach() {
	name := v.target()
	since := v.out.Look(output.Lens{Nothing: true}, output.Past{
		Head: "you type to " + name + " now: Ctrl-] leaves", Last: 10, Through: &output.Lens{Service: name},
	})
	v.screen.Suspend()
	v.put(v.found.Raw())
	v.attached.Store(&name)
	a, err := v.run.Attach(v.context, name, v.tty)
	if err == nil {
		v.typeTo(a)
		v.attached.Store(nil)
		a.Close()
	}
	v.attached.Store(nil)
	fmt.Fprint(v.tty, screen.Restful, "\r\n")
	v.put(v.found.Keys())
	v.screen.Resume()
	head := "you have left " + name
	if err != nil {
		head = tellSteering(name, err)
	}
	v.out.Look(v.lens(), output.Past{
		Head: head, Since: since, Last: math.MaxInt, Through: &output.Lens{Service: output.Own},
	})
}

// typeTo hands on what is typed, until Ctrl-]. What the process does not read
// waits, and is lost when its user leaves.
func (v *view) typeTo(a launcher.Attachment) {
	var waiting []byte
	for {
		typed, rest, left := bytes.Cut(v.typed, []byte{leave})
		waiting, v.typed = append(waiting, typed...), rest
		n, err := a.Write(waiting)
		waiting = waiting[n:]
		if left || err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			return
		}
		var again <-chan time.Time
		if len(waiting) > 0 {
			again = time.After(10 * time.Millisecond)
		}
		select {
		case v.typed = <-v.sent:
		case <-again:
		case <-a.Done():
			return
		case <-v.context.Done():
			return
		}
	}
}
