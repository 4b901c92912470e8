package launcher

import (
	"context"
	"errors"
	"io"
	"slices"
	"time"
)

// ErrNoTerminal says that nobody can type to a service: it does not run, or it
// has no terminal.
var ErrNoTerminal = errors.New("it has no terminal to type to")

// Attachment is a hold on the terminal of one process. The zero Attachment is
// none, and may be closed.
type Attachment struct {
	child child
	run   *Steering
}

// Attach lets the caller type to a service and has what that prints written to
// out as well, as it comes, until [Attachment.Close]. [Options.Size] is asked
// anew at both ends. The error may be an *UnknownServiceError, ErrNoTerminal or
// ErrOver.
func (st *Steering) Attach(ctx context.Context, service string, out io.Writer) (a Attachment, err error) {
	failed := st.ask(ctx, func(s *supervisor) {
		sv, known := s.services[service]
		p := s.childOf(service)
		switch {
		case !known:
			err = &UnknownServiceError{[]string{service}, slices.Clone(s.names)}
		case sv.phase != running || p == nil || p.Terminal() == nil:
			err = ErrNoTerminal
		default:
			a = Attachment{p, st}
			p.Stream().Tap(out)
			s.system.Attached(true)
			s.resize() // a program that has drawn a prompt or a screen draws it again
		}
	})
	return a, errors.Join(failed, err)
}

// takingTime is how long a process may take to read what is typed.
const takingTime = 100 * time.Millisecond

// Write types, and returns how much of that the terminal takes: if the process
// does not read the rest soon, the error is os.ErrDeadlineExceeded. It fails when
// the process has ended.
func (a Attachment) Write(keys []byte) (int, error) {
	terminal := a.child.Terminal()
	_ = terminal.SetWriteDeadline(time.Now().Add(takingTime))
	return terminal.Write(keys)
}

// Done is closed when all that the process has printed has been written.
func (a Attachment) Done() <-chan struct{} { return a.child.Stream().Done() }

// Close lets go of the process, which notices nothing but its terminal's size.
func (a Attachment) Close() {
	if a.child == nil {
		return
	}
	a.child.Stream().Tap(nil)
	_ = a.run.ask(context.Background(), func(s *supervisor) { // unless the run is over
		s.system.Attached(false)
		s.resize()
	})
}

// Outside starts a program that is not the run's: it outlives that.
func (st *Steering) Outside(ctx context.Context, argv ...string) (err error) {
	failed := st.ask(ctx, func(s *supervisor) { err = s.system.StartOutside(argv) })
	return errors.Join(failed, err)
}
