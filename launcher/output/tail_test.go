package output

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// texts writes lines as "web: text".
func texts(lines []Line) string {
	var all []string
	for _, l := range lines {
		all = append(all, l.Service+": "+l.Text)
	}
	return strings.Join(all, "|")
}

func TestTail(t *testing.T) {
	var tail Tail
	lines, next, missed, more := tail.Since(0)
	if len(lines) != 0 || next != 0 || missed != 0 {
		t.Errorf("empty: %v %d %d", lines, next, missed)
	}
	tail.Add("web", []byte("one\r\ntwo\n"))
	select {
	case <-more:
	default:
		t.Error("the channel for more lines is not closed")
	}
	tail.Add("db", []byte("prompt: "))
	if lines, next, _, more = tail.Since(0); texts(lines) != "web: one|web: two|db: prompt: " || next != 3 {
		t.Errorf("%s, then %d", texts(lines), next)
	}
	if lines, next, _, _ = tail.Since(1); texts(lines) != "web: two|db: prompt: " || next != 3 {
		t.Errorf("from the second on: %s, then %d", texts(lines), next)
	}
	if lines, _, _, _ := tail.Since(3); len(lines) != 0 {
		t.Errorf("nothing new: %s", texts(lines))
	}
	select {
	case <-more:
		t.Error("there is nothing more")
	default:
	}
}

// A slow reader learns how many lines it missed, and memory stays bounded.
func TestTailForgets(t *testing.T) {
	var tail Tail
	const lines = 200_000
	for i := range lines {
		tail.Add("web", fmt.Appendf(nil, "line %d\n", i))
		if i%1000 == 0 {
			tail.Add("db", []byte(strings.Repeat("x", 60_000)+"\n"))
		}
	}
	got, next, missed, _ := tail.Since(5)
	if next != lines+200 || missed+5+int64(len(got)) != next {
		t.Errorf("%d lines and %d missed of %d", len(got), missed, next)
	}
	if last := got[len(got)-1].Text; last != fmt.Sprintf("line %d", lines-1) {
		t.Errorf("the last is %q", last)
	}
	if len(got) > tailBlocks || cap(tail.blocks) > 2*tailBlocks {
		t.Errorf("%d lines in %d blocks are kept", len(got), cap(tail.blocks))
	}
}

// The kept lines are the printed ones, for lines of any length.
func TestTailKeeps(t *testing.T) {
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	var tail Tail
	var printed []string
	next := int64(0)
	for range 3000 {
		text := ""
		for range 1 + random.IntN(5) {
			line := strings.Repeat(string(rune('a'+random.IntN(26))), random.IntN(2000))
			printed = append(printed, line)
			text += line + "\n"
		}
		tail.Add("web", []byte(text))
		if random.IntN(50) == 0 {
			lines, after, missed, _ := tail.Since(next)
			if after != int64(len(printed)) || next+missed+int64(len(lines)) != after {
				t.Fatalf("seed %d: %d lines and %d missed from %d to %d of %d", seed, len(lines), missed, next, after, len(printed))
			}
			for i, l := range lines {
				if want := printed[next+missed+int64(i)]; l.Text != want {
					t.Fatalf("seed %d: a line is %q, want %q", seed, l.Text, want)
				}
			}
			next = after - int64(random.IntN(min(len(printed), 3000)))
		}
	}
}
