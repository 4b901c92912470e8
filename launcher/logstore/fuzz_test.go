package logstore

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// FuzzRead reads damaged segments: no damage may crash the reader, or have it read
// something that was in no block.
func FuzzRead(f *testing.F) {
	s := New(f.TempDir(), DefaultLimit)
	r := begin(f, s, "a")
	web := r.Stream("web")
	web.Append([]byte("one\ntwo\nbegun"))
	other := r.Stream("web")
	other.Append([]byte("other\nopen"))
	web.Append([]byte(strings.Repeat("long ", 1000)))
	web.Append([]byte("end\nthree\n"))
	end(f, r)
	segment, err := os.ReadFile(filepath.Join(s.Runs("a")[0].path, segmentName("web", 1)))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(segment, 0, byte(0), "e")
	f.Add(segment, 24, byte(255), "(?i)ONG")
	f.Add(segment[:len(segment)-2], 40, byte(1), "^t")
	f.Add(append(segment[:100:100], segment...), 0, byte(0), "")
	f.Fuzz(func(t *testing.T, segment []byte, at int, change byte, expression string) {
		if at >= 0 && at < len(segment) {
			segment = append([]byte(nil), segment...)
			segment[at] ^= change
		}
		home := t.TempDir()
		s := New(home, DefaultLimit)
		path := filepath.Join(s.path, "a", time.Now().UTC().Format(runNames))
		if err := os.MkdirAll(path, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(path, segmentName("web", 1)), segment, 0o600); err != nil {
			t.Fatal(err)
		}
		run := s.Runs("a")[0]
		if !run.Killed() {
			t.Error("it has not ended")
		}
		all := read(t, run, Query{Last: -1})
		for _, l := range all {
			if l.Missed == 0 && !strings.Contains(string(segment), l.Text[:min(len(l.Text), 3)]) {
				t.Errorf("%q was never printed", l.Text)
			}
		}
		if back := read(t, run, Query{Last: 1 << 20}); len(back) != len(all) {
			t.Errorf("%d lines, backwards %d", len(all), len(back))
		}
		if m, err := NewMatcher(expression, false); err == nil {
			n := 0
			for _, l := range all {
				if l.Missed > 0 || m.MatchLine(l.Text) {
					n++
				}
			}
			if found := len(read(t, run, Query{Last: -1, Match: m})); found != n {
				t.Errorf("%q: %d lines instead of %d", expression, found, n)
			}
		}
	})
}

// FuzzMatcher compares the search of a text with the expression on each line.
func FuzzMatcher(f *testing.F) {
	f.Add("needle", "a needle\nno\nNEEDLE\n", false)
	f.Add("ask|K", "\u212a\n\u017fk\nASK\nask", true)
	f.Add(`a+(bc){2}[x-z]\d`, "aabcbcy7\nabcy7\n", true)
	f.Add("\ufffd", "\xff\n", false)
	f.Add("^$", "\n\n", false)
	f.Add(`amx|b+m0|c\[m`, "am\x1b[0mx\nbm\x1b[m0\na\x1b[1;32mmx\nc\x1b[m\n\x1b[31ma\x1b[mm\x1b[0mX\nam\x1b[mx\nc\x1b\x1b[m[m\n", true)
	f.Add("(timeout|refused)+x", "timeou\x1b[mtx\nREFUSEDx", false)
	f.Fuzz(func(t *testing.T, expression, text string, fold bool) {
		m, err := NewMatcher(expression, fold)
		if err != nil {
			return // not valid, so there is nothing to compare
		}
		found := map[int]bool{}
		m.eachMatch([]byte(text), func(start, _ int) { found[start] = true })
		start := 0
		for line := range strings.Lines(text) {
			plain := strings.TrimRight(strings.TrimSuffix(line, "\n"), "\r")
			if matches := m.MatchLine(plain); matches != found[start] {
				t.Errorf("%q, fold %v: %q is found: %v", expression, fold, line, found[start])
			}
			start += len(line)
		}
	})
}

func FuzzCursor(f *testing.F) {
	f.Add("0123456789abcdef/20260102T150405.000000Z/18.2")
	f.Add("a//1.-1")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := ParseCursor(text)
		if err != nil {
			return // not valid, so there is nothing to compare
		}
		if again, err := ParseCursor(c.String()); err != nil || again != c {
			t.Errorf("%q: %+v, %+v, %v", text, c, again, err)
		}
	})
}
