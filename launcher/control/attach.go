package control

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/terminal"
)

// attachProtocol is the protocol that a connection switches to (RFC 9110, section
// 7.8). Both sides then send JSON objects: the client typed, the run printed.
const attachProtocol = "devports-attach"

// typed is what the client of an attachment sends.
type typed struct {
	Keys    []byte `json:"keys,omitempty"`
	Rows    int    `json:"rows,omitempty"` // the new size of its terminal, with Columns
	Columns int    `json:"columns,omitempty"`
}

// printed is what the run sends to the client of an attachment.
type printed struct {
	Output     []byte `json:"output,omitempty"`
	Restarting bool   `json:"restarting,omitempty"` // the process has ended, and another will follow
}

const (
	// maxTyped is how many typed bytes wait for a process to read them before the
	// run reads no more from the client.
	maxTyped = 64 << 10

	// maxPrinted is how many printed bytes wait for the client to read them before
	// some are dropped.
	maxPrinted = 256 << 10

	// retypePause is the pause before typing again what a process has not read.
	retypePause = 10 * time.Millisecond
)

// attach connects a client to the terminal of a service until the service ends,
// the client disconnects or the run ends.
func (s server) attach(w http.ResponseWriter, r *http.Request) {
	query, err := parseQuery(r.URL.RawQuery, "service", "rows", "columns", "head")
	size, wrong := parseSize(query)
	if err = errors.Join(err, wrong); err == nil && len(query["service"]) != 1 {
		err = errOneService
	}
	if err == nil && r.Header.Get("Upgrade") != attachProtocol {
		err = fmt.Errorf("the connection must be upgraded to %s", attachProtocol)
	}
	if err != nil {
		s.fail(w, requestError{err})
		return
	}
	s.attached.Add(1) // the server does not wait for a connection that was taken over
	defer s.attached.Done()
	out := newPrinter()
	a, err := s.run.Controller.Attach(r.Context(), query["service"][0], launcher.AttachOptions{Out: out, Head: query.Get("head"), Size: size})
	if errors.Is(err, launcher.ErrShared) || errors.Is(err, launcher.ErrNotRunning) || errors.Is(err, launcher.ErrNoTerminal) {
		err = requestError{err}
	}
	if err != nil {
		s.fail(w, err)
		return
	}
	defer a.Close()
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	_ = conn.SetDeadline(time.Time{})
	_, _ = fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: %s\r\n\r\n", attachProtocol)
	connect(r.Context(), conn, buffered.Reader, a, out)
}

func parseSize(query url.Values) (size terminal.Size, err error) {
	for name, into := range map[string]*int{"rows": &size.Rows, "columns": &size.Columns} {
		if !query.Has(name) {
			continue
		}
		n, err := strconv.ParseUint(query.Get(name), 10, 16)
		if err != nil || n == 0 {
			return size, fmt.Errorf("%s must be a number of character cells", name)
		}
		*into = int(n)
	}
	if (size.Rows == 0) != (size.Columns == 0) {
		return size, errors.New("rows and columns require each other")
	}
	return size, nil
}

// connect passes what a client types to an attachment, and what the service prints
// to the client. It closes the connection.
func connect(ctx context.Context, conn net.Conn, input *bufio.Reader, a launcher.Attachment, out *printer) {
	var goroutines sync.WaitGroup
	defer goroutines.Wait()
	frames, stop := make(chan typed), make(chan struct{})
	defer close(stop)
	goroutines.Go(func() {
		defer close(frames)
		for decoder := json.NewDecoder(input); ; {
			var f typed
			if decoder.Decode(&f) != nil {
				return // the client has disconnected
			}
			select {
			case frames <- f:
			case <-stop:
				return
			}
		}
	})
	defer conn.Close()
	defer out.close()
	sent := make(chan struct{})
	goroutines.Go(func() {
		defer close(sent)
		out.send(json.NewEncoder(conn))
	})
	var waiting []byte
	for {
		var again <-chan time.Time
		from := frames
		if len(waiting) > 0 {
			n, _ := a.Write(waiting)
			if waiting = waiting[n:]; len(waiting) > 0 {
				again = time.After(retypePause)
			}
			if len(waiting) > maxTyped {
				from = nil
			}
		}
		select {
		case f, ok := <-from:
			if !ok {
				return
			}
			if f.Rows > 0 && f.Columns > 0 {
				a.Resize(terminal.Size{Rows: f.Rows, Columns: f.Columns})
			}
			waiting = append(waiting, f.Keys...)
		case <-again:
		case <-a.Restarts():
			waiting = nil
			out.add(nil, true)
		case <-a.Done():
			out.close()
			select { // the client reads the last output
			case <-sent:
			case <-time.After(shutdownTimeout):
			}
			return
		case <-sent: // the client has disconnected
			return
		case <-ctx.Done():
			return
		}
	}
}

// DescribeMissed says that a client has missed lines of output.
func DescribeMissed(lines int64) string {
	if lines == 1 {
		return "… 1 line skipped: this terminal did not keep up"
	}
	return fmt.Sprintf("… %d lines skipped: this terminal did not keep up", lines)
}

// printer buffers what a service prints for a client. Writing never blocks: a slow
// client misses output.
type printer struct {
	mu         sync.Mutex // guards the fields below
	change     *sync.Cond
	text       []byte
	missed     int // how many lines were dropped after text
	restarting bool
	closed     bool
}

func newPrinter() *printer {
	p := &printer{}
	p.change = sync.NewCond(&p.mu)
	return p
}

// Write buffers output, or drops it from when the buffer is full until it is
// empty.
func (p *printer) Write(text []byte) (int, error) {
	p.add(text, false)
	return len(text), nil
}

func (p *printer) add(text []byte, restarting bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.missed > 0 || len(p.text)+len(text) > maxPrinted {
		p.missed += max(bytes.Count(text, []byte{'\n'}), 1)
	} else {
		p.text = append(p.text, text...)
	}
	p.restarting = p.restarting || restarting
	p.change.Signal()
}

// close ends send once everything is sent.
func (p *printer) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	p.change.Signal()
}

// send sends what is buffered until close, or a failure.
func (p *printer) send(to *json.Encoder) {
	for {
		message, more := p.take()
		if (len(message.Output) > 0 || message.Restarting) && to.Encode(message) != nil {
			return
		}
		if !more {
			return
		}
	}
}

// take waits for something to send. more is false after close.
func (p *printer) take() (message printed, more bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.text) == 0 && p.missed == 0 && !p.restarting && !p.closed {
		p.change.Wait()
	}
	message = printed{p.text, p.restarting}
	if p.missed > 0 {
		message.Output = fmt.Appendf(message.Output, "\x1b[0m\r\ndevports | %s\r\n", DescribeMissed(int64(p.missed)))
	}
	p.text, p.missed, p.restarting = nil, 0, false
	return message, !p.closed
}
