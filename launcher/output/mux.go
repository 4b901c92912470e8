// Package output merges what services print into one stream: whole lines, each
// service's in the order it wrote them, each behind the service's name.
//
// # Concurrency
//
// Every service has a [Stream] whose Copy runs in a goroutine of its own: it
// reads large blocks, adds the prefixes, and writes a block of whole lines at a
// time. One mutex guards the writer, so a stalled reader blocks the services, as
// it would without devports. It never blocks the caller of [Mux.Say] or
// [Mux.Stream]: devports' own lines wait in an unbounded queue.
package output

import (
	"context"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/devports/devports/launcher/buffer"
)

// Style is how lines are formatted.
type Style struct {
	Colors     []string // SGR parameters that names get in turn; nil: no colours
	Timestamps bool     // the time of day before each line
	NoPrefix   bool     // no names, and no lines of devports' own
	Printable  bool     // no control sequences but colours and links: nothing moves the cursor
	Pipe       bool     // with Printable: what would overwrite a line follows it, and BEL and the like may pass

	// NameWidth returns the width that names may have now; longer ones are
	// shortened in the middle. nil: any width. It must be safe for concurrent use.
	NameWidth func() int
}

// separator separates a name from the line.
const separator = " | "

// Own is the name in front of devports' own lines; ownColor is bold.
const (
	Own      = "devports"
	ownColor = "1"
)

// Mux owns the writer that all services share. Create one with [New].
type Mux struct {
	style      Style
	names      names
	streams    sync.WaitGroup
	says       *queue
	done       chan struct{}                  // closed when the whole queue has been written
	failed     chan struct{}                  // closed at the first failure of the writer
	blocks     chan []byte                    // free buffers: one is written while another is filled
	spare      chan *buffer.Buffer            // see input
	wideInputs atomic.Int32                   // services whose pipes have been widened
	tail       *Tail                          // nil for none
	record     func(service string) Recording // nil for none
	filter     atomic.Pointer[Filter]         // what is shown; nil for everything. Set with mu held

	order sync.Mutex // held from the time lines enter the tail until mu is locked to write them

	mu   sync.Mutex // guards the fields below; held during a write
	w    io.Writer
	err  error
	wide bool    // the writer has been widened if it is a pipe
	open *Stream // the stream whose unfinished line is the last thing written
}

// New returns a Mux that writes to w. Names are padded to the longest of
// services; a longer one that is added later widens the column.
func New(w io.Writer, style Style, services ...string) *Mux {
	m := &Mux{
		style: style, w: w, says: newQueue(),
		names: names{palette: style.Colors, limit: style.NameWidth, width: len(Own), colors: map[string]string{}},
		done:  make(chan struct{}), failed: make(chan struct{}),
		blocks: make(chan []byte, 2), spare: make(chan *buffer.Buffer, maxSpare),
	}
	m.blocks <- nil
	m.blocks <- nil
	for _, name := range services {
		m.names.add(name)
	}
	go m.writeSays()
	return m
}

// Keep makes m keep its latest output in tail. It must be called before the first
// Stream or Say.
func (m *Mux) Keep(tail *Tail) { m.tail = tail }

// Recording receives the output of one process. It must not block for long.
type Recording interface {
	// Record records lines, the last of which may be unfinished. shared is the
	// buffer in which they are, nil if they have to be copied to be kept.
	Record(lines []byte, shared *buffer.Buffer)

	Close() // the process has ended
}

// Record sets where the output is recorded as well. It must be called before the
// first Stream or Say.
func (m *Mux) Record(begin func(service string) Recording) { m.record = begin }

// Stream returns a new stream for the output of a service. The caller must call
// its [Stream.Copy]. Stream never blocks.
func (m *Mux) Stream(name string) *Stream {
	m.streams.Add(1)
	s := &Stream{mux: m, name: name, color: m.names.add(name), done: make(chan struct{})}
	s.beginRecording()
	return s
}

// PrefixWidth returns the number of columns before each line of a service.
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

// Say writes a line of devports' own, after everything that streams have written
// so far. It never blocks.
func (m *Mux) Say(text string) {
	if !m.style.NoPrefix {
		m.says.add(text)
	}
}

// writeSays writes the queue until it is closed and empty.
func (m *Mux) writeSays() {
	defer close(m.done)
	own := &Stream{mux: m, name: Own, color: ownColor}
	defer own.endRecording()
	for {
		lines, more := m.says.take()
		if len(lines) > 0 && own.recording == nil { // Record is called after New
			own.beginRecording()
		}
		for _, line := range lines {
			own.emit([]byte(strings.TrimSuffix(line, "\n") + "\n"))
		}
		if !more {
			return
		}
	}
}

// Close waits until all streams have been copied and everything is written, or
// until ctx is done. It returns the first error of the writer. After it, Stream
// must not be called, and Say writes nothing.
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

// Failed returns a channel that is closed when the writer has failed, for example
// because its pipe is closed: no process will read the output of the services.
func (m *Mux) Failed() <-chan struct{} { return m.failed }

// write writes lines of s, which it has formatted for a filter.
func (m *Mux) write(s *Stream, lines []byte, shared *buffer.Buffer, filter *Filter) {
	m.keep(s, lines, shared)
	defer m.mu.Unlock()
	now := m.filter.Load()
	if now == filter {
		m.put(s)
		return
	}
	for len(lines) > 0 { // formatted for another filter
		lines = lines[s.format(lines, now, time.Time{}):]
		m.put(s)
	}
}

// keep adds lines to the tail, records them, and locks mu. The tail gets them
// in the order in which they are written, and while those of another stream are
// being written.
func (m *Mux) keep(s *Stream, lines []byte, shared *buffer.Buffer) {
	if len(lines) < minShared {
		shared = nil
	}
	m.order.Lock()
	defer m.order.Unlock()
	if m.tail != nil {
		m.tail.add(s.name, lines, shared)
	}
	if s.recording != nil {
		s.recording.Record(lines, shared)
	}
	m.mu.Lock()
}

// endLine ends the line that s has left open, unless another stream has.
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

// put writes the block that s has formatted; mu is held. A block begins with a
// newline and a prefix; put leaves out what is not needed after the last block. A
// block that does not end in a newline leaves its line open.
func (m *Mux) put(s *Stream) {
	block := s.out
	if s.hidden {
		m.end(s) // the open line does not continue
		s.cut = false
	}
	if len(block) == 1 {
		return
	}
	if s.cut && len(block) > 1+s.indent && block[1+s.indent] == '\n' { // another stream has ended that line
		block = block[1+s.indent:] // the newline of that line comes before the next one
	}
	s.cut = false
	if len(block) == 1 {
		return
	}
	switch {
	case m.open == s && block[0] == '\r': // the line is overwritten
		if m.style.Pipe {
			block[0] = '\n'
		}
	case m.open == s:
		block = block[1+s.indent:] // the line continues
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

// send writes to the writer. After a failure it discards the block: no process
// reads, and that must not block the services.
func (m *Mux) send(block []byte) {
	if m.err != nil {
		return
	}
	if len(block) >= widenAt && !m.wide {
		m.wide = true
		widen(m.w, wideOutput)
	}
	if _, err := m.w.Write(block); err != nil {
		m.err = err
		close(m.failed)
	}
}

// clock returns the timestamp of a line, of now for the zero time.
func clock(t time.Time) string {
	if t.IsZero() {
		t = time.Now()
	}
	return t.Format("15:04:05.000 ")
}
