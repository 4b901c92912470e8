package main

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/devports/devports/cmd/devports/internal/view"
	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/control"
	"github.com/devports/devports/launcher/logstore"
	"github.com/devports/devports/launcher/output"
	"github.com/devports/devports/launcher/terminal"
	"github.com/devports/devports/procfile"
)

// display is the output of a run: on its terminal or pipe, and for clients that
// request it from another terminal.
type display struct {
	scope    string      // the name of the run
	out, own *output.Mux // for the services' lines and for devports' own
	tail     output.Tail
	journal  control.Journal
	causes   buildCauses
}

// console takes over the terminal for a live view; nil if there is none.
func (s session) console(o upOptions, size func() terminal.Size) *view.Console {
	term := s.getenv("TERM")
	if o.Plain || o.Raw || term == "" || term == "dumb" || s.unattended() != "" {
		return nil
	}
	return view.Open(fileOf(s.stdin), fileOf(s.stdout), size)
}

// display shows a run on a console if there is one, else on standard output, and
// has the recorder record it. With raw, the services' output passes unfiltered.
func (s session) display(style output.Style, raw bool, plan procfile.Plan, on *view.Console, recorder *logstore.Recorder) *display {
	out, style := streamTo(s.stdout, raw, on, style)
	d := &display{out: output.New(out, style, names(plan)...)}
	d.out.Keep(&d.tail)
	recordIn(recorder, d.out)
	d.own = d.out
	if style.NoPrefix {
		d.own = output.New(streamTo(s.stderr, false, on, output.Style{Timestamps: style.Timestamps}))
		recordIn(recorder, d.own)
	}
	return d
}

// nameWidth limits the names before lines on a terminal to a quarter of its width;
// nil for no limit.
func nameWidth(window func() terminal.Size) func() int {
	if window == nil {
		return nil
	}
	return func() int { return window().Columns / 4 }
}

// streamTo returns the writer for a stream that is meant for w, and the style that
// it requires. Without raw, only text, colours and links pass, also into a pipe: it
// often leads to a terminal.
func streamTo(w io.Writer, raw bool, on *view.Console, style output.Style) (io.Writer, output.Style) {
	tty, isTTY := w.(ttyWriter)
	style.Printable, style.Pipe = !raw, !isTTY
	switch {
	case !isTTY:
		return w, style
	case on.Shows(tty.file):
		return on.Writer(), style
	case raw:
		return tty.file, style
	}
	return tty.Stream(), style
}

// names are the names of a plan's services.
func names(plan procfile.Plan) (names []string) {
	for _, p := range plan.Services {
		names = append(names, p.Service)
	}
	return names
}

// show prints an event and adds it to the journal.
func (d *display) show(e launcher.Event) {
	cause := ""
	switch e := e.(type) {
	case launcher.Building:
		cause = d.causes.take(e.Service)
	case launcher.Started: // a process that has read the change
		d.causes.take(e.Service)
	}
	text := formatEvent(e, cause)
	if _, ok := e.(launcher.AllReady); ok {
		text = d.scope + ": " + text
	}
	d.journal.Add(e, text)
	d.own.Say(text)
}

// flush waits until everything has been written. stopped is when the services
// were asked to end; zero if they ended on their own.
func (d *display) flush(signals <-chan os.Signal, stopped time.Time) error {
	err := flush(d.out, signals, stopped)
	if d.own != d.out {
		err = errors.Join(err, flush(d.own, signals, stopped))
	}
	return err
}

// flush waits until the services' output has been written. After a stop, or a
// signal that arrives meanwhile, it waits only briefly for a reader that has
// stalled. The signal that stopped the services may arrive twice.
func flush(out *output.Mux, signals <-chan os.Signal, stopped time.Time) error {
	ctx, cancel := context.WithCancel(context.Background())
	var waiting sync.WaitGroup
	defer waiting.Wait()
	defer cancel()
	waiting.Go(func() {
		for {
			select {
			case <-signals:
				if time.Since(stopped) < launcher.EchoTime {
					continue
				}
				cancel()
			case <-ctx.Done():
			}
			return
		}
	})
	if !stopped.IsZero() {
		defer time.AfterFunc(time.Second, cancel).Stop()
	}
	err := out.Close(ctx)
	if errors.Is(err, syscall.EPIPE) || errors.Is(err, context.Canceled) || errors.Is(err, os.ErrDeadlineExceeded) {
		return nil // the reader does not want the rest
	}
	return err
}
