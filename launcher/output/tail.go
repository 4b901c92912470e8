package output

import (
	"bytes"
	"slices"
	"sort"
	"sync"
	"time"

	"github.com/devports/devports/launcher/buffer"
)

const (
	// tailBytes is how much of the latest output a Tail keeps.
	tailBytes = 1 << 20

	// chunkBytes is how much memory a Tail allocates at a time.
	chunkBytes = 16 << 10

	// tailBlocks limits the number of blocks, which take memory as well.
	tailBlocks = 1 << 14
)

// Tail keeps the latest output of all services for readers that come later. Each
// reads at its own pace and misses what is overwritten meanwhile: writers never
// wait. The zero Tail is empty.
type Tail struct {
	mu     sync.Mutex                     // guards the fields below
	ring   [tailBytes / chunkBytes][]byte // byte n of all copied output is at n % tailBytes; chunks are allocated when first used
	copied int64                          // the number of bytes copied to the ring so far
	end    int64                          // the number of bytes so far
	blocks []block                        // the oldest first
	gone   int                            // how many of blocks, at its start, have been forgotten
	lines  int64                          // the number of lines so far
	more   chan struct{}
}

// block is what one service printed at one time: whole lines, except that the
// last may lack its newline.
type block struct {
	service string
	at      int64 // nanoseconds since 1970
	start   int64 // among all bytes
	line    int64 // the number of its first line
	length  int32
	lines   int32
	shared  *buffer.Buffer // nil: the text is in the ring
	pos     int64          // of the text, among all copied bytes or in shared
}

// Line is a line that a service has printed.
type Line struct {
	Service string    `json:"service"`
	Time    time.Time `json:"time"`
	Text    string    `json:"line"`
}

// Add keeps what a service has printed: lines, the last of which may lack its
// newline. Of a text longer than tailBytes it keeps the end.
func (t *Tail) Add(service string, text []byte) { t.add(service, text, nil) }

// add is Add of a text in a shared buffer, if that is not nil, which it keeps
// instead of copying the text.
func (t *Tail) add(service string, text []byte, shared *buffer.Buffer) {
	text = text[max(0, len(text)-tailBytes):]
	lines := bytes.Count(text, newline)
	if len(text) > 0 && text[len(text)-1] != '\n' {
		lines++
	}
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.makeRoom()
	b := block{
		service: service, at: now.UnixNano(), start: t.end, line: t.lines, length: int32(len(text)), lines: int32(lines),
		shared: shared.Retain(), pos: t.copied,
	}
	if shared != nil {
		b.pos = shared.Offset(text)
	} else {
		t.write(text)
	}
	t.blocks = append(t.blocks, b)
	t.lines += int64(lines)
	t.end += int64(len(text))
	for t.blocks[t.gone].start < t.end-tailBytes || len(t.blocks)-t.gone > tailBlocks {
		t.blocks[t.gone].shared.Release()
		t.blocks[t.gone].shared = nil
		t.gone++
	}
	if t.more != nil {
		close(t.more)
		t.more = nil
	}
}

// makeRoom moves blocks to the start of their array when it is full, rather than
// let append allocate another one, unless too few have been forgotten for that.
func (t *Tail) makeRoom() {
	if len(t.blocks) == cap(t.blocks) && t.gone > len(t.blocks)/4 {
		t.blocks = t.blocks[:copy(t.blocks, t.blocks[t.gone:])]
		t.gone = 0
	}
}

var newline = []byte{'\n'}

// write puts text at the end of the ring.
func (t *Tail) write(text []byte) {
	for len(text) > 0 {
		n := copy(t.from(t.copied), text)
		t.copied += int64(n)
		text = text[n:]
	}
}

// from returns the ring from a position to the end of its chunk.
func (t *Tail) from(position int64) []byte {
	at := position % tailBytes
	chunk := &t.ring[at/chunkBytes]
	if *chunk == nil {
		*chunk = make([]byte, chunkBytes)
	}
	return (*chunk)[at%chunkBytes:]
}

// text returns a copy of a block.
func (t *Tail) text(b block) []byte {
	text := make([]byte, b.length)
	if b.shared != nil {
		copy(text, b.shared.Bytes[b.pos:])
		return text
	}
	for n := 0; n < len(text); {
		n += copy(text[n:], t.from(b.pos+int64(n)))
	}
	return text
}

// blocksFrom returns the blocks with line next and all later lines, the number
// of the line after them, how many lines since next are no longer kept, and a
// channel that is closed when there is more; mu is held.
func (t *Tail) blocksFrom(next int64) (blocks []block, after, missed int64, more <-chan struct{}) {
	kept := t.blocks[t.gone:]
	first := t.lines
	if len(kept) > 0 {
		first = kept[0].line
	}
	begin := sort.Search(len(kept), func(i int) bool { return kept[i].line+int64(kept[i].lines) > next })
	if t.more == nil {
		t.more = make(chan struct{})
	}
	return kept[begin:], t.lines, max(0, first-next), t.more
}

// Since returns line next and all later lines; lines are numbered from 0 in the
// order they were printed. after is the number of the line after them, missed
// is how many lines since next are no longer kept, and more is closed when
// there are more lines.
func (t *Tail) Since(next int64) (lines []Line, after, missed int64, more <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	blocks, after, missed, more := t.blocksFrom(next)
	for _, b := range blocks {
		number := b.line
		for text := range bytes.Lines(t.text(b)) {
			if number >= next {
				lines = append(lines, Line{b.service, time.Unix(0, b.at), string(bytes.TrimRight(text, "\r\n"))})
			}
			number++
		}
	}
	return lines, after, missed, more
}

// Last returns the last n lines of a service, as they look on a terminal, that
// it has printed since a time.
func (t *Tail) Last(service string, n int, since time.Time) []string {
	t.mu.Lock()
	kept := t.blocks[t.gone:]
	var text []byte
	for i := len(kept) - 1; i >= 0 && kept[i].at >= since.UnixNano() && bytes.Count(text, newline) <= n; i-- {
		if kept[i].service == service {
			text = append(t.text(kept[i]), text...)
		}
	}
	t.mu.Unlock()
	var lines []string
	for line := range bytes.Lines(text) {
		lines = append(lines, Plain(string(bytes.TrimRight(line, "\r\n"))))
	}
	return lines[max(0, len(lines)-n):]
}

// has reports whether output of a service is kept.
func (t *Tail) has(service string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.ContainsFunc(t.blocks[t.gone:], func(b block) bool { return b.service == service })
}

// Block is what a service printed at one time: whole lines, except that the last
// may lack its newline.
type Block struct {
	Service string    `json:"service"`
	Time    time.Time `json:"time"`
	Text    []byte    `json:"text"`
}

// Blocks is Since, but returns the output unchanged, as blocks. The first block may
// begin before line next. Blocks of one service that follow each other are one.
func (t *Tail) Blocks(next int64) (blocks []Block, after, missed int64, more <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	found, after, missed, more := t.blocksFrom(next)
	for _, b := range found {
		if n := len(blocks) - 1; n >= 0 && blocks[n].Service == b.service && len(blocks[n].Text) < maxBuffer {
			blocks[n].Text = append(blocks[n].Text, t.text(b)...)
			continue
		}
		blocks = append(blocks, Block{b.service, time.Unix(0, b.at), t.text(b)})
	}
	return blocks, after, missed, more
}
