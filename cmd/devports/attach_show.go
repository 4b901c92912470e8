package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"time"

	"github.com/devports/devports/cmd/devports/internal/view"
	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/control"
	"github.com/devports/devports/launcher/output"
	"github.com/devports/devports/launcher/palette"
	"github.com/devports/devports/launcher/system"
	"github.com/devports/devports/launcher/terminal"
)

// viewEnd is how an attached view has ended.
type viewEnd int

const (
	leftRun  viewEnd = iota // the user has left, and the run continues
	runEnded                // the run has ended, or was killed
)

// show shows the run until the user leaves, the terminal is gone, or the run ends.
func (a attached) show(ctx context.Context, color bool, window func() terminal.Size) viewEnd {
	var colors *palette.Palette
	style := output.Style{Printable: true, NameWidth: nameWidth(window)}
	if color {
		p := a.session.palette()
		colors, style.Colors = &p, p.Names
	}
	defer a.console.Close()
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, stopSignals()...)
	defer signal.Stop(signals)
	left := make(chan struct{})
	leave := sync.OnceFunc(func() { close(left) })

	out := output.New(a.console.Writer(), style, statusNames(a.remote.Info().Services)...)
	out.Keep(new(output.Tail))
	out.SetFilter(output.Filter{Nothing: true}, output.Replay{}) // until all earlier output is here
	copied := a.copyOutput(ctx, out)
	defer copied.end()
	select {
	case <-copied.current:
	case <-copied.done:
	case <-time.After(replayTimeout):
	case <-signals:
		return leftRun
	}
	local := a.openSystem()
	defer local.Close()
	out.SetFilter(output.Filter{Service: a.service}, output.Replay{
		Head: fmt.Sprintf("attached to %s: d leaves it running, ? lists the keys", a.scope), Last: a.console.Rows(),
	})
	live := a.console.Show(view.Options{
		Title: a.scope.String(), Run: attachedRun{a.remote, local}, Output: out, Colors: colors, Pick: a.service,
		Log: a.log(), Last: a.last(), Interrupt: a.interrupt(), Leave: leave,
	})
	defer live.Close()
	defer a.forwardWarnings(live)()
	select {
	case <-left:
	case <-signals:
	case <-out.Failed(): // the terminal is gone
	case <-a.remote.Ended():
		select {
		case <-copied.done:
		case <-time.After(replayTimeout): // a stalled terminal
		}
		return runEnded
	}
	return leftRun
}

// forwardWarnings shows the run's warnings in the view, until stop is called.
func (a attached) forwardWarnings(live *view.View) (stop func()) {
	changed, ignore := a.remote.Watch()
	ended, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for shown := ""; ; {
			select {
			case <-changed:
			case <-ended:
				return
			}
			if text := a.remote.Info().Warning; text != shown {
				live.Warn(text)
				shown = text
			}
		}
	}()
	return func() {
		ignore()
		close(ended)
		<-done
	}
}

// log returns the function for the view's logs; nil if the run is not recorded.
func (a attached) log() func(ctx context.Context, service string, to io.Writer) error {
	store, err := a.session.logStore()
	if err != nil {
		return nil
	}
	statuses := func(context.Context) ([]launcher.Status, error) { return a.remote.Info().Services, nil }
	return viewLog(store, a.instance.Name(), a.instance.Client().AwaitRecorded, statuses)
}

// last returns the function for the last recorded lines; nil if the run is not
// recorded.
func (a attached) last() func(ctx context.Context, service string, n int) ([]output.Line, error) {
	store, err := a.session.logStore()
	if err != nil {
		return nil
	}
	return viewLast(store, a.instance.Name(), a.instance.Client().AwaitRecorded)
}

// replayTimeout is how long to wait for earlier output.
const replayTimeout = time.Second

// openSystem prepares for the programs that the view starts, and for the end of
// this process by SIGKILL, after which the terminal must be restored.
func (a attached) openSystem() *system.System {
	return system.Open(system.Options{
		ID: rand.Text(), Terminal: os.Stdin, State: a.console.Found(),
		LeftRunning: func(launcher.Orphan) {}, Watchdog: func(error) {},
	})
}

// interrupt returns a function that ends the run, and kills it when it is called
// again.
func (a attached) interrupt() func() {
	requests := 0
	return func() {
		requests++
		ending := requests > 1
		go func() { // the view shows what becomes of it
			if ending {
				_ = a.instance.Terminate()
				return
			}
			ctx, cancel := context.WithTimeout(context.Background(), endTimeout)
			defer cancel()
			if err := a.instance.Client().Down(ctx); errors.As(err, new(*control.UnreachableError)) {
				_ = a.instance.Terminate()
			}
		}()
	}
}

// outputCopy copies the output of a run.
type outputCopy struct {
	current chan struct{} // closed when all earlier output has been copied
	done    chan struct{} // closed at the end of the output
	cancel  context.CancelFunc
}

// end ends the copying. It does not wait for a stalled terminal.
func (c outputCopy) end() { c.cancel() }

// copyOutput copies the output of the run. The run never waits for it.
func (a attached) copyOutput(ctx context.Context, out *output.Mux) outputCopy {
	ctx, cancel := context.WithCancel(ctx)
	c := outputCopy{make(chan struct{}), make(chan struct{}), cancel}
	relays := map[string]*output.Relay{}
	go func() {
		defer close(c.done)
		_ = a.instance.Client().Output(ctx, func(e control.OutputEntry) error {
			switch {
			case e.Current:
				close(c.current)
			case e.Missed > 0:
				out.Missed(control.DescribeMissed(e.Missed))
			default:
				r := relays[e.Service]
				if r == nil {
					r = out.Relay(e.Service)
					relays[e.Service] = r
				}
				r.Write(e.Text)
			}
			return nil
		})
	}()
	return c
}

// attachedRun is the run for the view. What the view starts on this machine does
// not belong to the run.
type attachedRun struct {
	*control.Remote
	local *system.System
}

func (r attachedRun) StartOutside(_ context.Context, argv ...string) (<-chan launcher.Exit, error) {
	return r.local.StartOutside(argv)
}

func (r attachedRun) Attach(ctx context.Context, service string, o launcher.AttachOptions) (launcher.Attachment, error) {
	r.local.SetAttached(o.OnTerminal)
	return r.Remote.Attach(ctx, service, o)
}
