package view

import (
	"io"
	"os"
	"time"

	"github.com/devports/devports/launcher/screen"
	"github.com/devports/devports/launcher/terminal"
)

const (
	// MinRows is the minimum height of a terminal for a view.
	MinRows = 10

	// closeTimeout is how long to wait for a terminal that accepts no output.
	closeTimeout = time.Second
)

// Console is a terminal taken over for a live view: it reads single keys, and
// keeps some rows below the stream. A nil Console stands for no live view.
type Console struct {
	tty    *os.File       // for keys and output
	found  terminal.State // to be restored
	screen *screen.Screen
	size   func() terminal.Size
}

// Open takes over the terminal that stdin and stdout are. It returns nil if
// they are not the terminal in whose foreground devports runs, or if that is
// too small for a view.
func Open(stdin, stdout *os.File, size func() terminal.Size) *Console {
	if size == nil || !foreground(stdin) || !foreground(stdout) || size().Rows < MinRows {
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

// foreground reports whether f is the controlling terminal of devports, and
// devports is in its foreground. f may be nil.
func foreground(f *os.File) bool { return f != nil && terminal.Foreground(f) }

// Shows reports whether f is this terminal.
func (c *Console) Shows(f *os.File) bool { return c != nil && foreground(f) }

// Writer returns the writer for the stream above the rows.
func (c *Console) Writer() io.Writer { return c.screen }

// Rows is the number of rows above the view, for earlier output.
func (c *Console) Rows() int {
	size := c.size()
	return size.Rows - size.Rows/3
}

// Found is the state of the terminal before it was taken over.
func (c *Console) Found() terminal.State { return c.found }

// Close restores the terminal.
func (c *Console) Close() {
	if c == nil {
		return
	}
	_ = c.tty.SetWriteDeadline(time.Now().Add(closeTimeout))
	_ = c.screen.Close()
	c.apply(c.found)
	c.tty.Close()
}

// apply sets the state of the terminal, unless a shell has put devports into
// the background: the terminal then belongs to the shell, and the system would
// stop devports.
func (c *Console) apply(state terminal.State) {
	if terminal.Foreground(c.tty) {
		_ = state.Apply(c.tty)
	}
}
