package logstore

import (
	"bytes"
	"os"
	"sync"
	"time"

	"github.com/devports/devports/launcher/buffer"
)

const (
	// flushDelay is the maximum time that text stays in memory.
	flushDelay = 25 * time.Millisecond

	// flushAt is the amount of pending text that is written without delay. To wake
	// the writing goroutine takes as long as copying 100 KB.
	flushAt = 512 << 10

	// maxPending limits the pending text in memory. When there is more, Record
	// waits for the disk, or drops the text once the waitBudget is used up.
	maxPending = 4 << 20

	// minSpeed is the speed of the disk, in bytes per second, below which lines
	// are dropped rather than services delayed.
	minSpeed = 10_000_000

	// maxWait is how long Record waits for a disk that does not respond.
	maxWait = 500 * time.Millisecond

	// trimDelay is the time until the store is trimmed, which reads about all
	// runs: services are starting.
	trimDelay = 50 * time.Millisecond

	// retryDelay is the time between a failed write and the next attempt.
	retryDelay = 5 * time.Second
)

// Recorder records a run. [Store.Begin] returns one.
type Recorder struct {
	store   Store
	about   RunID
	failure func(error)
	pages   int // of a full segment

	wake chan struct{} // there is as much text to write as wakeAt says
	stop chan struct{} // closed when recording ends
	done chan struct{} // closed when everything has been written

	syncs chan chan struct{} // each is closed once all pending text has been written

	mu         sync.Mutex // guards the fields below
	services   map[string]*service
	order      []*service // as they came
	last       int64      // time of the latest block
	queued     int        // bytes in chunks
	writing    int        // bytes in chunks that are being written
	wakeAt     int        // queued bytes at which the writing goroutine wants to be woken; 0 for none
	closed     bool
	failed     error          // of the last write; nil if it succeeded
	retry      time.Time      // the time of the next attempt
	copies     *buffer.Buffer // where the next header or text is copied to; nil for none
	waitBudget time.Duration  // how long Record may still wait for the disk
	written    chan struct{}  // closed when some of what is pending has been written; nil: nothing waits

	// The following belongs to the writing goroutine.
	trimDue  <-chan time.Time // nil: there is nothing to trim
	path     string           // of the directory of the run; "" until it exists
	head     *os.File
	release  func() error // of the lock
	reported bool
	ended    End
}

// service is the recording of a service. The mutex of the Recorder guards it,
// except for the fields of the writing goroutine.
type service struct {
	name    string
	pages   int     // of a full segment
	segment uint32  // of the next block
	pos     int     // in the segment
	chunks  []chunk // to be written
	epoch   int     // counts the times that unfinished lines were cut
	open    int     // number of streams with an unfinished line
	lost    int64   // lines that are not yet in a gap
	cause   error   // why
	streams uint16

	// The following belongs to the writing goroutine.
	file     *os.File
	fileOf   uint32   // the segment that file is
	segments []uint32 // those on disk, the oldest first
}

// chunk is a pending part of a page.
type chunk struct {
	segment uint32
	pos     int
	length  int
	parts   [][]byte         // of blocks; the first begins with a whole header
	buffers []*buffer.Buffer // in which parts are, each with the chunk as an owner
	end     int              // of the last part in buffers; 0: it cannot be extended
}

// Stream records one process of a service. It must not be used by several
// goroutines at once. A nil Stream records nothing.
type Stream struct {
	recorder *Recorder
	service  *service
	id       uint16

	// The unfinished line, if epoch is that of the service.
	epoch int
	start int // position of the block in which it begins
	size  int
}

// Stream returns a stream for a process of a service. For a nil Recorder, it
// returns nil.
func (r *Recorder) Stream(name string) *Stream {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.services[name]
	if s == nil {
		s = &service{name: name, pages: r.pages, segment: 1}
		r.services[name] = s
		r.order = append(r.order, s)
	}
	s.streams++
	return &Stream{recorder: r, service: s, id: s.streams, epoch: -1}
}

// Record records text. Its last line may be unfinished; the next text then
// continues it. If shared is not nil, the text is in it, and is kept there
// instead of being copied. While maxPending bytes are pending, Record waits for
// the disk, until the waitBudget of the Recorder is used up. It then drops the
// text.
func (st *Stream) Record(text []byte, shared *buffer.Buffer) {
	if st == nil || len(text) == 0 {
		return
	}
	r, s := st.recorder, st.service
	r.mu.Lock()
	defer r.mu.Unlock()
	fits := r.awaitRoom(len(text))
	if r.closed {
		return
	}
	now := time.Now()
	if !fits || r.failed != nil && now.Before(r.retry) {
		s.lose(countLines(text), r.failed)
		return
	}
	if s.lost > 0 {
		st.putGap(now)
	}
	for len(text) > 0 {
		text = text[st.put(text, shared, now):]
	}
	r.signal()
}

// awaitRoom waits until n bytes more may be pending, and reports whether they may.
// The mutex is held, except while it waits.
func (r *Recorder) awaitRoom(n int) bool {
	for r.queued+r.writing+n > maxPending && !r.closed {
		if r.waitBudget <= 0 || r.failed != nil {
			return false
		}
		if r.written == nil {
			r.written = make(chan struct{})
		}
		written, waitBudget, begin := r.written, r.waitBudget, time.Now()
		r.mu.Unlock()
		select {
		case <-written:
		case <-time.After(waitBudget):
		}
		r.mu.Lock()
		r.waitBudget -= time.Since(begin)
	}
	return true
}

// Close ends the unfinished line, if there is one.
func (st *Stream) Close() {
	if st == nil {
		return
	}
	r := st.recorder
	r.mu.Lock()
	defer r.mu.Unlock()
	if st.unfinished() && !r.closed {
		st.put([]byte{'\n'}, nil, time.Now())
		r.signal()
	}
}

// signal wakes the writing goroutine if it waits for what is queued. The mutex is
// held.
func (r *Recorder) signal() {
	if r.wakeAt > 0 && r.queued >= r.wakeAt {
		r.wakeAt = 0
		r.wake <- struct{}{} // it has room: see await
	}
}

// unfinished reports whether the stream has an unfinished line.
func (st *Stream) unfinished() bool { return st.epoch == st.service.epoch }

// lose counts dropped lines and cuts the unfinished ones.
func (s *service) lose(lines int64, cause error) {
	s.lost += lines
	s.cause = cause
	s.cut()
}

// cut ends all unfinished lines.
func (s *service) cut() {
	s.epoch++
	s.open = 0
}

// put adds a block with the beginning of text, and returns the length of that.
// The mutex of the recorder is held.
func (st *Stream) put(text []byte, shared *buffer.Buffer, now time.Time) int {
	s := st.service
	room := s.room(len(text))
	n := min(len(text), room)
	if n < len(text) {
		if whole := bytes.LastIndexByte(text[:n], '\n') + 1; whole > 0 {
			n = whole
		}
	}
	h := header{stream: st.id}
	first := bytes.IndexByte(text[:n], '\n')
	continues := st.unfinished()
	if continues {
		h.flags = flagContinues
		h.back = uint32(s.pos - st.start)
		if first < 0 {
			n = min(n, MaxLine-st.size)
		}
	}
	last := n - 1 - bytes.LastIndexByte(text[:n], '\n') // length of the unfinished line
	if continues && first < 0 {
		last += st.size
	}
	open := text[n-1] != '\n' && last < MaxLine
	if open {
		h.flags |= flagOpen
	}
	if open && (!continues || first >= 0) {
		st.start = s.pos
	}
	switch {
	case open && !continues:
		s.open++
		st.epoch = s.epoch
	case continues && !open:
		s.open--
		st.epoch = -1
	}
	st.size = last
	st.recorder.add(s, h, text[:n], shared, now)
	return n
}

// putGap adds a gap for the lines that were dropped.
func (st *Stream) putGap(now time.Time) {
	s := st.service
	cause := "the disk was too slow"
	if s.cause != nil {
		cause = s.cause.Error()
	}
	s.room(len(cause))
	st.recorder.add(s, header{flags: flagGap, back: uint32(min(s.lost, 1<<32-1)), stream: st.id}, []byte(cause), nil, now)
	s.lost, s.cause = 0, nil
}

// room returns the maximum length of the next block for n bytes of text. It
// starts a new page or segment if necessary.
func (s *service) room(n int) int {
	left := pageLen - s.pos%pageLen - headerLen
	if left < min(n, minPiece) {
		s.pos += headerLen + left
		left = pageLen - headerLen
	}
	if s.pos >= s.pages*pageLen || s.pos >= earlyEnd(s.pages)*pageLen && s.open == 0 {
		s.cut()
		s.segment++
		s.pos, left = 0, pageLen-headerLen
	}
	return left
}

// add adds a block at the current position.
func (r *Recorder) add(s *service, h header, text []byte, shared *buffer.Buffer, now time.Time) {
	r.last = max(now.UnixNano(), r.last+1)
	h.time, h.segment, h.length = r.last, s.segment, uint32(len(text))
	last := len(s.chunks) - 1
	if last < 0 || s.pos%pageLen == 0 || s.chunks[last].pos+s.chunks[last].length != s.pos {
		s.chunks = append(s.chunks, chunk{segment: s.segment, pos: s.pos})
		last++
	}
	c := &s.chunks[last]
	var encoded [headerLen]byte
	r.addCopy(c, h.appendTo(encoded[:0]))
	if shared == nil {
		r.addCopy(c, text)
	} else {
		c.add(text, shared)
	}
	s.pos += headerLen + len(text)
	r.queued += headerLen + len(text)
}

// addCopy copies a header or a text to the end of a chunk.
func (r *Recorder) addCopy(c *chunk, text []byte) {
	for len(text) > 0 {
		if r.copies == nil || buffer.Size-r.copies.Used < headerLen {
			r.copies.Release()
			r.copies = buffer.New()
		}
		b := r.copies
		start := b.Used
		n := copy(b.Bytes[start:], text)
		b.Used += n
		text = text[n:]
		if last := len(c.parts) - 1; c.end == start && start > 0 && c.buffers[last] == b {
			c.parts[last] = b.Bytes[start-len(c.parts[last]) : start+n]
			c.length += n
		} else {
			c.add(b.Bytes[start:start+n], b)
		}
		c.end = b.Used
	}
}

// add adds a part that is in a shared buffer.
func (c *chunk) add(part []byte, shared *buffer.Buffer) {
	c.parts = append(c.parts, part)
	c.buffers = append(c.buffers, shared.Retain())
	c.length += len(part)
	c.end = 0
}

// release gives up what the chunk owns, once it has been written or dropped.
func (c *chunk) release() {
	for _, b := range c.buffers {
		b.Release()
	}
	c.parts, c.buffers = nil, nil
}

// lines counts the lines that end in a chunk, and those missing in its gaps.
func (c *chunk) lines() (n int64) {
	for text := bytes.Join(c.parts, nil); len(text) > 0; {
		h, ok := parseHeader(text, c.segment)
		if !ok {
			return n
		}
		if h.flags&flagGap != 0 {
			n += int64(h.back)
		} else {
			n += countLines(text[headerLen : headerLen+int(h.length)])
		}
		text = text[headerLen+int(h.length):]
	}
	return n
}

var newline = []byte{'\n'}

// countLines is the number of lines that end in text.
func countLines(text []byte) int64 { return int64(bytes.Count(text, newline)) }
