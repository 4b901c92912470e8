package dashboard

import (
	"context"
	"errors"
	"time"

	"github.com/devports/devports/launcher/logstore"
)

// batch collects lines for a message.
type batch struct {
	id     int
	socket socket
	ctx    context.Context
	lines  []logstore.Line // a Line without service is the end of a run
	left   int64           // lines that were left out
	start  bool

	tokens float64 // lines that may be sent
	filled time.Time
}

func (b *batch) add(l logstore.Line) {
	b.lines = append(b.lines, l)
	if len(b.lines) >= 2*lineRate {
		b.trim(lineRate)
	}
}

func (b *batch) addRun(text string, at logstore.Cursor) {
	b.add(logstore.Line{Time: time.Now(), Text: text, Cursor: at})
}

// trim leaves out all but the last n lines.
func (b *batch) trim(n int) {
	surplus := max(0, len(b.lines)-n)
	for _, l := range b.lines[:surplus] {
		b.left += max(1, l.Missed)
	}
	b.lines = append(b.lines[:0], b.lines[surplus:]...)
}

var errClosed = errors.New("the page is closed")

// flush sends the lines, and waits a little.
func (b *batch) flush() error {
	now := time.Now()
	b.tokens = min(lineRate, b.tokens+lineRate*now.Sub(b.filled).Seconds())
	b.filled = now
	if len(b.lines) == 0 && b.left == 0 && !b.start {
		return nil
	}
	b.trim(int(b.tokens))
	b.tokens -= float64(len(b.lines))
	m := linesMessage{Follow: b.id, Lines: make([]line, len(b.lines)), Skipped: b.left, Start: b.start}
	for i, l := range b.lines {
		if l.Service == "" && l.Missed == 0 {
			m.Lines[i] = line{Cursor: l.Cursor.String(), Time: l.Time.UnixMilli(), Run: l.Text}
			continue
		}
		m.Lines[i] = lineOf(l)
	}
	b.lines, b.left, b.start = b.lines[:0], 0, false
	if b.socket.send(m) != nil {
		return errClosed
	}
	select {
	case <-time.After(linesPause):
		return nil
	case <-b.ctx.Done():
		return b.ctx.Err()
	}
}
