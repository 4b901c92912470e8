package launcher

import (
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/devports/devports/launcher/output"
	"github.com/devports/devports/launcher/terminal"
)

var (
	// ErrNotRunning reports that a service has no process.
	ErrNotRunning = errors.New("cannot type into it: it is not running")

	// ErrShared reports that a service belongs to all checkouts: another run
	// has its process.
	ErrShared = errors.New("cannot type into it: it is shared by all checkouts")

	// ErrNoTerminal reports that a service has no terminal.
	ErrNoTerminal = errors.New("cannot type into it: it has no terminal, because the run was not started on one (from a terminal: devports down && devports up -d)")
)

// Attachment connects a client to the terminal of a service, across restarts. It
// must be closed.
type Attachment interface {
	// Write types keys and returns how many bytes were accepted. If the process
	// does not read the rest in time, the error is os.ErrDeadlineExceeded; after
	// any other error nothing can be typed any more. Keys typed between two
	// processes are discarded: they were not meant for the next one.
	Write(keys []byte) (int, error)
	// Resize sets the size of the client's terminal.
	Resize(terminal.Size)
	// Restarts receives a value when the process has ended and another will
	// follow.
	Restarts() <-chan struct{}
	// Done is closed when the service has ended and all its output was written.
	Done() <-chan struct{}
	// Close disconnects from the service. All the service notices is a change of
	// its terminal's size. When it returns, nothing more is written.
	Close()
}

// AttachOptions describe the client of an Attachment.
type AttachOptions struct {
	Out  io.Writer     // receives the output of the service. It delays the service if it blocks
	Head string        // written before the output of each later process
	Size terminal.Size // of the client's terminal; the zero Size changes nothing
	// OnTerminal: Out is the terminal of this process, so the watchdog resets it
	// if this process is killed.
	OnTerminal bool
}

// attachment is an Attachment in the process of the run.
type attachment struct {
	session    *session
	controller *Controller
}

// session is the state of an attachment. The supervisor passes it each new
// process, and ends it with the service.
type session struct {
	service  string
	options  AttachOptions
	size     terminal.Size // owned by the supervisor
	restarts chan struct{} // receives a value when a process has ended and another will follow
	done     chan struct{} // closed when no other process will follow

	mu     sync.Mutex // guards the fields below
	child  child      // nil between two processes
	taps   []tap      // of the processes whose output is copied
	closed bool       // Out must not be written to any more
}

// Attach lets the caller type into a service and copies the service's output to
// the caller until [Attachment.Close]. When the service restarts, it continues
// with the next process. A service has the size of the smallest terminal that is
// attached to it, else that of [Terminals.Size]. The error may be an
// *UnknownServiceError, ErrShared, ErrNotRunning, ErrNoTerminal or ErrEnded.
func (c *Controller) Attach(ctx context.Context, service string, o AttachOptions) (a Attachment, err error) {
	failed := c.call(ctx, func(s *supervisor) {
		sv, known := s.services[service]
		p := s.childOf(service)
		switch {
		case !known:
			err = &UnknownServiceError{[]string{service}, slices.Clone(s.names)}
		case sv.spec.Shared:
			err = ErrShared
		case sv.phase != running || p == nil:
			err = ErrNotRunning
		case p.Terminal() == nil:
			err = ErrNoTerminal
		default:
			h := &session{service: service, options: o, size: o.Size, restarts: make(chan struct{}, 1), done: make(chan struct{})}
			h.use(p, "")
			s.attached = append(s.attached, h)
			a = attachment{h, c}
			s.attachedChanged()
		}
	})
	if err = errors.Join(failed, err); err != nil {
		return nil, err
	}
	return a, nil
}

// attachedChanged gives all terminals their size, so that a program that a client
// has attached to redraws its prompt or screen.
func (s *supervisor) attachedChanged() {
	s.system.SetAttached(slices.ContainsFunc(s.attached, func(h *session) bool { return h.options.OnTerminal }))
	s.resize()
}

// use switches to a new process, before its output is copied. head precedes its
// output.
func (h *session) use(p child, head string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed || p.Terminal() == nil {
		return
	}
	h.child = p
	out := h.options.Out
	if head != "" {
		out = &headWriter{head, out}
	}
	h.taps = append(slices.DeleteFunc(h.taps, tap.ended), tap{p.Stream(), p.Stream().Tap(out)})
}

// tap copies the output of a process to a client.
type tap struct {
	stream *output.Stream
	end    func()
}

// ended reports whether all output has been copied.
func (t tap) ended() bool {
	select {
	case <-t.stream.Done():
		return true
	default:
		return false
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
	for _, h := range s.attached {
		if h.service == service {
			h.use(p, h.options.Head)
		}
	}
}

// detachProcess notifies the attached clients that the process of a service has
// ended. over means that no other will follow.
func (s *supervisor) detachProcess(service string, over bool) {
	s.attached = slices.DeleteFunc(s.attached, func(h *session) bool {
		if h.service != service {
			return false
		}
		h.mu.Lock()
		h.child = nil
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

func (a attachment) Write(keys []byte) (int, error) {
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

func (a attachment) Resize(size terminal.Size) {
	_ = a.controller.call(context.Background(), func(s *supervisor) { // fails if the run has ended
		a.session.size = size
		s.resize()
	})
}

func (a attachment) Restarts() <-chan struct{} { return a.session.restarts }

func (a attachment) Done() <-chan struct{} { return a.session.done }

func (a attachment) Close() {
	a.session.mu.Lock()
	a.session.closed = true
	taps := a.session.taps
	a.session.mu.Unlock()
	for _, t := range taps {
		t.end()
	}
	_ = a.controller.call(context.Background(), func(s *supervisor) { // fails if the run has ended
		s.attached = slices.DeleteFunc(s.attached, func(h *session) bool {
			if h == a.session {
				close(h.done)
			}
			return h == a.session
		})
		s.attachedChanged()
	})
}

// attachedSize is the size of the smallest terminal that is attached to a service;
// zero for none.
func (s *supervisor) attachedSize(service string) (size terminal.Size) {
	for _, h := range s.attached {
		if h.service != service || h.size == (terminal.Size{}) {
			continue
		}
		if size == (terminal.Size{}) {
			size = h.size
		}
		size.Rows, size.Columns = min(size.Rows, h.size.Rows), min(size.Columns, h.size.Columns)
	}
	return size
}

// StartOutside starts a program that does not belong to the run and outlives
// it.
func (c *Controller) StartOutside(ctx context.Context, argv ...string) (exited <-chan Exit, err error) {
	failed := c.call(ctx, func(s *supervisor) { exited, err = s.system.StartOutside(argv) })
	return exited, errors.Join(failed, err)
}
