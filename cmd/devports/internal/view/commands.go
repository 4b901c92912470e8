package view

import (
	"context"
	"errors"
	"math"
	"strings"
	"time"

	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/output"
)

// press handles a key.
func (l *loop) press(key string) {
	l.model.size = l.console.size()
	l.apply(l.model.press(key))
}

// apply makes next the model, and executes the command that comes with it.
func (l *loop) apply(next model, do command) {
	l.model = next
	run, out := l.options.Run, l.options.Output
	switch do {
	case cmdInterrupt:
		l.options.Interrupt()
	case cmdAsk:
		l.asked.Reset(askDelay)
	case cmdLeave:
		l.options.Leave()
	case cmdFilter:
		l.filter()
	case cmdFilterSoon:
		l.picked.Reset(debounceDelay)
	case cmdPause:
		l.pausedAt = out.SetFilter(next.filter(), output.Replay{})
	case cmdResume:
		out.SetFilter(next.filter(), output.Replay{Since: l.pausedAt, Last: math.MaxInt})
	case cmdRestart:
		l.request(run.Restart)
	case cmdRestartDependents:
		l.request(func(ctx context.Context, names ...string) error {
			return run.Restart(ctx, append(names, launcher.Dependents(next.services, names...)...)...)
		})
	case cmdToggle:
		if st := next.status(); st.Ended() || st.State == launcher.StateBackoff {
			l.request(run.Start)
		} else {
			l.request(run.Stop)
		}
	case cmdOpen:
		l.open()
	case cmdAttach:
		l.attach()
	case cmdInspect:
		l.inspectTarget()
	case cmdPage:
		l.page()
	case cmdRedraw:
		l.console.screen.Redraw(true)
	}
}

// filter applies the model's filter to the stream, and replays as many lines as
// fit the screen. A paused stream stays paused.
func (l *loop) filter() {
	l.picked.Stop()
	if !l.model.paused {
		l.options.Output.SetFilter(l.model.filter(), output.Replay{Head: l.model.shown(), Last: l.console.Rows()})
		if name := l.model.picked; name != "" && l.options.Last != nil && !l.options.Output.Keeps(name) {
			l.recall(name)
		}
	}
}

// recall shows the last recorded lines of the picked service: the output of others
// has replaced them in memory.
func (l *loop) recall(name string) {
	rows := l.console.Rows()
	l.start(func() func(*loop) {
		lines, _ := l.options.Last(l.context, name, rows) // key l shows the error
		return func(l *loop) {
			if l.model.picked == name {
				l.options.Output.Replay(lines)
			}
		}
	})
}

// request sends a request about the targeted service to the run. It may take a
// while: the run applies earlier edits of its files first.
func (l *loop) request(send func(context.Context, ...string) error) {
	name := l.model.target()
	l.start(func() func(*loop) {
		err := send(l.context, name)
		return func(l *loop) {
			if err != nil {
				l.model.notice = describe(name, err)
			}
		}
	})
}

// start runs a task in a goroutine of its own, and what it returns in that of the
// loop.
func (l *loop) start(task func() func(*loop)) {
	l.tasks.Go(func() {
		done := task()
		select {
		case l.results <- done:
		case <-l.context.Done():
		}
	})
}

// inspectTarget inspects the service in the panel, and again after
// inspectDelay.
func (l *loop) inspectTarget() {
	name := l.model.target()
	l.inspect.Stop()
	if l.model.panel == panelNone || name == "" {
		return
	}
	l.start(func() func(*loop) {
		d, err := l.options.Run.Inspect(l.context, name)
		return func(l *loop) {
			switch {
			case err != nil && name == l.model.target():
				l.model.panel, l.model.notice = panelNone, describe(name, err)
			case err == nil:
				l.model = l.model.inspected(d)
			}
			l.inspect.Reset(inspectDelay)
		}
	})
}

// describe formats the error of a request about a service.
func describe(service string, err error) string {
	var unknown *launcher.UnknownServiceError
	switch {
	case errors.As(err, &unknown):
		return service + " is no longer declared"
	case errors.Is(err, launcher.ErrEnded):
		return "stopping"
	}
	return service + ": " + err.Error()
}

// open opens the targeted service in the user's browser.
func (l *loop) open() {
	url := l.model.status().Address
	switch {
	case url == "" && l.model.status().Port > 0:
		l.model.notice = l.model.target() + " does not listen on its port yet"
		return
	case url == "":
		l.model.notice = l.model.target() + " has no port"
		return
	case !strings.HasPrefix(url, "http://"):
		l.model.notice = l.model.target() + " does not use HTTP"
		return
	}
	const failed = "cannot start a browser: open "
	exited, err := l.options.Run.StartOutside(l.context, Browser(url)...)
	if err != nil {
		l.model.notice = failed + url
		return
	}
	l.start(func() func(*loop) {
		select {
		case exit := <-exited:
			if exit.Status != 0 {
				return func(l *loop) { l.model.notice = failed + url }
			}
		case <-time.After(browserStart): // it is the browser itself
		case <-l.context.Done():
		}
		return func(*loop) {}
	})
}

// browserStart is how long the command that opens a browser may take to fail:
// xdg-open tries several.
const browserStart = 10 * time.Second
