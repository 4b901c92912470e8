package view

import (
	"context"
	"errors"
	"math"
	"os"
	"runtime"

	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/output"
)

// press does what a key asks for.
func (l *loop) press(key string) { l.apply(l.model.press(key)) }

// apply makes next the model, and does what the change of the model asks for.
func (l *loop) apply(next model, do command) {
	l.model = next
	run, out := l.options.Run, l.options.Output
	switch do {
	case cmdInterrupt:
		l.options.Interrupt()
	case cmdFilter:
		l.filter()
	case cmdFilterSoon:
		l.picked.Reset(debounceDelay)
	case cmdPause:
		l.pausedAt = out.SetFilter(next.filter(), output.Replay{})
	case cmdResume:
		out.SetFilter(next.filter(), output.Replay{Since: l.pausedAt, Last: math.MaxInt})
	case cmdRestart:
		l.steer(run.Restart)
	case cmdRestartDependents:
		l.steer(func(ctx context.Context, names ...string) error {
			return run.Restart(ctx, append(names, launcher.Dependents(next.services, names...)...)...)
		})
	case cmdToggle:
		if st := next.status(); st.Ended() || st.State == launcher.StateBackoff {
			l.steer(run.Start)
		} else {
			l.steer(run.Stop)
		}
	case cmdOpen:
		l.open()
	case cmdAttach:
		l.attach()
	case cmdRedraw:
		l.console.screen.Redraw(true)
	}
}

// filter has the stream show what the model says, after as much of what there
// has been as fits the screen. A stream that is paused stays so.
func (l *loop) filter() {
	l.picked.Stop()
	if !l.model.paused {
		size := l.console.size()
		l.options.Output.SetFilter(l.model.filter(), output.Replay{Head: l.model.seen(), Last: size.Rows - size.Rows/3})
	}
}

// steer asks for something to be done with the targeted service.
func (l *loop) steer(ask func(context.Context, ...string) error) {
	if err := ask(l.context, l.model.target()); err != nil {
		l.model.notice = explain(l.model.target(), err)
	}
}

// explain says why a service could not be steered.
func explain(service string, err error) string {
	var unknown *launcher.UnknownServiceError
	switch {
	case errors.As(err, &unknown):
		return service + " is not declared any more"
	case errors.Is(err, launcher.ErrEnded):
		return "everything is ending"
	}
	return service + ": " + err.Error()
}

// open shows the targeted service in the user's browser.
func (l *loop) open() {
	url := address(l.model.status())
	if url == "" {
		l.model.notice = l.model.target() + " has no port"
		return
	}
	if err := l.options.Run.StartOutside(l.context, append(browser(), url)...); err != nil {
		l.model.notice = "no browser could be started: open " + url
	}
}

// browser is the command that opens the URL that follows it.
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
