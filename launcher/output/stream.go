package output

import (
	"bytes"
	"errors"
	"io"
	"os"
	"regexp"
	"slices"
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

	// maxBlock is the length from which on a block with its prefixes is written.
	maxBlock = 2 * maxBuffer
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
			buf = append(make([]byte, 0, 4*len(buf)), buf...)[:4*len(buf)]
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
			return
		}
		s.wait(source, due)
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

// emit writes lines with their prefixes. The last line may be unfinished.
func (s *Stream) emit(lines []byte) {
	for rest := lines; len(rest) > 0; {
		s.out = <-s.mux.blocks
		filter := s.mux.filter.Load()
		n := s.format(rest, filter, time.Time{})
		s.mux.write(s, rest[:n], filter)
		s.mux.blocks <- s.out
		rest = rest[n:]
	}
	if s.match != nil {
		s.find(lines) // after they are written: what devports prints about a match follows it
	}
}

// format fills s.out with a block of the first lines, which were printed at the
// time printed, zero for now. It returns how many bytes of lines the block
// covers. The block is a newline and then the lines that the filter shows, each
// behind its prefix. A carriage return replaces the newline if the first line
// overwrites the open line that it would continue.
func (s *Stream) format(lines []byte, filter *Filter, printed time.Time) (n int) {
	prefix := s.prefixNow(printed)
	s.indent, s.hidden = len(prefix), filter.hides(s.name)
	if s.hidden {
		s.out = append(s.out[:0], '\n')
		return len(lines)
	}
	out := slices.Grow(s.out[:0], min(1+len(prefix)+len(lines)+len(lines)/4, maxBlock))
	out = append(out, '\n')
	for n < len(lines) && len(out) <= maxBlock { // lines may be short, and prefixes long
		line := lines[n:]
		if i := bytes.IndexByte(line, '\n'); i >= 0 {
			line = line[:i+1]
		}
		first := n == 0
		n += len(line)
		start := len(out)
		out = append(out, prefix...)
		if (filter == nil || filter.Match == nil) && !s.mux.style.Printable {
			out = appendLine(out, line)
			continue
		}
		text := bytes.TrimSuffix(line, newline)
		if filter != nil && filter.Match != nil {
			var shown bool
			if out, shown = s.appendMatch(out, text, filter); !shown {
				out = out[:start]
				s.hidden = s.hidden || first
				continue
			}
		} else {
			var returned bool
			if out, returned = appendPrintable(out, text); returned && first {
				out[0] = '\r'
			}
		}
		out = append(out, line[len(text):]...)
	}
	s.out = out
	return n
}

// appendLine appends a line, and only a newline for its CR LF.
func appendLine(out, line []byte) []byte {
	if n := len(line); n > 1 && line[n-1] == '\n' && line[n-2] == '\r' {
		return append(append(out, line[:n-2]...), '\n')
	}
	return append(out, line...)
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
