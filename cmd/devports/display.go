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

// display is what a run shows: to whoever looks at it now, and to those who ask
// for it from another terminal.
type display struct {
	scope    string      // what the run is called
	out, own *output.Mux // where services print, and where devports does
	tail     output.Tail
	journal  control.Journal
}

// console takes over the terminal for a live view; nil where there is to be none.
func (s session) console(o upOptions, size func() terminal.Size) *view.Console {
	term, ci := s.getenv("TERM"), s.getenv("CI")
	if o.Plain || o.Raw || term == "" || term == "dumb" || ci != "" && ci != "false" && ci != "0" {
		return nil
	}
	return view.Open(fileOf(s.stdin), fileOf(s.stdout), size)
}

// display shows a run, which the recorder records, on a console, if there is one,
// else as s prints. With raw
// a terminal gets what services print as it is.
func (s session) display(style output.Style, raw bool, plan procfile.Plan, on *view.Console, recorder *logstore.Recorder) *display {
	out, printable := streamTo(s.stdout, raw, on)
	style.Printable = printable
	d := &display{out: output.New(out, style, names(plan)...)}
	d.out.Keep(&d.tail)
	recordIn(recorder, d.out)
	d.own = d.out
	if style.NoPrefix {
		own, printable := streamTo(s.stderr, false, on)
		d.own = output.New(own, output.Style{Timestamps: style.Timestamps, Printable: printable})
		recordIn(recorder, d.own)
	}
	return d
}

// streamTo is where to write a stream that is meant for w, and whether it has to
// be printable: on a terminal, unless its user wants it raw.
func streamTo(w io.Writer, raw bool, on *view.Console) (to io.Writer, printable bool) {
	tty, ok := w.(ttyWriter)
	switch {
	case !ok:
		return w, false
	case on.Shows(tty.file):
		return on.Writer(), true
	case raw:
		return tty.file, false
	}
	return tty.Stream(), true
}

// names are those of the services of a plan.
func names(plan procfile.Plan) (names []string) {
	for _, p := range plan.Services {
		names = append(names, p.Service)
	}
	return names
}

// tell shows an event.
func (d *display) tell(e launcher.Event) {
	text := tell(e)
	if _, ok := e.(launcher.AllReady); ok {
		text = d.scope + ": " + text
	}
	d.journal.Add(e, text)
	d.own.Say(text)
}

// flush waits until everything has been written. stopped is when the services
// were asked to end; zero if they ended by themselves.
func (d *display) flush(signals <-chan os.Signal, stopped time.Time) error {
	err := flush(d.out, signals, stopped)
	if d.own != d.out {
		err = errors.Join(err, flush(d.own, signals, stopped))
	}
	return err
}

// flush waits until what the services have printed is written. When they have
// been stopped, or somebody wants them stopped now, nobody waits long for a
// reader that has stalled. The signal that stopped them may come twice.
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
		return nil // nobody wants to read the rest
	}
	return err
}
