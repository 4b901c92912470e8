package main

import (
	"context"
	"errors"
	"os"
	"syscall"
	"time"

	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/control"
	"github.com/devports/devports/launcher/output"
	"github.com/devports/devports/procfile"
)

// display is what a run shows: to whoever looks at it now, and to those who ask
// for it from another terminal.
type display struct {
	out, own *output.Mux // where services print, and where devports does
	tail     output.Tail
	journal  control.Journal
}

// display shows a run on a console, if there is one, else as s prints.
func (s session) display(style output.Style, plan procfile.Plan, on *console) *display {
	style.Printable = on != nil
	d := &display{out: output.New(on.writer(s.stdout), style, names(plan)...)}
	d.out.Keep(&d.tail)
	d.own = d.out
	if style.NoPrefix {
		d.own = output.New(on.writer(s.stderr), output.Style{Timestamps: style.Timestamps})
	}
	return d
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
	defer cancel()
	go func() {
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
	}()
	if !stopped.IsZero() {
		defer time.AfterFunc(time.Second, cancel).Stop()
	}
	err := out.Close(ctx)
	if errors.Is(err, syscall.EPIPE) || errors.Is(err, context.Canceled) || errors.Is(err, os.ErrDeadlineExceeded) {
		return nil // nobody wants to read the rest
	}
	return err
}
