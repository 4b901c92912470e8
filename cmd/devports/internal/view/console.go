package view

import (
	"io"
	"os"
	"sync/atomic"
	"time"

	"github.com/devports/devports/launcher/screen"
	"github.com/devports/devports/launcher/terminal"
)

const (
	// fewestRows is the height of a terminal that has room for a view.
	fewestRows = 10

	// closeTimeout is how long to wait for a terminal that accepts no output.
	closeTimeout = time.Second
)

// Console is a terminal taken over for a live view: it reports keys as they
// are pressed, and keeps some rows below the stream. A nil Console is none.
type Console struct {
	tty    *os.File       // for keys and for what is shown
	found  terminal.State // to be restored
	screen *screen.Screen
	size   func() terminal.Size

	attached atomic.Pointer[string] // the service that its user types to
}

// Open takes over the terminal that stdin and stdout are; size is its size.
// Where they are none that devports has in the foreground, or where that has
// no room for a view, it returns nil.
func Open(stdin, stdout *os.File, size func() terminal.Size) *Console {
	if size == nil || !foreground(stdin) || !foreground(stdout) || size().Rows < fewestRows {
		return nil
	}
	tty, err := terminal.Reopen(stdin)
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
	return &Console{tty: tty, found: found, screen: screen.New(tty, size), size: size}
}

// foreground reports whether f is the terminal that devports was started from,
// not another one, and not in the background. nil is none.
func foreground(f *os.File) bool { return f != nil && terminal.Foreground(f) }

// Shows reports whether f is this terminal.
func (c *Console) Shows(f *os.File) bool { return c != nil && foreground(f) }

// Writer is where to write a stream that is to appear above the rows.
func (c *Console) Writer() io.Writer { return c.screen }

// Found is the state of the terminal before it was taken over.
func (c *Console) Found() terminal.State { return c.found }

// Attached reports whether a service has the whole terminal. Any goroutine may
// ask.
func (c *Console) Attached(service string) bool {
	if c == nil {
		return false
	}
	name := c.attached.Load()
	return name != nil && *name == service
}

// Close leaves the terminal as it was found.
func (c *Console) Close() {
	if c == nil {
		return
	}
	_ = c.tty.SetWriteDeadline(time.Now().Add(closeTimeout))
	_ = c.screen.Close()
	c.apply(c.found)
	c.tty.Close()
}

// apply puts the terminal into a state, unless a shell has put devports into
// the background: the terminal is the shell's then, and the system would stop
// us.
func (c *Console) apply(state terminal.State) {
	if terminal.Foreground(c.tty) {
		_ = state.Apply(c.tty)
	}
}
