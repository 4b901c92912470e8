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

	"github.com/devports/devports/launcher/buffer"
)

const (
	// PromptDelay is how long an unfinished line waits for its rest before it
	// is shown: a prompt has no newline.
	PromptDelay = 300 * time.Millisecond

	// drainPause is how long the output of a service that has ended may pause
	// before it counts as complete. The end of file comes earlier, unless an
	// orphan still holds the pipe.
	drainPause = 200 * time.Millisecond

	// maxDrain is more than a pipe holds: what follows was written by an orphan.
	maxDrain = 1 << 20

	// maxBlock ends a block: once it is longer, with its prefixes, it is written.
	maxBlock = 2 * maxBuffer
)

// Stream is the output of one process.
type Stream struct {
	mux   *Mux
	name  string
	color string
	done  chan struct{} // closed when Copy has returned
	cut   bool          // another stream has ended the line that this one left open; guarded by mux.mu

	mu      sync.Mutex // guards closing, and the source's deadline with it
	closing bool

	recording Recording // nil for none

	passing  sync.Mutex        // held while what was read is passed to the taps
	tapping  sync.Mutex        // guards taps; never held during a write
	taps     []*tap            // in the order of their calls; immutable
	untapped func(read []byte) // called with what is read while there is no tap; nil for none

	match   *regexp.Regexp // nil for none, and once it has matched
	matched chan struct{}

	// What follows is for the goroutine of Copy only.
	unfinished []byte // the beginning of a line that match waits for

	limit  time.Time // deadline of the next read; zero for none
	drain  drain
	prefix []byte // padded to width
	width  int
	out    []byte // a block: see format
	indent int    // the length of the prefix in it
	hidden bool   // the filter hides its first line
}

// drain is the state of the reads after the process has ended.
type drain struct {
	until time.Time // when they end unless the pipe is full; zero: the process has not ended
	bytes int       // read so far
	again bool      // the latest read has timed out
}

// deadliner is a source whose reads can be interrupted. Without one (pipes on
// Windows), a prompt waits for its newline.
type deadliner interface{ SetReadDeadline(time.Time) error }

// Copy writes everything it reads from source to the Mux, until the end of file
// or [Stream.Finish], after all lines that Say has been called with so far. It
// must be called once.
func (s *Stream) Copy(source io.Reader) {
	defer s.mux.streams.Done()
	defer close(s.done)
	s.mux.says.wait()
	in := newInput(s.mux.spare)
	defer in.close()
	var due time.Time // when the unfinished line is shown; zero when nothing is held
	_, interrupted := source.(deadliner)
	blank := 0        // blank lines before what is held
	var narrow func() // nil: the pipe has not been widened
	defer func() {
		if narrow != nil {
			narrow()
		}
	}()
	show := func(end int) {
		if end > 0 {
			shown := in.held()[:end]
			if s.mux.style.Printable {
				before := blank
				blank = blankAfter(shown, before)
				shown = dropClears(shown, before)
			}
			s.emitShared(shown, in.shared)
			in.start += end
		}
		due = time.Time{}
	}
	for {
		room := in.room()
		n, err := source.Read(room)
		in.end += n
		read := room[:n]
		var shown time.Time // when it began to be shown, once the process has ended
		if !s.drain.until.IsZero() {
			shown = time.Now()
		}
		s.passToTaps(read)
		full := n == len(room)
		held := in.held()
		if newline := bytes.LastIndexByte(read, '\n'); newline >= 0 {
			end := len(held) - n + newline + 1
			if s.mux.style.Printable && interrupted && len(held) < maxBuffer {
				end = mayClear(held[:end], held[end:], blank)
			}
			if end > 0 {
				show(end)
			}
		} else if len(held) >= maxBuffer {
			show(shownNow(held))
		}
		if !shown.IsZero() { // what follows waits for that
			s.drain.until = s.drain.until.Add(time.Since(shown))
		}
		in.chooseMemory(n, full)
		if n >= widenAt && narrow == nil {
			narrow = s.mux.widenInput(source)
		}
		if n > 0 {
			s.drain.again = false
		}
		waits := in.end > in.start
		switch {
		case err == nil && s.drain.complete(n, full):
			err = io.EOF
		case err == nil && waits && due.IsZero():
			due = time.Now().Add(PromptDelay)
		case errors.Is(err, os.ErrDeadlineExceeded) && s.drain.until.IsZero():
			if err = nil; !s.finishing() {
				show(shownNow(in.held()))
			}
		case errors.Is(err, os.ErrDeadlineExceeded) && !s.drain.again:
			s.drain.again, err = true, nil // the deadline may have passed before the read began
		}
		if err != nil { // the end of the output
			show(len(in.held()))
			s.mux.endLine(s)
			s.endRecording()
			return
		}
		s.setDeadline(source, due)
	}
}

// beginRecording starts to record the stream if the Mux records.
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

// complete reports whether all that the process has written has been read, after
// a read of n bytes. A read that did not fill the buffer has emptied the pipe.
func (d *drain) complete(n int, full bool) bool {
	if d.until.IsZero() {
		return false
	}
	d.bytes += n
	return d.bytes > maxDrain || !full && time.Now().After(d.until)
}

// setDeadline sets the deadline of the next read; zero is none. Once the process
// has ended, no two reads take longer than drainPause.
func (s *Stream) setDeadline(source io.Reader, until time.Time) {
	f, ok := source.(deadliner)
	if !ok {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		now := time.Now()
		until = now.Add(drainPause / 2)
		if s.drain.until.IsZero() {
			s.drain.until = now.Add(drainPause)
		}
	}
	if !until.Equal(s.limit) {
		s.limit = until
		_ = f.SetReadDeadline(until)
	}
}

// shownNow returns the length of b without an incomplete end: a carriage return,
// which a newline may follow, or a part of a character.
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

// Finish makes Copy return once it has copied what the process wrote: the process
// has ended. source is the one that Copy reads.
func (s *Stream) Finish(source io.Reader) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return // Copy may be draining; its reads must not be interrupted
	}
	s.closing = true
	if f, ok := source.(deadliner); ok {
		_ = f.SetReadDeadline(time.Now()) // interrupts Copy
	}
}

func (s *Stream) finishing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closing
}

// Done returns a channel that is closed when everything has been copied.
func (s *Stream) Done() <-chan struct{} { return s.done }

// emit writes lines with their prefixes. The last line may be unfinished.
func (s *Stream) emit(lines []byte) { s.emitShared(lines, nil) }

// emitShared is emit of lines in a shared buffer, if that is not nil.
func (s *Stream) emitShared(lines []byte, shared *buffer.Buffer) {
	for rest := lines; len(rest) > 0; {
		s.out = <-s.mux.blocks
		filter := s.mux.filter.Load()
		n := s.format(rest, filter, time.Time{})
		s.mux.write(s, rest[:n], shared, filter)
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
	harmless := 0 // length of the lines that need no check
	if window := lines[:min(len(lines), maxBlock)]; s.mux.style.Pipe && movesNothing(window) {
		harmless = len(window)
	}
	for n < len(lines) && len(out) <= maxBlock { // lines may be short, and prefixes long
		line := lines[n:]
		if i := bytes.IndexByte(line, '\n'); i >= 0 {
			line = line[:i+1]
		}
		first := n == 0
		n += len(line)
		start := len(out)
		out = append(out, prefix...)
		text := bytes.TrimSuffix(line, newline)
		if (filter == nil || filter.Match == nil) && (!s.mux.style.Printable || n <= harmless || isPrintableASCII(text)) {
			out = appendLine(out, line)
			continue
		}
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

// prefixNow returns what precedes each line.
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
		s.prefix = append(padded(s.name, width), separator...)
		if len(style.Colors) > 0 && s.color != "" {
			s.prefix = append(append([]byte("\x1b["+s.color+"m"), s.prefix...), sgrReset...)
		}
	}
	if style.Timestamps {
		return append([]byte(clock(printed)), s.prefix...)
	}
	return s.prefix
}

// Tap also writes everything the process prints from now on to a writer, as it is
// read, until untap is called. When untap returns, no write to it is in progress.
// Tap itself does not wait for one.
func (s *Stream) Tap(to io.Writer) (untap func()) {
	t := &tap{to}
	s.tapping.Lock()
	defer s.tapping.Unlock()
	s.taps = append(slices.Clip(s.taps), t)
	return func() {
		s.tapping.Lock()
		s.taps = slices.DeleteFunc(slices.Clone(s.taps), func(other *tap) bool { return other == t })
		s.tapping.Unlock()
		s.passing.Lock() // waits for its last write
		defer s.passing.Unlock()
	}
}

// tap is one call of Tap.
type tap struct{ to io.Writer }

// Untapped calls do with what the process prints, as it is read, while there is no
// tap. do must not block. Untapped must be called before Copy.
func (s *Stream) Untapped(do func(read []byte)) { s.untapped = do }

// passToTaps passes what has been read to the taps or to untapped.
func (s *Stream) passToTaps(read []byte) {
	s.passing.Lock()
	defer s.passing.Unlock()
	s.tapping.Lock()
	taps := s.taps
	s.tapping.Unlock()
	switch {
	case len(read) == 0:
	case len(taps) > 0:
		for _, t := range taps {
			_, _ = t.to.Write(read) // the user of the tap notices
		}
	case s.untapped != nil:
		s.untapped(read)
	}
}
