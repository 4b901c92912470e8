package output

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/devports/devports/launcher/buffer"
)

// keeper records the output of a process by keeping the shared buffers.
type keeper struct {
	parts  [][]byte
	shared []*buffer.Buffer
	copies int
}

func (k *keeper) Record(lines []byte, shared *buffer.Buffer) {
	if shared == nil {
		lines = bytes.Clone(lines)
		k.copies++
	}
	k.parts = append(k.parts, lines)
	k.shared = append(k.shared, shared.Retain())
}

func (k *keeper) Close() {}

// What is kept in shared buffers does not change while services go on printing,
// in pieces of any size.
func TestSharedBuffers(t *testing.T) {
	m := New(io.Discard, Style{})
	var tail Tail
	m.Keep(&tail)
	var mu sync.Mutex
	kept := map[string]*keeper{}
	m.Record(func(service string) Recording {
		mu.Lock()
		defer mu.Unlock()
		kept[service] = new(keeper)
		return kept[service]
	})
	printed := make([]bytes.Buffer, 3)
	var writers sync.WaitGroup
	for i := range printed {
		w := copying(t, m, fmt.Sprint(i))
		writers.Go(func() {
			random := rand.New(rand.NewPCG(uint64(i), 1))
			for number := 0; printed[i].Len() < 5<<20; {
				var text []byte
				for range 1 + random.IntN(1<<random.IntN(12)) {
					text = fmt.Appendf(text, "%d %d %s\n", i, number, bytes.Repeat([]byte{byte('a' + number%26)}, random.IntN(100)))
					number++
				}
				text = append(text, bytes.Repeat([]byte("begun "), random.IntN(2)*random.IntN(20_000))...)
				printed[i].Write(text)
				write(t, w, string(text))
			}
			w.Close()
		})
	}
	writers.Wait()
	closeMux(t, m)
	blocks, _, _, _ := tail.Blocks(0)
	size := 0
	for i := range printed {
		k := kept[fmt.Sprint(i)]
		want := printed[i].Bytes()
		if got := bytes.Join(k.parts, nil); !bytes.Equal(got, want) {
			t.Errorf("service %d: kept %d bytes that differ from the %d printed", i, len(got), len(want))
		}
		if k.copies == 0 || k.copies == len(k.parts) {
			t.Errorf("service %d: %d of %d parts were copied", i, k.copies, len(k.parts))
		}
		for _, b := range k.shared {
			b.Release()
		}
		var last []byte
		for _, b := range blocks {
			if b.Service == fmt.Sprint(i) {
				last = append(last, b.Text...)
			}
		}
		size += len(last)
		if !bytes.HasSuffix(want, last) {
			t.Errorf("service %d: %d bytes in the tail differ", i, len(last))
		}
	}
	if size < tailBytes/2 || size > tailBytes+maxBuffer {
		t.Errorf("%d bytes are in the tail", size)
	}
}

// Bursts of many services take no more buffers than services that print at once,
// and do not change what another has printed.
func TestSpareBuffers(t *testing.T) {
	spare := make(chan *buffer.Buffer, maxSpare)
	used := map[*buffer.Buffer]bool{}
	const bursts = 100
	kept := make([][][]byte, bursts)
	for i := range bursts {
		in := newInput(spare)
		for n := 20_000; n > 0; {
			room := in.room()
			read := copy(room, bytes.Repeat([]byte{byte(i)}, n))
			in.end += read
			if in.shared != nil {
				used[in.shared.Retain()] = true // as a tail does
				kept[i] = append(kept[i], in.held())
			}
			in.start = in.end // it was shown
			n -= read
			in.chooseMemory(read, read == len(room))
		}
		in.close()
	}
	if most := bursts*20_000/(buffer.Size-maxBuffer) + 1; len(used) > most {
		t.Errorf("%d bursts took %d buffers, more than %d", bursts, len(used), most)
	}
	for i, parts := range kept {
		for _, part := range parts {
			if bytes.Count(part, []byte{byte(i)}) != len(part) {
				t.Errorf("what burst %d printed has changed", i)
			}
		}
	}
}

// A service that printed much and is quiet again takes a small buffer.
func TestQuietInput(t *testing.T) {
	in := newInput(make(chan *buffer.Buffer, maxSpare))
	for range 100 {
		n := len(in.room())
		in.end += n
		in.start = in.end
		in.chooseMemory(n, true)
	}
	if in.shared == nil {
		t.Error("a flood is read into a small buffer")
	}
	in.end += copy(in.room(), "password: ")
	in.chooseMemory(10, false)
	if in.shared != nil || string(in.held()) != "password: " {
		t.Errorf("%q is held", in.held())
	}
}
