package output

import (
	"bytes"
	"errors"
	"io"
	"os"
	"regexp"
	"sync"
	"time"
	"unicode/utf8"
)

const (
	// PromptDelay is how long an unfinished line waits for its rest before it
	// is shown as it is: a prompt has no newline.
	PromptDelay = 300 * time.Millisecond

	// lingering is how long the output of a service that has ended may pause
	// before it counts as complete. The end of file says so earlier, unless a
	// process that got away still holds the pipe.
	lingering = 200 * time.Millisecond

	// lingeringBytes is more than a pipe holds: what comes after so many is by
	// a process that got away.
	lingeringBytes = 1 << 20

	// A buffer starts small, because most services are quiet, and grows to
	// maxBuffer; a longer line is passed on in pieces.
	minBuffer = 4 << 10
	maxBuffer = 64 << 10
)

// Stream is the output of one process.
type Stream struct {
	mux   *Mux
	name  string
	color string
	done  chan struct{} // closed when Copy has returned
	cut   bool          // another has ended the line that it left open; guarded by mux.mu

	mu      sync.Mutex // guards closing, and the source's deadline with it
	closing bool

	recording Recording // nil for none

	tapping  sync.Mutex        // guards tap; held as long as a write takes
	tap      io.Writer         // nil for none
	untapped func(read []byte) // gets what no tap does; nil for none

	match   *regexp.Regexp // nil for none, and once it has matched
	matched chan struct{}

	// What follows belongs to the goroutine of Copy.
	unfinished []byte // the beginning of a line that may match

	limit  time.Time // of the next read, none if zero
	last   last
	prefix []byte // as of width
	width  int
	out    []byte // a block on its way: see format
	indent int    // the length of the prefix in it
	hidden bool   // the first line is not in it
}

// last is what is known of the reads after the process has ended.
type last struct {
	until time.Time // when they are over unless the pipe is full; zero: the process has not ended
	bytes int       // how many they have brought
}

// deadliner is a source whose reads can be interrupted. Without it (pipes on
// Windows), a prompt waits for its newline.
type deadliner interface{ SetReadDeadline(time.Time) error }

// Copy passes on all that comes from source, up to its end or to [Stream.Finish],
// behind all that has been said so far. It must be called once.
func (s *Stream) Copy(source io.Reader) {
	defer s.mux.streams.Done()
	defer close(s.done)
	s.mux.says.wait()
	buf := make([]byte, minBuffer)
	held := 0         // bytes of an unfinished line, at the start of buf
	var due time.Time // when it is shown nevertheless; zero when nothing is held
	_, interrupted := source.(deadliner)
	blank := 0 // lines before buf
	pass := func(end int) {
		if end > 0 {
			shown := buf[:end]
			if s.mux.style.Printable {
				before := blank
				blank = blankAfter(shown, before)
				shown = dropClears(shown, before)
			}
			s.emit(shown)
			held = copy(buf, buf[end:held])
		}
		due = time.Time{}
	}
	for {
		n, err := source.Read(buf[held:])
		held += n
		s.tapped(buf[held-n : held])
		full := held == len(buf)
		if newline := bytes.LastIndexByte(buf[held-n:held], '\n'); newline >= 0 {
			end := held - n + newline + 1
			if s.mux.style.Printable && interrupted && held < maxBuffer {
				end = mayClear(buf[:end], buf[end:held], blank)
			}
			if end > 0 {
				pass(end)
			}
		} else if held == maxBuffer {
			pass(shownNow(buf[:held]))
		}
		if full && len(buf) < maxBuffer {
			buf = append(buf, make([]byte, len(buf))...)
		}
		switch {
		case err == nil && s.last.complete(n, full):
			err = io.EOF
		case err == nil && held > 0 && due.IsZero():
			due = time.Now().Add(PromptDelay)
		case errors.Is(err, os.ErrDeadlineExceeded) && s.last.until.IsZero():
			if err = nil; !s.finishing() {
				pass(shownNow(buf[:held]))
			}
		}
		if err != nil { // the end, or as good as that
			pass(held)
			s.mux.endLine(s)
			s.endRecording()
			return
		}
		s.wait(source, due)
	}
}

// beginRecording begins to record what the stream is to copy, if anything does.
func (s *Stream) beginRecording() {
	if s.mux.record != nil {
		s.recording = s.mux.record(s.name)
	}
}

func (s *Stream) endRecording() {
	if s.recording != nil {
		s.recording.Close()
	}
}

// complete takes the length of a read, and whether it filled the buffer, and
// reports whether all that the process has written has been read. A read that
// found less than it had room for has emptied the pipe.
func (l *last) complete(n int, full bool) bool {
	if l.until.IsZero() {
		return false
	}
	l.bytes += n
	return l.bytes > lingeringBytes || !full && time.Now().After(l.until)
}

// wait sets until when the next read may take; zero is any time. Once the
// process has ended, no read takes longer than lingering.
func (s *Stream) wait(source io.Reader, until time.Time) {
	f, ok := source.(deadliner)
	if !ok {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		until = time.Now().Add(lingering)
		if s.last.until.IsZero() {
			s.last.until = until
		}
	}
	if !until.Equal(s.limit) {
		s.limit = until
		_ = f.SetReadDeadline(until)
	}
}

// shownNow is the length of b less what its rest may be on its way to: a
// carriage return, of a newline, or a part of a character.
func shownNow(b []byte) int {
	if len(b) > 0 && b[len(b)-1] == '\r' {
		return len(b) - 1
	}
	for i := 1; i < utf8.UTFMax && i <= len(b); i++ {
		if last := b[len(b)-i:]; utf8.RuneStart(last[0]) {
			if !utf8.FullRune(last) {
				return len(b) - i
			}
			break
		}
	}
	return len(b)
}

// Finish says that the process has ended: what it wrote is still copied, but
// nobody waits for more than that. source is the one that Copy reads.
func (s *Stream) Finish(source io.Reader) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return // Copy may know already; a read of its must not be interrupted
	}
	s.closing = true
	if f, ok := source.(deadliner); ok {
		_ = f.SetReadDeadline(time.Now()) // Copy is to take note
	}
}

func (s *Stream) finishing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closing
}

// Done is closed when everything has been copied.
func (s *Stream) Done() <-chan struct{} { return s.done }

// emit writes lines, of which the last may be unfinished, with their prefixes.
func (s *Stream) emit(lines []byte) {
	for rest := lines; len(rest) > 0; {
		filter := s.mux.filter.Load()
		n := s.format(rest, filter, time.Time{})
		s.mux.write(s, rest[:n], filter)
		rest = rest[n:]
	}
	if s.match != nil {
		s.find(lines) // once they are written: what is said of a match comes behind it
	}
}

// format makes a block of as many of the lines as it should have, and returns
// how many bytes that are. Printed is when they were; zero stands for now. The
// block is a newline and then what the filter shows, each line behind its prefix.
// In place of the newline is a carriage return if the first line, should it go
// on an open one, takes its place.
func (s *Stream) format(lines []byte, filter *Filter, printed time.Time) (n int) {
	prefix := s.prefixNow(printed)
	out := append(s.out[:0], '\n')
	s.indent, s.hidden = len(prefix), filter.hides(s.name)
	if s.hidden {
		s.out = out
		return len(lines)
	}
	for n < len(lines) && len(out) <= maxBuffer { // lines may be short, and prefixes long
		line, end := lines[n:], 0
		if i := bytes.IndexByte(line, '\n'); i >= 0 {
			line, end = line[:i], 1
		}
		first := n == 0
		n += len(line) + end
		start := len(out)
		out = append(out, prefix...)
		if filter != nil && filter.Match != nil {
			var shown bool
			if out, shown = s.appendMatch(out, line, filter); !shown {
				out = out[:start]
				s.hidden = s.hidden || first
				continue
			}
		} else if s.mux.style.Printable {
			var returned bool
			if out, returned = appendPrintable(out, line); returned && first {
				out[0] = '\r'
			}
		} else if last := len(line) - 1; end > 0 && last >= 0 && line[last] == '\r' {
			out = append(out, line[:last]...)
		} else {
			out = append(out, line...)
		}
		if end > 0 {
			out = append(out, '\n')
		}
	}
	s.out = out
	return n
}

// appendMatch appends a line with what matches marked, if anything does.
func (s *Stream) appendMatch(out, line []byte, filter *Filter) (_ []byte, shown bool) {
	if s.mux.style.Printable {
		line, _ = appendPrintable(nil, line)
	}
	return filter.marked(out, bytes.TrimRight(line, "\r"))
}

// prefixNow is what stands before each line.
func (s *Stream) prefixNow(printed time.Time) []byte {
	style := s.mux.style
	if style.NoPrefix {
		if style.Timestamps {
			return []byte(clock(printed))
		}
		return nil
	}
	if width := s.mux.names.column(); width != s.width {
		s.width = width
		padded := append([]byte(s.name), bytes.Repeat([]byte{' '}, width-len(s.name))...)
		s.prefix = append(padded, separator...)
		if style.Color {
			s.prefix = append(append([]byte("\x1b["+s.color+"m"), s.prefix...), sgrReset...)
		}
	}
	if style.Timestamps {
		return append([]byte(clock(printed)), s.prefix...)
	}
	return s.prefix
}

// Tap has to written, as it comes, what the process prints from now on; nil
// ends that, and nothing is written when it returns. What is shown otherwise
// stays as it is.
func (s *Stream) Tap(to io.Writer) {
	s.tapping.Lock()
	defer s.tapping.Unlock()
	s.tap = to
}

// Untapped has do get what the process prints, as it comes, while there is no
// tap. It must not block, and must be set before Copy.
func (s *Stream) Untapped(do func(read []byte)) { s.untapped = do }

// tapped hands what has been read to the tap, or to what stands in for one.
func (s *Stream) tapped(read []byte) {
	s.tapping.Lock()
	defer s.tapping.Unlock()
	switch {
	case len(read) == 0:
	case s.tap != nil:
		_, _ = s.tap.Write(read) // whoever looks will notice
	case s.untapped != nil:
		s.untapped(read)
	}
}
