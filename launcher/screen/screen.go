// Package screen keeps a few rows below a stream of lines on a terminal.
//
// The stream scrolls as it would without them, into the terminal's own history.
// The terminal is left in no mode that would have to be reset: each write erases
// the rows, adds to the stream, and draws the rows again below it. The cursor
// rests at the beginning of the first row. Erasing everything below the cursor
// therefore removes the rows, even after a resize, and a shell's prompt after a
// sudden exit overwrites them.
//
// # Concurrency
//
// Any goroutine may call any method. A Screen draws everything that is written
// within a frame at once, so that redrawing the rows costs next to nothing under a
// flood. A goroutine writes each drawing to the terminal; what is written
// meanwhile is buffered. A stalled terminal blocks Write when the buffer is full,
// and Suspend and Close.
package screen

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/devports/devports/launcher/terminal"
)

const (
	// frame is the minimum time between two drawings: the eye does not notice a
	// delay of a fiftieth of a second.
	frame = 20 * time.Millisecond

	// idleInterval is how long a flood may be drawn without an idle frame, in
	// which the rows stay on the screen. In terminals without synchronized
	// output (tmux 3.3) a flood would otherwise hide them.
	idleInterval = 100 * time.Millisecond

	// maxPending is how many bytes may be buffered before Write blocks.
	maxPending = 64 << 10

	// flushAt is how many bytes are drawn before the frame ends.
	flushAt = maxPending / 2
)

// Sequences of ECMA-48, except for the first two: terminals that know them show
// everything between them at once; others ignore them.
const (
	begin    = "\x1b[?2026h"
	end      = "\x1b[?2026l"
	erase    = "\r\x1b[J" // from the first column of the cursor's row
	nowrap   = "\x1b[?7l" // a row that is wider than computed (tabs, new characters) stays one row
	wrap     = "\x1b[?7h"
	eraseAll = "\x1b[H\x1b[2J"
)

// Erase removes the rows that a killed program has left behind if the cursor is
// still at their beginning. It keeps a prompt that has overwritten them.
const Erase = "\x1b[0m" + wrap + "\x1b[J"

// ResetSequence resets what a program may have set in a terminal: colours, the
// alternate screen, a hidden cursor, a scrolling region, bracketed paste, mouse
// reports, application keys. Leaving the alternate screen restores the cursor
// position of when it was entered, even long ago; so it is entered first.
const ResetSequence = "\x1b[0m\x1b[?1049h\x1b[?1049l\x1b[?25h\x1b7\x1b[r\x1b8" + wrap +
	"\x1b[?2004l\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?1l\x1b>"

// Screen owns a terminal. Create one with [New].
type Screen struct {
	w    io.Writer
	size func() terminal.Size

	mu      sync.Mutex // guards the fields below
	rows    []Row
	cursor  int          // the column of the cursor in the first row
	lines   bytes.Buffer // whole lines to be written
	open    []byte       // an unfinished line, which is drawn above the rows
	clear   bool         // erase the whole screen first
	drawn   bool         // something is below the cursor
	paused  bool         // between Suspend and Resume, and after Close: nothing is drawn
	timer   *time.Timer  // ends the frame; nil for none
	due     bool         // draw when the frame ends
	urgent  bool         // draw as soon as the current write has ended
	written *sync.Cond   // signalled when the current write has ended
	out     bytes.Buffer // what is being written; owned by write while writing
	writing bool
	wrote   time.Time // the end of the last write
	idledAt time.Time // the end of the last idle frame
	idling  bool      // the rows stay on the screen
	err     error
}

// New returns a Screen without rows. It calls size for the size of the terminal
// for each drawing.
func New(w io.Writer, size func() terminal.Size) *Screen {
	s := &Screen{w: w, size: size}
	s.written = sync.NewCond(&s.mu)
	return s
}

// Write writes lines of the stream, which must not move the cursor. A carriage
// return at the start of p erases the unfinished line. The error may be that of an
// earlier Write.
func (s *Screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.lines.Len() > maxPending && (s.writing || s.idling) && !s.paused {
		s.written.Wait()
	}
	n := len(p)
	if whole := bytes.LastIndexByte(p, '\n') + 1; whole > 0 {
		if p[0] != '\r' {
			s.lines.Write(s.open)
		}
		s.open = s.open[:0]
		s.lines.Write(bytes.TrimPrefix(p[:whole], []byte{'\r'}))
		p = p[whole:]
	}
	if len(p) > 0 && p[0] == '\r' {
		s.open, p = s.open[:0], p[1:]
	}
	if s.open = append(s.open, p...); len(s.open) > maxPending { // too long to stay unfinished
		s.lines.Write(s.open)
		s.lines.WriteByte('\n')
		s.open = s.open[:0]
	}
	s.draw(s.lines.Len() > flushAt)
	return n, s.err
}

// Show replaces the rows and puts the cursor on a column of the first.
func (s *Screen) Show(rows []Row, cursor int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if cursor == s.cursor && slices.EqualFunc(rows, s.rows, slices.Equal[Row]) {
		return
	}
	s.rows, s.cursor = rows, cursor
	s.draw(false)
}

// Redraw draws the rows again, for example after a resize; with clear, it erases
// the whole screen first.
func (s *Screen) Redraw(clear bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clear = s.clear || clear
	s.draw(true)
}

// Suspend removes the rows. Until Resume the terminal belongs to the caller, and
// Write buffers without limit.
func (s *Screen) Suspend() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drain()
}

// Resume draws the rows again after Suspend. The cursor must be in an empty row.
func (s *Screen) Resume() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.paused = false
	s.draw(true)
}

// Close writes what is buffered and removes the rows. What is written after it is
// not shown.
func (s *Screen) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.open) > 0 {
		s.lines.Write(s.open)
		s.lines.WriteByte('\n')
		s.open = nil
	}
	s.drain()
	return s.err
}

// drain writes what is buffered, without rows, and waits for the end of that.
func (s *Screen) drain() {
	s.paused = true
	s.written.Broadcast()
	for s.writing {
		s.written.Wait()
	}
	s.begin(nil)
	for s.writing {
		s.written.Wait()
	}
}

// draw draws everything when the current frame ends, or now, but not before the
// terminal has taken the last drawing.
func (s *Screen) draw(now bool) {
	switch {
	case s.paused:
	case s.writing, s.idling, s.timer != nil && !now:
		s.due, s.urgent = true, s.urgent || now
	default:
		s.begin(s.block())
		if s.timer == nil {
			s.timer = time.AfterFunc(frame, s.endFrame)
		}
	}
}

func (s *Screen) endFrame() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.timer = nil
	if s.due {
		s.draw(false)
	}
}

// block returns what is drawn below the stream: an unfinished line, and the rows.
func (s *Screen) block() (block []Row) {
	if len(s.open) > 0 {
		block = append(block, parse(string(s.open)))
	}
	return append(block, s.rows...)
}

// begin starts to write the buffered lines, with a block below them.
func (s *Screen) begin(block []Row) {
	s.due, s.urgent, s.writing = false, false, true
	if now := time.Now(); now.Sub(s.wrote) >= frame {
		s.idledAt = now
	}
	out := &s.out
	out.Reset()
	if s.clear {
		out.WriteString(eraseAll)
		s.clear = false
	}
	out.WriteString(begin)
	if s.drawn {
		out.WriteString(erase)
	}
	_, _ = s.lines.WriteTo(out)
	if s.drawn = len(block) > 0; s.drawn {
		s.below(out, block, s.size().Columns-1) // the last one would wrap
	}
	out.WriteString(end)
	go s.write(s.err)
}

// write writes to the terminal, unless that has failed, and starts the next
// drawing if one is due.
func (s *Screen) write(err error) {
	if err == nil {
		_, err = s.w.Write(s.out.Bytes())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writing, s.err, s.wrote = false, err, time.Now()
	if s.idling = s.drawn && s.wrote.Sub(s.idledAt) >= idleInterval; s.idling {
		time.AfterFunc(frame, s.endIdleFrame)
	}
	s.next()
}

// endIdleFrame ends an idle frame.
func (s *Screen) endIdleFrame() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.idling = false
	s.next()
}

// next starts the next drawing if one is due, and lets waiting writers continue.
func (s *Screen) next() {
	if s.due {
		s.draw(s.urgent)
	}
	s.written.Broadcast()
}

// below draws a block at the cursor and moves the cursor back to its first row.
func (s *Screen) below(out *bytes.Buffer, block []Row, columns int) {
	out.WriteString(nowrap)
	for i, row := range block {
		if i > 0 {
			out.WriteByte('\n')
		}
		row.cut(columns).write(out)
	}
	out.WriteString(wrap)
	if len(block) > 1 {
		fmt.Fprintf(out, "\x1b[%dA", len(block)-1)
	}
	out.WriteByte('\r')
	if s.cursor > 0 && len(s.open) == 0 {
		fmt.Fprintf(out, "\x1b[%dC", min(s.cursor, columns))
	}
}
