// Package output merges what services print into one stream: whole lines, each
// service's in the order it wrote them, each behind the service's name.
//
// # Concurrency
//
// Every service has a [Stream] whose Copy runs in a goroutine of its own: it
// reads large blocks, puts the prefixes in, and writes a block of whole lines
// at a time. The writer is guarded by one mutex, so a reader that stalls holds
// the services up, as it would without devports, but never the caller of
// [Mux.Say] or [Mux.Stream]: devports' own lines wait in a queue that takes any
// number.
package output

import (
	"context"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Style says how a line is decorated.
type Style struct {
	Color      bool // names in colour, by escape codes
	Timestamps bool // the time of day before each line
	NoPrefix   bool // neither names nor devports' own lines
	Printable  bool // of control characters only colours: nothing moves the cursor
}

// separator stands between a name and the line.
const separator = " | "

// Own is the name that devports' own lines carry; ownColor is bold.
const (
	Own      = "devports"
	ownColor = "1"
)

// Mux is the one owner of the writer that all services share. Make one with
// [New].
type Mux struct {
	style   Style
	names   names
	streams sync.WaitGroup
	says    *queue
	done    chan struct{}          // closed when the queue has been written to its end
	failed  chan struct{}          // closed at the first failure of the writer
	tail    *Tail                  // nil if nobody will ask for it
	filter  atomic.Pointer[Filter] // what of the output is shown; nil for all. Set with mu held

	mu   sync.Mutex // guards what follows; held as long as a write takes
	w    io.Writer
	err  error
	open *Stream // the stream whose unfinished line is the last thing written
}

// New returns a Mux that writes to w. Names are padded to the longest of
// services; a longer one that comes later widens the column.
func New(w io.Writer, style Style, services ...string) *Mux {
	m := &Mux{
		style: style, w: w, says: newQueue(),
		names: names{width: len(Own), colors: map[string]string{}},
		done:  make(chan struct{}), failed: make(chan struct{}),
	}
	for _, name := range services {
		m.names.add(name)
	}
	go m.writeSays()
	return m
}

// Keep has the latest output kept in a Tail. It must be called before the first
// Stream or Say.
func (m *Mux) Keep(tail *Tail) { m.tail = tail }

// Stream returns a new stream for the output of the service name; it has to be
// copied with [Stream.Copy]. It never blocks.
func (m *Mux) Stream(name string) *Stream {
	m.streams.Add(1)
	return &Stream{mux: m, name: name, color: m.names.add(name), done: make(chan struct{})}
}

// PrefixWidth is how many columns stand before each line of a service now.
func (m *Mux) PrefixWidth() int {
	width := 0
	if !m.style.NoPrefix {
		width = m.names.column() + len(separator)
	}
	if m.style.Timestamps {
		width += len(clock(time.Time{}))
	}
	return width
}

// Say writes a line of devports' own, behind everything that streams have
// written so far. It never blocks.
func (m *Mux) Say(text string) {
	if !m.style.NoPrefix {
		m.says.add(text)
	}
}

// writeSays writes the queue to its end.
func (m *Mux) writeSays() {
	defer close(m.done)
	own := &Stream{mux: m, name: Own, color: ownColor}
	for {
		lines, more := m.says.take()
		for _, line := range lines {
			own.emit([]byte(strings.TrimSuffix(line, "\n") + "\n"))
		}
		if !more {
			return
		}
	}
}

// Close waits until all streams have been copied and everything is written, or
// until ctx is done. It returns the first error of the writer. No stream may
// be made after it, and what is said then is not written.
func (m *Mux) Close(ctx context.Context) error {
	drained := make(chan struct{})
	go func() {
		m.streams.Wait()
		m.says.close()
		<-m.done
		close(drained)
	}()
	select {
	case <-drained:
		m.mu.Lock()
		defer m.mu.Unlock()
		return m.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Failed is closed when the writer has failed, such as a closed pipe: nobody
// will ever read what services print.
func (m *Mux) Failed() <-chan struct{} { return m.failed }

// write writes lines of s, which it has formatted for a filter.
func (m *Mux) write(s *Stream, lines []byte, filter *Filter) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.tail != nil {
		m.tail.Add(s.name, lines) // in the order in which lines are shown
	}
	if now := m.filter.Load(); now != filter { // formatted in vain
		for len(lines) > 0 {
			lines = lines[s.format(lines, now, time.Time{}):]
			m.put(s)
		}
		return
	}
	m.put(s)
}

// endLine ends the line that s has left open, if nobody else has.
func (m *Mux) endLine(s *Stream) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.end(s)
}

// end is endLine with the mutex held.
func (m *Mux) end(s *Stream) {
	if m.open == s {
		m.open = nil
		m.send([]byte{'\n'})
	}
}

// put writes the block that s has formatted, with the mutex held. Of its
// beginning, a newline and the prefix, only as much is used as the place where
// the last block ended asks for. A block that does not end in a newline leaves
// its line open.
func (m *Mux) put(s *Stream) {
	block := s.out
	if s.hidden {
		m.end(s) // what goes on is not what has been shown
		s.cut = false
	}
	if len(block) == 1 {
		return
	}
	if s.cut && len(block) > 1+s.indent && block[1+s.indent] == '\n' { // another has ended that line
		block = block[1+s.indent:] // its newline is the one before the next line
	}
	s.cut = false
	if len(block) == 1 {
		return
	}
	switch {
	case m.open == s && block[0] == '\r': // the line is written anew
	case m.open == s:
		block = block[1+s.indent:] // the line goes on
	case m.open == nil:
		block = block[1:]
	default:
		m.open.cut = true
		block[0] = '\n'
	}
	m.open = nil
	if block[len(block)-1] != '\n' {
		m.open = s
	}
	m.send(block)
}

// send writes to the writer, unless that has failed: nobody reads, and services
// must not block for that.
func (m *Mux) send(block []byte) {
	if m.err != nil {
		return
	}
	if _, err := m.w.Write(block); err != nil {
		m.err = err
		close(m.failed)
	}
}

// clock is the timestamp of a line.
func clock(t time.Time) string {
	if t.IsZero() {
		t = time.Now()
	}
	return t.Format("15:04:05.000 ")
}
