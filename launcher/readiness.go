package launcher

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"time"

	"github.com/devports/devports/launcher/probe"
	"github.com/devports/devports/launcher/proctree"
	"github.com/devports/devports/procfile"
)

// PortTakenError says that a service was not started because something answers
// on its port already: it would pass for the service.
type PortTakenError struct{ Port int }

func (e *PortTakenError) Error() string {
	return fmt.Sprintf("something listens on its port %d already", e.Port)
}

// taken is the exit of a process that is not to be made, because its check would
// find another; the zero Exit if nothing is in its way.
func taken(spec procfile.Process) Exit {
	if how := spec.Ready.How; how != procfile.TCP && how != procfile.HTTP {
		return Exit{}
	}
	ctx, cancel := context.WithTimeout(context.Background(), probe.Patience)
	defer cancel()
	if probe.TCP(spec.Port)(ctx) != nil {
		return Exit{}
	}
	return Exit{Status: 4, Err: &PortTakenError{spec.Port}}
}

// retries reports whether a process that ended like that is started again.
func retries(r procfile.Restart, exit Exit) bool {
	return r == procfile.RestartAlways || r == procfile.RestartOnFailure && exit.Status != 0
}

// watchReadiness looks whether the latest process of a service is ready, and
// tells the supervisor. It must be called before the output of the process is
// shown. stop ends it, as does the end of lives.
func (s *supervisor) watchReadiness(lives context.Context, sv *managed) (stop func()) {
	check, spec, spawned, p := sv.made.Ready, sv.made, sv.spawned, sv.process
	ctx, cancel := context.WithCancel(lives)
	if check.Timeout > 0 {
		ctx, cancel = context.WithTimeout(lives, check.Timeout)
	}
	tell := func(m message) {
		m.service, m.spawned = spec.Service, spawned
		s.post(m)
	}
	wait := s.waiter(spec, p, func(e Event) { tell(message{news: e}) })
	go func() {
		defer cancel()
		seen, err := wait(ctx)
		switch {
		case err == nil && lives.Err() == nil:
			tell(message{event: evReady})
		case errors.Is(ctx.Err(), context.DeadlineExceeded):
			tell(message{event: evUnready, exit: Exit{Status: 1, Err: fmt.Errorf("was not ready within %v: %w", check.Timeout, seen)}})
		}
	}()
	return cancel
}

// waiter makes the function that waits until a process is ready or ctx is done;
// seen is then what it saw last.
func (s *supervisor) waiter(spec procfile.Process, p *process, tell func(Event)) func(ctx context.Context) (seen, err error) {
	var try probe.Try
	late := func(time.Duration) {}
	switch check := spec.Ready; check.How {
	case procfile.Done:
		return lasting
	case procfile.Log:
		return matching(p, check.What)
	case procfile.HTTP:
		try, late = probe.HTTP(spec.Port, check.What), s.detective(spec, p, tell)
	case procfile.Exec:
		try = s.family.try(spec, check.What)
	default:
		try, late = probe.TCP(spec.Port), s.detective(spec, p, tell)
	}
	return func(ctx context.Context) (seen, err error) {
		err = probe.Until(ctx, try, func(err error, since time.Duration) {
			seen = err
			late(since)
		})
		return seen, err
	}
}

// lasting waits for as long as a process lives: its end is told otherwise.
func lasting(ctx context.Context) (seen, err error) {
	<-ctx.Done()
	return errors.New("it has not done its work yet"), ctx.Err()
}

// matching waits for a line of a process that matches.
func matching(p *process, expression string) func(ctx context.Context) (seen, err error) {
	compiled, err := regexp.Compile(expression) // which procfile has done before
	if err != nil {
		return func(context.Context) (seen, _ error) { return err, err }
	}
	matched := p.stream.Match(compiled)
	return func(ctx context.Context) (seen, err error) {
		select {
		case <-matched:
			return nil, nil
		case <-ctx.Done():
			return fmt.Errorf("no line matches %s", expression), ctx.Err()
		}
	}
}

// suspicious are the times after which a service that is not ready is looked
// into, the last of them even if it does nothing at all.
var suspicious = []time.Duration{2 * time.Second, 5 * time.Second, 9 * time.Second}

// detective finds out why a process is not ready, once it has taken long.
func (s *supervisor) detective(spec procfile.Process, p *process, tell func(Event)) func(since time.Duration) {
	next := 0
	return func(since time.Duration) {
		if s.options.Listening == nil || next == len(suspicious) || since < suspicious[next] {
			return
		}
		next++
		switch ports := s.options.Listening(p.members()); {
		case slices.Contains(ports, spec.Port):
		case len(ports) > 0:
			next = len(suspicious)
			tell(WrongPort{spec.Service, spec.Port, ports})
		case next == len(suspicious):
			tell(NoListener{Service: spec.Service, Port: spec.Port})
		}
	}
}

// tellNews tells what was found out about a service, unless it is out of date.
func (s *supervisor) tellNews(sv *managed, e Event) {
	if sv.phase != running || sv.ready {
		return
	}
	if silent, ok := e.(NoListener); ok {
		waiting := s.waitingFor(silent.Service)
		if len(waiting) == 0 {
			return // then it may do as it likes
		}
		silent.On = waiting[0]
		e = silent
	}
	s.options.Notify(e)
}

// try is a Try that succeeds when a command does, in the directory and
// environment of a process.
func (f *family) try(spec procfile.Process, command string) probe.Try {
	return func(ctx context.Context) error {
		null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
		if err != nil {
			return err
		}
		defer null.Close()
		check := procfile.Process{Service: spec.Service, Shell: command}
		argv := shell(command)
		path, err := LookPath(argv[0], spec.Dir, spec.Env)
		if err != nil {
			return err
		}
		g, exit, err := f.start(spec.Service, path, argv, &os.ProcAttr{
			Dir: spec.Dir, Env: f.environ(spec.Env), Files: []*os.File{null, null, null}, Sys: processAttributes(check, false),
		})
		if err != nil {
			return err
		}
		defer g.discard()
		select {
		case e := <-exit:
			if e.Status != 0 {
				return fmt.Errorf("%s %v", command, e)
			}
			return nil
		case <-ctx.Done():
			g.kill()
			<-exit
			return ctx.Err()
		}
	}
}

// unready says what a process that is not ready lacks.
func unready(spec procfile.Process) string {
	switch check := spec.Ready; {
	case check.How == procfile.HTTP:
		return fmt.Sprintf("%s does not answer well on port %d yet", check.What, spec.Port)
	case check.How == procfile.Done:
		return "it has not done its work yet"
	case check.How == procfile.Log:
		return "no line matches " + check.What + " yet"
	case check.How == procfile.Exec:
		return check.What + " has not succeeded yet"
	case check.Timeout == 0:
		return fmt.Sprintf(`nothing listens on port %d yet; if nothing ever will, say port = false or ready = "none"`, spec.Port)
	}
	return fmt.Sprintf("nothing listens on port %d yet", spec.Port)
}

// members are the pids of all that a process has started, its own included.
func (p *process) members() []int {
	tree, err := proctree.Snapshot()
	if err != nil {
		return []int{p.pid}
	}
	pids := []int{p.pid}
	for _, m := range tree.Where(func(m proctree.Process) bool { return m.Group == p.pid || m.Session == p.pid }) {
		pids = append(pids, m.PID)
	}
	strays, _ := p.family.straysIn(tree, p.service)
	for _, m := range append(tree.Below(pids...), strays...) {
		pids = append(pids, m.PID)
	}
	slices.Sort(pids)
	return slices.Compact(pids)
}
