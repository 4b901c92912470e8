package launcher

import (
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"sync"
	"time"
)

// ErrNoTerminal says that nobody can type to a service: it does not run, or it
// has no terminal.
var ErrNoTerminal = errors.New("it has no terminal to type to")

// Attachment is a hold on the terminal of a service, whichever process it has.
// The zero Attachment is none, and may be closed.
type Attachment struct {
	session    *session
	controller *Controller
}

// hold is what an Attachment knows of the service. The supervisor gives it each
// new process, and ends it with the service.
type session struct {
	service  string
	out      io.Writer
	head     string        // written before the output of a new process
	restarts chan struct{} // has a value when a process has ended that is to be followed by another
	done     chan struct{} // closed when no other will follow

	mu     sync.Mutex // guards what follows
	child  child      // nil between two processes
	tapped []child    // those whose output goes to out
	closed bool       // out is not written to any more
}

// Attach lets the caller type to a service and has what that prints written to
// out as well, as it comes, until [Attachment.Close]. When the service is
// restarted, that goes on with its next process, whose output follows head.
// [Options.Size] is asked anew at both ends. The error may be an
// *UnknownServiceError, ErrNoTerminal or ErrOver.
func (st *Controller) Attach(ctx context.Context, service string, out io.Writer, head string) (a Attachment, err error) {
	failed := st.ask(ctx, func(s *supervisor) {
		sv, known := s.services[service]
		p := s.childOf(service)
		switch {
		case !known:
			err = &UnknownServiceError{[]string{service}, slices.Clone(s.names)}
		case sv.phase != running || p == nil || p.Terminal() == nil:
			err = ErrNoTerminal
		default:
			h := &session{service: service, out: out, restarts: make(chan struct{}, 1), done: make(chan struct{})}
			h.use(p)
			h.head = head
			s.sessions = append(s.sessions, h)
			a = Attachment{h, st}
			s.system.SetAttached(true)
			s.resize() // a program that has drawn a prompt or a screen draws it again
		}
	})
	return a, errors.Join(failed, err)
}

// take goes on with a process that has been made, before its output is copied.
func (h *session) use(p child) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed || p.Terminal() == nil {
		return
	}
	h.child = p
	h.tapped = append(slices.DeleteFunc(h.tapped, func(p child) bool {
		select {
		case <-p.Stream().Done():
			return true
		default:
			return false
		}
	}), p)
	if h.head == "" {
		p.Stream().Tap(h.out)
	} else {
		p.Stream().Tap(&headWriter{h.head, h.out})
	}
}

// headed writes head before the first that is written to out.
type headWriter struct {
	head string
	out  io.Writer
}

func (w *headWriter) Write(text []byte) (int, error) {
	if w.head != "" {
		_, _ = io.WriteString(w.out, w.head)
		w.head = ""
	}
	return w.out.Write(text)
}

// handOver gives those who type to a service its new process.
func (s *supervisor) attachProcess(service string, p child) {
	for _, h := range s.sessions {
		if h.service == service {
			h.use(p)
		}
	}
}

// letGo has those who type to a service know that its process has ended, and
// whether it is over: no other will follow.
func (s *supervisor) detachProcess(service string, over bool) {
	s.sessions = slices.DeleteFunc(s.sessions, func(h *session) bool {
		if h.service != service {
			return false
		}
		h.mu.Lock()
		h.child = nil
		over := over || h.closed
		h.mu.Unlock()
		if over {
			close(h.done)
			return true
		}
		select {
		case h.restarts <- struct{}{}:
		default:
		}
		return false
	})
}

// takingTime is how long a process may take to read what is typed.
const typingTimeout = 100 * time.Millisecond

// Write types, and returns how much of that the terminal takes: if the process
// does not read the rest soon, the error is os.ErrDeadlineExceeded. What is typed
// while there is no process is lost: it was not meant for the next one.
func (a Attachment) Write(keys []byte) (int, error) {
	a.session.mu.Lock()
	p := a.session.child
	a.session.mu.Unlock()
	if p == nil {
		return len(keys), nil
	}
	terminal := p.Terminal()
	_ = terminal.SetWriteDeadline(time.Now().Add(typingTimeout))
	n, err := terminal.Write(keys)
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		return len(keys), nil // the process has just ended
	}
	return n, err
}

// Restarts has a value when the process has ended and another is to follow.
func (a Attachment) Restarts() <-chan struct{} { return a.session.restarts }

// Done is closed when the service has ended, and all that it has printed has
// been written.
func (a Attachment) Done() <-chan struct{} { return a.session.done }

// Close lets go of the service, which notices nothing but its terminal's size.
func (a Attachment) Close() {
	if a.session == nil {
		return
	}
	a.session.mu.Lock()
	a.session.closed = true
	tapped := a.session.tapped
	a.session.mu.Unlock()
	for _, p := range tapped {
		p.Stream().Tap(nil)
	}
	_ = a.controller.ask(context.Background(), func(s *supervisor) { // unless the run is over
		s.system.SetAttached(false)
		s.resize()
	})
}

// Outside starts a program that is not the run's: it outlives that.
func (st *Controller) StartOutside(ctx context.Context, argv ...string) (err error) {
	failed := st.ask(ctx, func(s *supervisor) { err = s.system.StartOutside(argv) })
	return errors.Join(failed, err)
}
