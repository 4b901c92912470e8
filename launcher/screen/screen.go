// Package screen keeps a few rows below a stream of lines on a terminal.
//
// The stream scrolls as it would without them, into the terminal's own history.
// Nothing is set up in the terminal that would have to be undone: the rows are
// erased before something is written and drawn again below it, in one write,
// and the cursor rests where the first of them begins. So erasing all below the
// cursor removes them, whatever has happened to the size of the terminal, and a
// prompt that comes after a sudden end takes their place.
//
// # Concurrency
//
// All methods may be called by any goroutine. What is written within a frame is
// drawn together, so that drawing the rows costs a flood next to nothing. While
// the terminal takes what has been drawn, in a goroutine for each time, what
// comes is gathered. A terminal that takes nothing blocks writers of much, and
// Suspend and Close.
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
	// frame is how long what is written may wait for more, once something has
	// just been drawn: a fiftieth of a second is no wait for the eye.
	frame = 20 * time.Millisecond

	// full is how much may wait; a writer of more waits itself.
	full = 64 << 10

	// enough is how much does not wait for the end of a frame.
	enough = full / 2
)

// Sequences of ECMA-48 and, for the first two, of terminals that show what is
// between them at once (others ignore them).
const (
	begin    = "\x1b[?2026h"
	end      = "\x1b[?2026l"
	erase    = "\r\x1b[J" // from the first column of the cursor's row on
	nowrap   = "\x1b[?7l" // a row that turns out wider than reckoned (tabs, new letters) stays one
	wrap     = "\x1b[?7h"
	eraseAll = "\x1b[H\x1b[2J"
)

// Erase removes the rows that the end of a program has left behind, if the
// cursor is still where they begin; a prompt in their place stays.
const Erase = "\x1b[0m" + wrap + "\x1b[J"

// ResetSequence undoes what a program may have done to a terminal: colours, the
// alternate screen, a hidden cursor, a scrolling region, pastes and mouse told
// as keys, application keys. To leave the alternate screen takes the cursor to
// where it was when that was entered, even long ago; so it is entered first.
const ResetSequence = "\x1b[0m\x1b[?1049h\x1b[?1049l\x1b[?25h\x1b7\x1b[r\x1b8" + wrap +
	"\x1b[?2004l\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?1l\x1b>"

// Screen is the one owner of a terminal. Make one with [New].
type Screen struct {
	w    io.Writer
	size func() terminal.Size

	mu      sync.Mutex // guards what follows
	rows    []Row
	cursor  int          // the column of the cursor in the first row
	lines   bytes.Buffer // whole lines that wait to be written
	open    []byte       // an unfinished line, which is drawn above the rows
	clear   bool         // the whole screen is to be erased first
	drawn   bool         // something is below the cursor
	asleep  bool         // between Suspend and Resume, and after Close: nothing is drawn
	timer   *time.Timer  // ends a frame; nil: none has begun
	due     bool         // something is to be drawn when the frame ends
	urgent  bool         // or as soon as the terminal has taken what is being written
	idle    *sync.Cond   // tells that it has
	out     bytes.Buffer // what is being written; the writer's as long as writing
	writing bool
	err     error
}

// New returns a Screen without rows. size is asked for the terminal's whenever
// something is drawn.
func New(w io.Writer, size func() terminal.Size) *Screen {
	s := &Screen{w: w, size: size}
	s.idle = sync.NewCond(&s.mu)
	return s
}

// Write writes lines of the stream, in which nothing may move the cursor. Of an
// unfinished line a later carriage return takes back what there is. The error may
// be one of an earlier Write.
func (s *Screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.lines.Len() > full && s.writing && !s.asleep {
		s.idle.Wait()
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
	if s.open = append(s.open, p...); len(s.open) > full { // no line for a person
		s.lines.Write(s.open)
		s.lines.WriteByte('\n')
		s.open = s.open[:0]
	}
	s.draw(s.lines.Len() > enough)
	return n, s.err
}

// Show replaces the rows, and puts the cursor on a column of the first.
func (s *Screen) Show(rows []Row, cursor int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if cursor == s.cursor && slices.EqualFunc(rows, s.rows, slices.Equal[Row]) {
		return
	}
	s.rows, s.cursor = rows, cursor
	s.draw(false)
}

// Redraw draws the rows anew, which another size of the terminal asks for; with
// clear, on a screen that is otherwise empty.
func (s *Screen) Redraw(clear bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clear = s.clear || clear
	s.draw(true)
}

// Suspend removes the rows. Until Resume the terminal belongs to the caller, and
// what is written waits, even if it is much.
func (s *Screen) Suspend() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle()
}

// Resume ends a Suspend. The cursor has to be in an empty row.
func (s *Screen) Resume() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asleep = false
	s.draw(true)
}

// Close writes what waits and removes the rows. What is written after it does
// not appear.
func (s *Screen) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.open) > 0 {
		s.lines.Write(s.open)
		s.lines.WriteByte('\n')
		s.open = nil
	}
	s.settle()
	return s.err
}

// settle writes what waits, without rows, and waits until that is done.
func (s *Screen) settle() {
	s.asleep = true
	s.idle.Broadcast()
	for s.writing {
		s.idle.Wait()
	}
	s.begin(nil)
	for s.writing {
		s.idle.Wait()
	}
}

// draw draws what there is, at the latest when the frame ends that the last
// drawing has begun, or now; but never before the terminal has taken that.
func (s *Screen) draw(now bool) {
	switch {
	case s.asleep:
	case s.writing, s.timer != nil && !now:
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

// block is what is drawn below the stream: an unfinished line, and the rows.
func (s *Screen) block() (block []Row) {
	if len(s.open) > 0 {
		block = append(block, parse(string(s.open)))
	}
	return append(block, s.rows...)
}

// begin begins to write the lines that wait, with a block below them.
func (s *Screen) begin(block []Row) {
	s.due, s.urgent, s.writing = false, false, true
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

// write writes to the terminal, unless that has failed, and begins anew if much
// has come meanwhile.
func (s *Screen) write(err error) {
	if err == nil {
		_, err = s.w.Write(s.out.Bytes())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writing, s.err = false, err
	if s.due {
		s.draw(s.urgent)
	}
	s.idle.Broadcast()
}

// below draws a block at the cursor, which then rests in the first row.
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
