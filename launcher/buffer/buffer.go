// Package buffer provides memory for the output of services. Those who keep some
// of it, for clients that come later or until it is on disk, share the memory with
// those who have read it, because to copy everything that services print costs as
// much as to prefix and write it.
//
// # Concurrency properties
//
// What one owner has written and shared does not change until the last owner has
// released the Buffer. Retain and Release may be called by several goroutines.
package buffer

import (
	"sync"
	"sync/atomic"
)

// Size is the size of a Buffer. With its other fields it fills 18 pages of the
// allocator.
const Size = 144<<10 - 64

// Buffer is memory with one or more owners.
type Buffer struct {
	Bytes [Size]byte
	Used  int // how much of Bytes may be shared already; for its writer only

	owners atomic.Int32
}

var free = sync.Pool{New: func() any { return new(Buffer) }}

// New returns a Buffer with one owner.
func New() *Buffer {
	b := free.Get().(*Buffer)
	b.Used = 0
	b.owners.Store(1)
	return b
}

// Retain adds an owner, which must call Release once. On a nil Buffer it does
// nothing.
func (b *Buffer) Retain() *Buffer {
	if b != nil {
		b.owners.Add(1)
	}
	return b
}

// Release removes an owner. After the last one, the memory is used again. On a
// nil Buffer it does nothing.
func (b *Buffer) Release() {
	if b == nil {
		return
	}
	switch n := b.owners.Add(-1); {
	case n == 0:
		free.Put(b)
	case n < 0:
		panic("buffer: released more often than retained")
	}
}

// Offset returns where a slice of b.Bytes begins.
func (b *Buffer) Offset(text []byte) int64 { return int64(Size - cap(text)) }
