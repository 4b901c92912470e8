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

// ErrNoTerminal says that a service does not run, or has no terminal.
var ErrNoTerminal = errors.New("cannot attach: it is not running, or has no terminal")

// Attachment connects a client to the terminal of a service, across restarts.
// The zero Attachment is not connected; it may be closed.
type Attachment struct {
	session    *session
	controller *Controller
}

// session is the state of an Attachment. The supervisor passes it each new
// process, and ends it with the service.
type session struct {
	service  string
	out      io.Writer
	head     string        // written before the output of each new process
	restarts chan struct{} // receives a value when a process has ended and another will follow
	done     chan struct{} // closed when no other process will follow

	mu     sync.Mutex // guards what follows
	child  child      // nil between two processes
	tapped []child    // the processes whose output is copied to out
	closed bool       // out must not be written to any more
}

// Attach lets the caller type to a service and copies the service's output to
// out until [Attachment.Close]. When the service restarts, it continues with
// the next process, whose output follows head. Attaching and closing both query
// [Terminals.Size] again. The error may be an *UnknownServiceError,
// ErrNoTerminal or ErrEnded.
func (c *Controller) Attach(ctx context.Context, service string, out io.Writer, head string) (a Attachment, err error) {
	failed := c.ask(ctx, func(s *supervisor) {
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
			a = Attachment{h, c}
			s.system.SetAttached(true)
			s.resize() // so that a program redraws its prompt or screen
		}
	})
	return a, errors.Join(failed, err)
}

// use switches to a new process, before its output is copied.
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

// headWriter writes head before the first write.
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

// attachProcess passes a new process to the clients attached to its service.
func (s *supervisor) attachProcess(service string, p child) {
	for _, h := range s.sessions {
		if h.service == service {
			h.use(p)
		}
	}
}

// detachProcess notifies the attached clients that the process of a service has
// ended. over means that no other will follow.
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

// typingTimeout is how long a process may take to read typed input.
const typingTimeout = 100 * time.Millisecond

// Write types keys and returns how many bytes the terminal accepted. If the
// process does not read the rest in time, the error is os.ErrDeadlineExceeded.
// Keys typed between two processes are discarded: they were not meant for the
// next one.
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

// Restarts receives a value when the process has ended and another will follow.
func (a Attachment) Restarts() <-chan struct{} { return a.session.restarts }

// Done is closed when the service has ended and all its output was written.
func (a Attachment) Done() <-chan struct{} { return a.session.done }

// Close disconnects from the service. All the service notices is a change of
// its terminal's size.
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
	_ = a.controller.ask(context.Background(), func(s *supervisor) { // fails if the run has ended
		s.system.SetAttached(false)
		s.resize()
	})
}

// StartOutside starts a program that does not belong to the run and outlives
// it.
func (c *Controller) StartOutside(ctx context.Context, argv ...string) (err error) {
	failed := c.ask(ctx, func(s *supervisor) { err = s.system.StartOutside(argv) })
	return errors.Join(failed, err)
}
