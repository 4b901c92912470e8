package output

import "github.com/devports/devports/launcher/buffer"

const (
	// Most services are quiet: they are read into minBuffer.
	minBuffer = maxBuffer / 16

	// maxBuffer is how much is read at once, and how long an unfinished line
	// may get before it is passed on in pieces. It is more than a pipe holds,
	// so that one read empties it.
	maxBuffer = 72 << 10

	// minRead is the least room for a read into a shared buffer.
	minRead = 32 << 10

	// minShared is the least text that keeps a shared buffer in memory rather than
	// being copied.
	minShared = 8 << 10

	// maxSpare limits the buffers that services have used in part and that wait
	// for the next service.
	maxSpare = 16
)

// input holds what has been read and is not shown yet, for one stream. A service
// that prints much is read into shared buffers, in which what has been shown does
// not change.
type input struct {
	spare  chan *buffer.Buffer // used in part
	small  []byte
	shared *buffer.Buffer // nil: small is in use
	filled int            // how many reads in a row have filled small

	start, end int // of what is held
}

func newInput(spare chan *buffer.Buffer) *input {
	return &input{spare: spare, small: make([]byte, minBuffer)}
}

func (in *input) memory() []byte {
	if in.shared != nil {
		return in.shared.Bytes[:]
	}
	return in.small
}

// room returns the memory for the next read.
func (in *input) room() []byte {
	m := in.memory()
	return m[in.end:min(len(m), in.end+maxBuffer)]
}

// held returns what has been read and is not shown yet.
func (in *input) held() []byte { return in.memory()[in.start:in.end] }

// chooseMemory chooses the memory for the next read, after a read of n bytes;
// full reports whether it filled its room.
func (in *input) chooseMemory(n int, full bool) {
	held := in.end - in.start
	if in.shared == nil {
		in.start, in.end = 0, copy(in.small, in.held())
		if in.filled++; !full {
			in.filled = 0
		}
		if in.filled > 1 || held > minBuffer/2 {
			in.filled = 0
			in.share(in.takeSpare())
		}
		return
	}
	switch {
	case n < minBuffer/2 && held <= minBuffer/2:
		b := in.shared
		b.Used = in.end
		in.start, in.end, in.shared = 0, copy(in.small, in.held()), nil
		in.putSpare(b)
	case buffer.Size-in.end < minRead:
		in.share(buffer.New())
	}
}

// share continues in a shared buffer.
func (in *input) share(b *buffer.Buffer) {
	start := b.Used
	end := start + copy(b.Bytes[start:], in.held())
	in.shared.Release()
	in.start, in.end, in.shared = start, end, b
}

func (in *input) takeSpare() *buffer.Buffer {
	select {
	case b := <-in.spare:
		return b
	default:
		return buffer.New()
	}
}

// putSpare gives away a buffer that it owns.
func (in *input) putSpare(b *buffer.Buffer) {
	if buffer.Size-b.Used >= maxBuffer {
		select {
		case in.spare <- b:
			return
		default:
		}
	}
	b.Release()
}

// close gives the memory away.
func (in *input) close() {
	if b := in.shared; b != nil {
		b.Used = in.end
		in.shared = nil
		in.putSpare(b)
	}
}
