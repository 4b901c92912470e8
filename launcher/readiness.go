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

// PortTakenError reports that a service was not started because its port is in
// use already: its check would pass for the other process.
type PortTakenError struct{ Port int }

func (e *PortTakenError) Error() string {
	return fmt.Sprintf("port %d is already in use", e.Port)
}

// portTaken returns the exit of a process that must not be spawned because its
// check would pass for another process; the zero Exit if its port is free.
func (s *supervisor) portTaken(spec procfile.Process) Exit {
	if kind := spec.Ready.Kind; kind != procfile.TCP && kind != procfile.HTTP && kind != procfile.Healthy || spec.Port == 0 {
		return Exit{}
	}
	ctx, cancel := context.WithTimeout(context.Background(), probe.Timeout)
	defer cancel()
	if s.system.Probe(spec, procfile.Check{Kind: procfile.TCP})(ctx) != nil {
		return Exit{}
	}
	return Exit{Status: 4, Err: &PortTakenError{spec.Port}}
}

// watchReadiness waits until the latest process of a service is ready, and
// sends the supervisor a message. It must be called before the output of the
// process is shown. It ends with stop, or when alive is done.
func (s *supervisor) watchReadiness(alive context.Context, sv service, p child) (stop context.CancelFunc) {
	check, spec := sv.procSpec.Ready, sv.procSpec
	ctx, cancel := context.WithCancel(alive)
	if check.Timeout > 0 {
		ctx, cancel = context.WithTimeout(alive, check.Timeout)
	}
	post := func(m message) {
		m.service, m.generation = spec.Service, sv.generation
		s.post(m)
	}
	fail := func(after time.Duration, seen error) {
		exit := Exit{Status: 1, Err: fmt.Errorf("was not ready within %s: %w", text.Duration(after), cmp.Or(seen, errNoAnswer))}
		post(message{event: event{kind: evReadyTimeout, exit: exit}})
	}
	wait := s.readinessWaiter(spec, p, func(e Event) { post(message{notice: e}) }, fail)
	s.goroutines.Go(func() {
		defer cancel()
		began := time.Now()
		seen, err := wait(ctx)
		if errors.Is(ctx.Err(), context.DeadlineExceeded) && time.Since(began) > check.Timeout+time.Second { // devports was suspended, and so was the check
			last, end := context.WithTimeout(alive, probe.Timeout)
			defer end()
			seen, err = wait(last)
		}
		switch {
		case err == nil && alive.Err() == nil:
			post(message{event: event{kind: evReady}})
		case errors.Is(ctx.Err(), context.DeadlineExceeded):
			fail(check.Timeout, seen)
		}
	})
	return cancel
}

// errNoAnswer stands for the result of a first check that is still running.
var errNoAnswer = errors.New("its check has not finished yet")

// guessTimeout is how long the default check of a service may take if another
// service waits for it.
const guessTimeout = time.Minute

// readinessWaiter returns a function that waits until a process is ready or ctx
// is done; seen is the last failure of the check, nil for none. It calls
// overdue repeatedly once the default check has taken longer than guessTimeout.
func (s *supervisor) readinessWaiter(spec procfile.Process, p child, notify func(Event), overdue func(after time.Duration, seen error)) func(ctx context.Context) (seen, err error) {
	diagnose := func(time.Duration) {}
	switch check := spec.Ready; check.Kind {
	case procfile.Done:
		return waitForExit
	case procfile.Log:
		return waitForMatch(p, check.Arg)
	case procfile.TCP, procfile.HTTP:
		if spec.Container == nil { // else the engine's proxy listens
			diagnose = s.diagnose(spec, p, notify)
		}
	}
	try := s.system.Probe(spec, spec.Ready)
	wrongProtocol := false // has been reported
	return func(ctx context.Context) (seen, err error) {
		err = probe.Until(ctx, try, func(err error, since time.Duration) {
			seen = err
			diagnose(since)
			var https *probe.HTTPSError
			if errors.As(err, &https) && !wrongProtocol {
				wrongProtocol = true
				notify(WrongProtocol{spec.Service, spec.Port})
			}
			if guessed(spec.Ready) && since >= guessTimeout {
				overdue(guessTimeout, seen)
			}
		})
		return seen, err
	}
}

// waitForExit waits until ctx is done. The end of the process is reported
// elsewhere.
func waitForExit(ctx context.Context) (seen, err error) {
	<-ctx.Done()
	return errors.New("it has not finished yet"), ctx.Err()
}

// waitForMatch returns a function that waits until a line of the process's
// output matches.
func waitForMatch(p child, expression string) func(ctx context.Context) (seen, err error) {
	compiled, err := regexp.Compile(expression) // procfile has validated it
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

// diagnoseAfter are the times after which a service that is not ready is
// diagnosed. Only the last one reports that nothing listens.
var diagnoseAfter = []time.Duration{2 * time.Second, 5 * time.Second, 9 * time.Second}

// diagnose returns a function that finds out why a process is slow to become
// ready.
func (s *supervisor) diagnose(spec procfile.Process, p child, notify func(Event)) func(since time.Duration) {
	next := 0
	return func(since time.Duration) {
		if s.options.Listening == nil || next == len(diagnoseAfter) || since < diagnoseAfter[next] {
			return
		}
		next++
		listening := s.options.Listening(p.Members())
		switch ports := foreignPorts(listening, spec.Ports); {
		case slices.Contains(listening, spec.Port):
		case len(ports) > 0:
			next = len(diagnoseAfter)
			notify(WrongPort{spec.Service, spec.Port, ports})
		case next == len(diagnoseAfter):
			notify(NoListener{Service: spec.Service, Port: spec.Port})
		}
	}
}

// InspectorPort is where Node.js listens for debuggers with --inspect.
const InspectorPort = 9229

// foreignPorts returns the ports that are neither a service's own nor for a
// debugger: a server that listens on one of them may ignore PORT.
func foreignPorts(listening, own []int) []int {
	return slices.DeleteFunc(slices.Clone(listening), func(port int) bool {
		return port == InspectorPort || slices.Contains(own, port)
	})
}

// reportNotReady records why a service is not ready, and reports it if another
// service waits or the ports are wrong. It drops an outdated diagnosis.
func (s *supervisor) reportNotReady(sv service, e Event) {
	if sv.phase != running || sv.ready {
		return
	}
	s.processes[sv.spec.Service].finding = e
	s.changed = true
	if noListener, ok := e.(NoListener); ok {
		waiting := s.waitingFor(noListener.Service)
		if len(waiting) == 0 {
			return // nothing waits for it, so it may take as long as it likes
		}
		noListener.On = waiting[0]
		e = noListener
	}
	s.options.Notify(e)
}

// describeNotReady says why a process is not ready, from the diagnosis if there
// is one.
func describeNotReady(spec procfile.Process, finding Event) string {
	switch found := finding.(type) {
	case WrongPort:
		var ports []string
		for _, port := range found.Ports {
			ports = append(ports, strconv.Itoa(port))
		}
		return fmt.Sprintf("ignores PORT: it listens on %s, not %d", text.Join(ports, "and"), spec.Port)
	case WrongProtocol:
		return fmt.Sprintf("expects HTTPS on port %d, but its ready check uses HTTP", spec.Port)
	case NoListener:
		detail := fmt.Sprintf("nothing listens on port %d yet", spec.Port)
		if guessed(spec.Ready) {
			detail += `; if nothing ever will, set port = false or ready = "none"`
		}
		return detail
	}
	switch check := spec.Ready; check.Kind {
	case procfile.HTTP:
		return fmt.Sprintf("%s on port %d has not responded with success yet", check.Arg, spec.Port)
	case procfile.Healthy:
		if port := spec.Container.OwnPort(); port != 0 {
			return fmt.Sprintf("its container is not healthy yet, or does not listen on port %d (container_port)", port)
		}
		return "its container is not healthy yet"
	case procfile.Done:
		return "it has not finished yet"
	case procfile.Log:
		return "no line matches " + check.Arg + " yet"
	case procfile.Exec:
		return check.Arg + " has not succeeded yet"
	}
	return fmt.Sprintf("waiting for port %d", spec.Port)
}
