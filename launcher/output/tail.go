package output

import (
	"bytes"
	"sync"
	"time"
)

const (
	// tailBytes is how much of the latest output a Tail keeps.
	tailBytes = 1 << 20

	// blockBytes is what a block takes besides its text.
	blockBytes = 96
)

// Tail keeps the latest output of all services, for those who ask later. Each
// reads at its own pace, and what is overwritten meanwhile only that one misses:
// writers never wait. The zero Tail is empty.
type Tail struct {
	mu     sync.Mutex // guards what follows
	blocks []block    // the oldest first
	size   int        // bytes of all blocks
	first  int64      // how many lines came before those in blocks
	more   chan struct{}
}

// block is what one service printed at one time: whole lines, of which the last
// may lack its newline.
type block struct {
	service string
	at      time.Time
	text    []byte
	lines   int
}

// Line is a line that a service has printed.
type Line struct {
	Service string    `json:"service"`
	Time    time.Time `json:"time"`
	Text    string    `json:"line"`
}

// Add keeps what a service has printed: lines, of which the last may lack its
// newline.
func (t *Tail) Add(service string, text []byte) {
	lines := bytes.Count(text, newline)
	if len(text) > 0 && text[len(text)-1] != '\n' {
		lines++
	}
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.size += len(text) + blockBytes
	var free []byte // of a block that is dropped
	for t.size > tailBytes && len(t.blocks) > 0 {
		old := t.blocks[0]
		t.blocks[0] = block{}
		t.blocks = t.blocks[1:]
		t.size -= len(old.text) + blockBytes
		t.first += int64(old.lines)
		if fits := cap(old.text) >= len(text) && cap(old.text) <= 2*len(text); fits {
			free = old.text
		}
	}
	t.blocks = append(t.blocks, block{service, now, append(free[:0], text...), lines})
	if t.more != nil {
		close(t.more)
		t.more = nil
	}
}

var newline = []byte{'\n'}

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
			for text := range bytes.Lines(b.text) {
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
