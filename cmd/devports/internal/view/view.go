// Package view is the live view of a run: rows below the stream of lines with
// the state of each service, and keys that control the services.
//
// # Concurrency
//
//	terminal ─► read ─► loop ─► Run, output.Mux, screen
//
// The goroutine of loop owns the view; read sends it the typed keys. The model
// is a value: press and change return its successor and a command.
package view

import (
	"context"
	"io"
	"os"
	"time"

	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/output"
	"github.com/devports/devports/launcher/palette"
	"github.com/devports/devports/launcher/terminal"
)

// debounceDelay is how long to wait for another service to be picked before
// showing the output of the picked one. It is also the interval at which the
// view checks whether a shell has returned the terminal.
const debounceDelay = 300 * time.Millisecond

// askDelay is how long a question waits for its answer.
const askDelay = 5 * time.Second

// Run is a run that a view shows and controls: the one of this process
// ([launcher.Controller]), or that of another ([control.Remote]).
type Run interface {
	// Watch returns a channel that has a value, and receives another when the
	// result of Status may have changed, until stop is called.
	Watch() (changed <-chan struct{}, stop func())
	Status(context.Context) ([]launcher.Status, error)
	// Inspect returns more about a service than its status. It may take a few
	// milliseconds.
	Inspect(ctx context.Context, service string) (launcher.Details, error)
	Start(ctx context.Context, services ...string) error
	Restart(ctx context.Context, services ...string) error
	Stop(ctx context.Context, services ...string) error
	// Attach also copies the service's output, and passes on typed keys. It
	// continues with the service's next process.
	Attach(ctx context.Context, service string, o launcher.AttachOptions) (launcher.Attachment, error)
	// StartOutside starts a program that outlives the run. exited receives its
	// exit.
	StartOutside(ctx context.Context, argv ...string) (exited <-chan launcher.Exit, err error)
}

// Options are the options of a view.
type Options struct {
	Title  string
	Run    Run
	Output *output.Mux // writes to the Console's Writer, and keeps a tail
	// Log writes what a service has printed, as far as it is recorded; nil if it
	// is not.
	Log func(ctx context.Context, service string, to io.Writer) error
	// Last returns the last n lines that a service has printed before now, as far
	// as they are recorded; nil if they are not.
	Last      func(ctx context.Context, service string, n int) ([]output.Line, error)
	Interrupt func() // ends the run, as Ctrl-C does in the foreground; must not block
	// Leave leaves the view, while the run continues; nil if it cannot, because
	// the run would end with this process. It must not block.
	Leave  func()
	Pick   string           // the service that is shown at first; "" for all
	Colors *palette.Palette // nil: no colours
}

// View is a live view that is being shown. A nil View stands for no live view.
type View struct {
	stop context.CancelFunc
	warn chan string   // holds the latest warning that the loop has not received
	done chan struct{} // closed when the goroutine has ended
	tty  *os.File
}

// Show shows a run until [View.Close].
func (c *Console) Show(o Options) *View {
	if c == nil {
		return nil
	}
	ctx, stop := context.WithCancel(context.Background())
	v := &View{stop: stop, warn: make(chan string, 1), done: make(chan struct{}), tty: c.tty}
	l := &loop{
		console: c, options: o, model: model{title: o.Title, picked: o.Pick, leaves: o.Leave != nil},
		typed: make(chan []byte), warn: v.warn, picked: time.NewTimer(debounceDelay), asked: time.NewTimer(askDelay), inspect: time.NewTimer(inspectDelay),
		results: make(chan func(*loop)), context: ctx,
	}
	l.picked.Stop()
	l.asked.Stop()
	l.inspect.Stop()
	go func() {
		defer close(v.done)
		l.run()
	}()
	return v
}

// Warn shows a warning in the header until the next call; "" removes it. It
// never blocks, and must not be called concurrently.
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

// Close ends the view; the stream continues.
func (v *View) Close() {
	if v == nil {
		return
	}
	v.stop()
	if terminal.Foreground(v.tty) {
		_ = terminal.ResumeOutput(v.tty) // it was not stopped when it was found
	}
	_ = v.tty.SetDeadline(time.Now().Add(closeTimeout)) // it may accept no output
	<-v.done
	_ = v.tty.SetDeadline(time.Time{})
}
