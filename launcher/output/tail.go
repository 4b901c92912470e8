package output

import (
	"bytes"
	"sync"
	"time"
)

const (
	// tailBytes is how much of the latest output a Tail keeps.
	tailBytes = 1 << 20

	// tailBlocks is in how many blocks at most, since they take memory as well.
	tailBlocks = 1 << 14
)

// Tail keeps the latest output of all services, for those who ask later. Each
// reads at its own pace, and what is overwritten meanwhile only that one misses:
// writers never wait. The zero Tail is empty.
type Tail struct {
	mu     sync.Mutex // guards what follows
	ring   []byte     // of tailBytes, once it has been full: byte n of all output is at n % tailBytes
	end    int64      // how many bytes there have been
	blocks []block    // the oldest first
	first  int64      // how many lines came before those in blocks
	more   chan struct{}
}

// block is what one service printed at one time: whole lines, of which the last
// may lack its newline.
type block struct {
	service string
	at      time.Time
	start   int64 // among all bytes
	length  int
	lines   int
}

// Line is a line that a service has printed.
type Line struct {
	Service string    `json:"service"`
	Time    time.Time `json:"time"`
	Text    string    `json:"line"`
}

// Add keeps what a service has printed: lines, of which the last may lack its
// newline. Of more than a Tail keeps, the end.
func (t *Tail) Add(service string, text []byte) {
	text = text[max(0, len(text)-tailBytes):]
	lines := bytes.Count(text, newline)
	if len(text) > 0 && text[len(text)-1] != '\n' {
		lines++
	}
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.blocks = append(t.blocks, block{service, now, t.end, len(text), lines})
	t.write(text)
	for oldest := t.blocks[0]; oldest.start < t.end-tailBytes || len(t.blocks) > tailBlocks; oldest = t.blocks[0] {
		t.first += int64(oldest.lines)
		t.blocks = t.blocks[1:]
	}
	if t.more != nil {
		close(t.more)
		t.more = nil
	}
}

var newline = []byte{'\n'}

// write puts text at the end of the ring, which grows until it is full.
func (t *Tail) write(text []byte) {
	if grow := min(len(text), tailBytes-len(t.ring)); grow > 0 {
		t.ring = append(t.ring, text[:grow]...)
		t.end += int64(grow)
		text = text[grow:]
	}
	for len(text) > 0 {
		n := copy(t.ring[t.end%tailBytes:], text)
		t.end += int64(n)
		text = text[n:]
	}
}

// text is what a block holds.
func (t *Tail) text(b block) []byte {
	text := make([]byte, 0, b.length)
	at := int(b.start % tailBytes)
	text = append(text, t.ring[at:min(at+b.length, len(t.ring))]...)
	return append(text, t.ring[:b.length-len(text)]...)
}

// Since returns the lines from the number next on, which counts all lines ever
// printed from 0; the number of the line that will come after them; how many
// from next on are not kept any more; and a channel that is closed when there
// are more.
func (t *Tail) Since(next int64) (lines []Line, after, missed int64, more <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	number := t.first
	missed = max(0, number-next)
	for _, b := range t.blocks {
		if number+int64(b.lines) > next {
			i := number
			for text := range bytes.Lines(t.text(b)) {
				if i >= next {
					lines = append(lines, Line{b.service, b.at, string(bytes.TrimRight(text, "\r\n"))})
				}
				i++
			}
		}
		number += int64(b.lines)
	}
	if t.more == nil {
		t.more = make(chan struct{})
	}
	return lines, number, missed, t.more
}
