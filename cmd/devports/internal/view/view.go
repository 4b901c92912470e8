// Package view is the live view of a run: rows below the stream of lines that
// say how each service is, and keys that steer it.
//
// # Concurrency
//
//	terminal ─► read ─► loop ─► Run, output.Mux, screen
//
// The goroutine of loop owns all of the view; read hands it what is typed. The
// model is a value: press and change return its successor and what to do.
package view

import (
	"context"
	"io"
	"os"
	"time"

	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/output"
	"github.com/devports/devports/launcher/terminal"
)

// debounceDelay is how long to wait for the next service to be picked before
// showing what the picked one has printed. For the same time the view may not
// notice that a shell has given the terminal back.
const debounceDelay = 300 * time.Millisecond

// Run is a run that a view shows and steers: see [launcher.Controller].
type Run interface {
	// Changed has a value when Status may return something else than before.
	Changed() <-chan struct{}
	Status(context.Context) ([]launcher.Status, error)
	Start(ctx context.Context, services ...string) error
	Restart(ctx context.Context, services ...string) error
	Stop(ctx context.Context, services ...string) error
	// Attach copies the service's output to out, too, and lets the view type.
	// That goes on with the next process of the service, whose output follows head.
	Attach(ctx context.Context, service string, out io.Writer, head string) (launcher.Attachment, error)
	// Outside starts a program that outlives the run.
	StartOutside(ctx context.Context, argv ...string) error
}

// Options are what a view shows, and how.
type Options struct {
	Title     string
	Run       Run
	Output    *output.Mux // writes to the Console's Writer, and keeps a tail
	Interrupt func()      // ends the run as an interrupt from the user does; must not block
	Color     bool
}

// View is a live view that is being shown. A nil View is none.
type View struct {
	stop context.CancelFunc
	warn chan string   // has the latest warning that the loop has not seen
	done chan struct{} // closed when the goroutine has ended
	tty  *os.File
}

// Show starts to show a run, until [View.Close].
func (c *Console) Show(o Options) *View {
	if c == nil {
		return nil
	}
	ctx, stop := context.WithCancel(context.Background())
	v := &View{stop: stop, warn: make(chan string, 1), done: make(chan struct{}), tty: c.tty}
	l := &loop{
		console: c, options: o, model: model{title: o.Title},
		typed: make(chan []byte), warn: v.warn, picked: time.NewTimer(debounceDelay), context: ctx,
	}
	l.picked.Stop()
	go func() {
		defer close(v.done)
		l.run()
	}()
	return v
}

// Warn shows in the header what is wrong, until the next call; "" is nothing. It
// never blocks, and is for one goroutine at a time.
func (v *View) Warn(text string) {
	if v == nil {
		return
	}
	select {
	case <-v.warn:
	default:
	}
	v.warn <- text
}

// Close ends the view; the stream goes on.
func (v *View) Close() {
	if v == nil {
		return
	}
	v.stop()
	if terminal.Foreground(v.tty) {
		_ = terminal.Continue(v.tty) // it was not stopped when it was found
	}
	_ = v.tty.SetDeadline(time.Now().Add(closeTimeout)) // it may accept no output
	<-v.done
	_ = v.tty.SetDeadline(time.Time{})
}
