package launcher

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/devports/devports/allocator/text"
	"github.com/devports/devports/launcher/probe"
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
func (s *supervisor) taken(spec procfile.Process) Exit {
	if how := spec.Ready.Kind; how != procfile.TCP && how != procfile.HTTP {
		return Exit{}
	}
	ctx, cancel := context.WithTimeout(context.Background(), probe.Timeout)
	defer cancel()
	if s.system.Probe(spec, procfile.Check{Kind: procfile.TCP})(ctx) != nil {
		return Exit{}
	}
	return Exit{Status: 4, Err: &PortTakenError{spec.Port}}
}

// watchReadiness waits until the latest process of a service is ready, and sends
// the supervisor a message. It must be called before the output of the process
// is shown. stop ends it, as does the end of lives.
func (s *supervisor) watchReadiness(lives context.Context, sv service, p child) (stop context.CancelFunc) {
	check, spec := sv.made.Ready, sv.made
	ctx, cancel := context.WithCancel(lives)
	if check.Timeout > 0 {
		ctx, cancel = context.WithTimeout(lives, check.Timeout)
	}
	post := func(m message) {
		m.service, m.spawned = spec.Service, sv.spawned
		s.post(m)
	}
	fail := func(after time.Duration, seen error) {
		exit := Exit{Status: 1, Err: fmt.Errorf("was not ready within %v: %w", after, cmp.Or(seen, errNoAnswer))}
		post(message{event: event{kind: evUnready, exit: exit}})
	}
	wait := s.waiter(spec, p, func(e Event) { post(message{news: e}) }, fail)
	s.goroutines.Go(func() {
		defer cancel()
		seen, err := wait(ctx)
		switch {
		case err == nil && lives.Err() == nil:
			post(message{event: event{kind: evReady}})
		case errors.Is(ctx.Err(), context.DeadlineExceeded):
			fail(check.Timeout, seen)
		}
	})
	return cancel
}

// errNoAnswer is what has been seen of a service whose first check still runs.
var errNoAnswer = errors.New("its check has not answered yet")

// guessTimeout is how long a check that no Portfile names may take where another
// service waits for it.
const guessTimeout = time.Minute

// waiter makes the function that waits until a process is ready or ctx is done;
// seen is then what it saw last, nil for nothing. overdue is called, again and
// again, once a guessed check has taken longer than it may if another service
// waits.
func (s *supervisor) waiter(spec procfile.Process, p child, tell func(Event), overdue func(after time.Duration, seen error)) func(ctx context.Context) (seen, err error) {
	diagnose := func(time.Duration) {}
	switch check := spec.Ready; check.Kind {
	case procfile.Done:
		return lasting
	case procfile.Log:
		return matching(p, check.Arg)
	case procfile.TCP, procfile.HTTP:
		diagnose = s.diagnose(spec, p, tell)
	}
	try := s.system.Probe(spec, spec.Ready)
	wrongProtocol := false // is known
	return func(ctx context.Context) (seen, err error) {
		err = probe.Until(ctx, try, func(err error, since time.Duration) {
			seen = err
			diagnose(since)
			var https *probe.HTTPSError
			if errors.As(err, &https) && !wrongProtocol {
				wrongProtocol = true
				tell(WrongProtocol{spec.Service, spec.Port})
			}
			if guessed(spec.Ready) && since >= guessTimeout {
				overdue(guessTimeout, seen)
			}
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
func matching(p child, expression string) func(ctx context.Context) (seen, err error) {
	compiled, err := regexp.Compile(expression) // which procfile has done before
	if err != nil {
		return func(context.Context) (seen, _ error) { return err, err }
	}
	matched := p.Stream().Match(compiled)
	return func(ctx context.Context) (seen, err error) {
		select {
		case <-matched:
			return nil, nil
		case <-ctx.Done():
			return fmt.Errorf("no line matches %s", expression), ctx.Err()
		}
	}
}

// diagnoseAfter are the times after which a service that is not ready is looked
// into, the last of them even if it does nothing at all.
var diagnoseAfter = []time.Duration{2 * time.Second, 5 * time.Second, 9 * time.Second}

// diagnose finds out why a process is not ready, once it has taken long.
func (s *supervisor) diagnose(spec procfile.Process, p child, tell func(Event)) func(since time.Duration) {
	next := 0
	return func(since time.Duration) {
		if s.options.Listening == nil || next == len(diagnoseAfter) || since < diagnoseAfter[next] {
			return
		}
		next++
		switch ports := s.options.Listening(p.Members()); {
		case slices.Contains(ports, spec.Port):
		case len(ports) > 0:
			next = len(diagnoseAfter)
			tell(WrongPort{spec.Service, spec.Port, ports})
		case next == len(diagnoseAfter):
			tell(NoListener{Service: spec.Service, Port: spec.Port})
		}
	}
}

// report notes why a service is not ready, and notifies of it where that
// matters, unless it is out of date.
func (s *supervisor) report(sv service, e Event) {
	if sv.phase != running || sv.ready {
		return
	}
	s.attempts[sv.spec.Service].finding = e
	s.changed = true
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

// unready says what a process that is not ready lacks, by what has been found
// out about it, if anything.
func unready(spec procfile.Process, finding Event) string {
	switch found := finding.(type) {
	case WrongPort:
		var ports []string
		for _, port := range found.Ports {
			ports = append(ports, strconv.Itoa(port))
		}
		return fmt.Sprintf("listens on %s, not on its PORT %d", text.Join(ports, "and"), spec.Port)
	case WrongProtocol:
		return fmt.Sprintf("expects HTTPS on port %d, but its check asks over HTTP", spec.Port)
	case NoListener:
		missing := fmt.Sprintf("nothing listens on port %d yet", spec.Port)
		if guessed(spec.Ready) {
			missing += `; if nothing ever will, say port = false or ready = "none"`
		}
		return missing
	}
	switch check := spec.Ready; check.Kind {
	case procfile.HTTP:
		return fmt.Sprintf("%s does not answer well on port %d yet", check.Arg, spec.Port)
	case procfile.Done:
		return "it has not done its work yet"
	case procfile.Log:
		return "no line matches " + check.Arg + " yet"
	case procfile.Exec:
		return check.Arg + " has not succeeded yet"
	}
	return fmt.Sprintf("waiting for port %d", spec.Port)
}
