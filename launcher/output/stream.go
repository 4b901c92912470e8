package output

import (
	"bytes"
	"errors"
	"io"
	"os"
	"sync/atomic"
	"time"
)

const (
	// PromptDelay is how long an unfinished line waits for its rest before it
	// is shown as it is: a prompt has no newline.
	PromptDelay = 300 * time.Millisecond

	// lingering is how long the output of a service that has ended may pause
	// before it counts as complete. The end of file says so earlier, unless a
	// process that got away still holds the pipe.
	lingering = 200 * time.Millisecond

	// A buffer starts small, because most services are quiet, and grows to
	// maxBuffer; a longer line is passed on in pieces.
	minBuffer = 4 << 10
	maxBuffer = 64 << 10
)

// Stream is the output of one process.
type Stream struct {
	mux     *Mux
	name    string
	color   string
	closing atomic.Bool
	done    chan struct{} // closed when Copy has returned

	// What follows belongs to the goroutine of Copy.
	armed, last bool   // reads are limited; and for the last time
	prefix      []byte // as of width
	width       int32
	out         []byte // a block on its way
}

// deadliner is a source whose reads can be interrupted. Without it (pipes on
// Windows), a prompt waits for its newline.
type deadliner interface{ SetReadDeadline(time.Time) error }

// Copy passes on all that comes from source, up to its end or to [Stream.Finish].
// It must be called once.
func (s *Stream) Copy(source io.Reader) {
	defer s.mux.streams.Done()
	defer close(s.done)
	buf := make([]byte, minBuffer)
	held := 0 // bytes of an unfinished line, at the start of buf
	pass := func(end int) {
		if end > 0 {
			s.emit(buf[:end])
			held = copy(buf, buf[end:held])
		}
	}
	for {
		n, err := source.Read(buf[held:])
		held += n
		full := held == len(buf)
		if newline := bytes.LastIndexByte(buf[held-n:held], '\n'); newline >= 0 {
			pass(held - n + newline + 1)
		} else if held == maxBuffer {
			pass(withoutCR(buf[:held]))
		}
		if full && len(buf) < maxBuffer {
			buf = append(buf, make([]byte, len(buf))...)
		}
		switch {
		case err == nil && held > 0:
			s.wait(source, PromptDelay)
		case err == nil:
			s.wait(source, 0)
		case errors.Is(err, os.ErrDeadlineExceeded) && !s.last:
			pass(withoutCR(buf[:held]))
			s.wait(source, 0)
		default: // the end, or as good as that
			pass(held)
			s.mux.endLine(s)
			return
		}
	}
}

// wait sets how long the next read may take; 0 is any time. Once the process
// has ended, no read takes longer than lingering.
func (s *Stream) wait(source io.Reader, d time.Duration) {
	f, ok := source.(deadliner)
	if !ok || d == 0 && !s.armed && !s.closing.Load() {
		return
	}
	for {
		s.last = s.closing.Load()
		s.armed = d > 0 || s.last
		switch {
		case s.last:
			_ = f.SetReadDeadline(time.Now().Add(lingering))
		case d > 0:
			_ = f.SetReadDeadline(time.Now().Add(d))
		default:
			_ = f.SetReadDeadline(time.Time{})
		}
		if s.last == s.closing.Load() {
			return // else Finish came in between, and its deadline is gone
		}
	}
}

// withoutCR is the length of b less a carriage return at its end, whose
// newline may be on its way.
func withoutCR(b []byte) int {
	if len(b) > 0 && b[len(b)-1] == '\r' {
		return len(b) - 1
	}
	return len(b)
}

// Finish says that the process has ended: what it wrote is still copied, but
// nobody waits for more than that. source is the one that Copy reads.
func (s *Stream) Finish(source io.Reader) {
	s.closing.Store(true)
	if f, ok := source.(deadliner); ok {
		_ = f.SetReadDeadline(time.Now().Add(lingering))
	}
}

// Done is closed when everything has been copied.
func (s *Stream) Done() <-chan struct{} { return s.done }

// emit writes lines, of which the last may be unfinished, with their prefixes.
func (s *Stream) emit(lines []byte) {
	prefix := s.prefixNow()
	out := append(s.out[:0], '\n')
	for len(lines) > 0 {
		out = append(out, prefix...)
		line, rest := lines, []byte(nil)
		if i := bytes.IndexByte(lines, '\n'); i >= 0 {
			line, rest = lines[:i+1], lines[i+1:]
		}
		if n := len(line); n >= 2 && line[n-2] == '\r' && line[n-1] == '\n' {
			out = append(append(out, line[:n-2]...), '\n')
		} else {
			out = append(out, line...)
		}
		lines = rest
	}
	s.mux.write(s, out, len(prefix))
	s.out = out
	if cap(out) > 2*maxBuffer {
		s.out = nil // short lines had long prefixes; do not keep that for ever
	}
}

// prefixNow is what stands before each line.
func (s *Stream) prefixNow() []byte {
	style := s.mux.style
	if style.NoPrefix {
		if style.Timestamps {
			return []byte(now())
		}
		return nil
	}
	if width := s.mux.width.Load(); width != s.width {
		s.width = width
		padded := append([]byte(s.name), bytes.Repeat([]byte{' '}, int(width)-len(s.name))...)
		s.prefix = append(padded, " | "...)
		if style.Color {
			s.prefix = append(append([]byte("\x1b["+s.color+"m"), s.prefix...), "\x1b[0m"...)
		}
	}
	if style.Timestamps {
		return append([]byte(now()), s.prefix...)
	}
	return s.prefix
}
