package logstore

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// TestContextAcrossPages compares the lines near matches with those of a plain
// search, in a service whose matches are several pages apart.
func TestContextAcrossPages(t *testing.T) {
	s := New(t.TempDir(), DefaultLimit)
	r := begin(t, s, "a")
	st := r.Stream("web")
	filler := strings.Repeat("x", 100)
	var all []string
	matches := map[string]bool{}
	for n := 0; n < 20_000; {
		block := ""
		for range 1 + rand.IntN(200) {
			line := fmt.Sprintf("%d %s", n, filler)
			if rand.IntN(2000) == 0 {
				line += " nee\x1b[1mdle"
				matches[line] = true
			}
			all = append(all, line)
			block += line + "\n"
			n++
		}
		st.Append([]byte(block))
	}
	end(t, r)
	m, err := NewMatcher(`need+le`, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, context := range []int{1, 3, 700, 5000} {
		near := make([]bool, len(all))
		for i, line := range all {
			for j := max(0, i-context); matches[line] && j < min(len(all), i+context+1); j++ {
				near[j] = true
			}
		}
		var want []string
		for i, line := range all {
			if near[i] {
				want = append(want, line)
			}
		}
		var got []string
		for _, l := range read(t, latest(t, s, "a"), Query{Last: -1, Match: m, Context: context}) {
			got = append(got, l.Text)
			if l.Context == matches[l.Text] {
				t.Errorf("%q is context: %v", l.Text, l.Context)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("with %d lines of context there are %d lines instead of %d", context, len(got), len(want))
		}
	}
}
