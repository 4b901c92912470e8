package launcher

import (
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"time"
)

// ErrNoTerminal says that nobody can type to a service: it does not run, or it
// has no terminal.
var ErrNoTerminal = errors.New("it has no terminal to type to")

// Attachment is a hold on the terminal of one process. The zero Attachment is
// none, and may be closed.
type Attachment struct {
	process *process
	run     *Steering
}

// Attach lets the caller type to a service and has what that prints written to
// out as well, as it comes, until [Attachment.Close]. [Options.Size] is asked
// anew at both ends. The error may be an *UnknownServiceError, ErrNoTerminal or
// ErrOver.
func (st *Steering) Attach(ctx context.Context, service string, out io.Writer) (a Attachment, err error) {
	failed := st.ask(ctx, func(s *supervisor) {
		sv := s.services[service]
		switch {
		case sv == nil:
			err = &UnknownServiceError{[]string{service}, slices.Clone(s.names)}
		case sv.phase != running || sv.process == nil || !sv.process.pty:
			err = ErrNoTerminal
		default:
			a = Attachment{sv.process, st}
			sv.process.stream.Tap(out)
			s.family.watchdog.attached(true)
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
	_ = a.process.source.SetWriteDeadline(time.Now().Add(takingTime))
	return a.process.source.Write(keys)
}

// Done is closed when all that the process has printed has been written.
func (a Attachment) Done() <-chan struct{} { return a.process.stream.Done() }

// Close lets go of the process, which notices nothing but its terminal's size.
func (a Attachment) Close() {
	if a.process == nil {
		return
	}
	a.process.stream.Tap(nil)
	_ = a.run.ask(context.Background(), func(s *supervisor) { // unless the run is over
		s.family.watchdog.attached(false)
		s.resize()
	})
}

// Outside starts a program that is not the run's: it outlives that.
func (st *Steering) Outside(ctx context.Context, argv ...string) (err error) {
	path, err := LookPath(argv[0], "", os.Environ())
	if err != nil {
		return err
	}
	failed := st.ask(ctx, func(s *supervisor) { err = s.family.startOutside(path, argv) })
	return errors.Join(failed, err)
}
