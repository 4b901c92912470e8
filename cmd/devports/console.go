package main

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
func (s session) console(plain bool, size func() terminal.Size) *console {
	term, ci := s.getenv("TERM"), s.getenv("CI")
	switch {
	case size == nil || !foreground(s.stdin) || !foreground(s.stdout):
		return nil
	case plain || term == "" || term == "dumb" || ci != "" && ci != "false" && ci != "0":
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
