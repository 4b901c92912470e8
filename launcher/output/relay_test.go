package output

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"
)

// What one Mux has printed looks the same through the tail and a relay to another
// one: lines, unfinished ones, and clears in pieces.
func TestRelay(t *testing.T) {
	var tail Tail
	tail.Add("web", []byte("one\r\ntwo\n"))
	tail.Add(Own, []byte("web started\n"))
	tail.Add("db", []byte("name? "))
	tail.Add("web", []byte("\n\n\n\n"))
	tail.Add("web", []byte("\x1b[1;1H\x1b[0J\x1b[32mready\x1b[0m\n"))
	tail.Add("db", []byte("Ada\n"))
	tail.Add("web", []byte("a\n\n"))
	tail.Add("web", []byte("\nb\n"))
	out := &paper{}
	m := New(out, Style{Printable: true}, "web", "db")
	m.Keep(&Tail{})
	t.Cleanup(func() { _ = m.Close(context.Background()) })
	relays := map[string]*Relay{}
	blocks, after, missed, _ := tail.Blocks(0)
	if after != 14 || missed != 0 {
		t.Errorf("%d lines, %d missed", after, missed)
	}
	for _, b := range blocks {
		if relays[b.Service] == nil {
			relays[b.Service] = m.Relay(b.Service)
		}
		relays[b.Service].Write(b.Text)
	}
	m.Missed("5 lines are missing")
	equal(t, since(out), strings.Join([]string{
		"web      | one", "web      | two", "devports | web started", "db       | name? ",
		"web      | \x1b[32mready\x1b[0m", "db       | Ada", "web      | a", "web      | ", "web      | ", "web      | b", "devports | 5 lines are missing", "",
	}, "\n"))
	m.SetFilter(Filter{Service: "db"}, Replay{Last: math.MaxInt})
	equal(t, since(out), "db       | name? \ndb       | Ada\n")
}

// A slow reader of blocks learns how many lines it has missed, and gets all others
// once.
func TestTailBlocks(t *testing.T) {
	var tail Tail
	next, seen, missed := int64(0), int64(0), int64(0)
	const lines = 300_000
	for i := range lines {
		tail.Add([]string{"a", "b"}[i/7%2], fmt.Appendf(nil, "line %d\n", i))
		if i%1000 == 0 && i < 100_000 || i == lines-1 {
			var gone int64
			var blocks []Block
			blocks, next, gone, _ = tail.Blocks(next)
			missed += gone
			for n, b := range blocks {
				if n > 0 && blocks[n-1].Service == b.Service && len(blocks[n-1].Text) < maxBuffer {
					t.Fatal("two blocks of one service follow each other")
				}
				first := seen + missed
				seen += int64(strings.Count(string(b.Text), "\n"))
				if want := fmt.Sprintf("line %d\n", first); !strings.HasPrefix(string(b.Text), want) {
					t.Fatalf("a block starts with %.20q, want %q", b.Text, want)
				}
			}
		}
	}
	if next != lines || seen+missed != lines || missed == 0 {
		t.Errorf("%d seen and %d missed of %d", seen, missed, next)
	}
}
