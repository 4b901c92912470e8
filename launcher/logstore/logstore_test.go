package logstore

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func begin(t testing.TB, s Store, slot string) *Recorder {
	t.Helper()
	return s.Begin(RunID{ID: "id", PID: os.Getpid(), Slot: slot, Directory: "/d", Project: "shop", Began: time.Now()}, func(err error) { t.Error(err) })
}

// Append records text that has to be copied.
func (st *Stream) Append(text []byte) { st.Record(text, nil) }

func end(t testing.TB, r *Recorder) {
	t.Helper()
	if err := r.End(context.Background(), End{At: time.Now(), Status: 3, Reason: "web exited with status 3"}); err != nil {
		t.Error(err)
	}
}

func read(t testing.TB, r Run, q Query) (lines []Line) {
	t.Helper()
	err := r.Read(context.Background(), q, func(l Line) error {
		lines = append(lines, l)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

func texts(lines []Line) (all []string) {
	for _, l := range lines {
		if l.Missed > 0 {
			all = append(all, fmt.Sprintf("%d missing: %s", l.Missed, l.Text))
			continue
		}
		all = append(all, l.Service+":"+l.Text)
	}
	return all
}

func want(t *testing.T, got []Line, want ...string) {
	t.Helper()
	if !slices.Equal(texts(got), want) {
		t.Errorf("got  %q\nwant %q", texts(got), want)
	}
}

// settled waits until what has been appended can be read.
func settled(t testing.TB, r *Recorder, run Run) {
	t.Helper()
	r.mu.Lock()
	last := r.last
	r.mu.Unlock()
	for limit := time.Now().Add(time.Minute); run.readHead() < last; time.Sleep(time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatal("it is not written")
		}
	}
}

// latest returns the latest run, once there is one.
func latest(t testing.TB, s Store, slot string) Run {
	t.Helper()
	for limit := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		if runs := s.Runs(slot); len(runs) > 0 && runs[0].PID != 0 {
			return runs[0]
		}
		if time.Now().After(limit) {
			t.Fatal("there is no run")
		}
	}
}

func TestLines(t *testing.T) {
	s := New(t.TempDir(), DefaultLimit)
	r := begin(t, s, "a")
	web, db := r.Stream("web"), r.Stream("db")
	web.Append([]byte("one\ntwo\n"))
	db.Append([]byte("started\r\n"))
	web.Append([]byte("slow"))
	db.Append([]byte("be"))
	web.Append([]byte("ly written\nPassword: "))
	db.Append([]byte("tween\n"))
	run := latest(t, s, "a")
	settled(t, r, run)
	if !run.Live || run.Killed() {
		t.Errorf("%+v", run)
	}
	all := Query{Last: -1}
	want(t, read(t, run, all), "web:one", "web:two", "db:started", "web:slowly written", "web:Password: ", "db:between")
	web.Append([]byte("secret\n"))
	web.Close()
	end(t, r)
	run = latest(t, s, "a")
	if run.Live || run.Status != 3 || run.Reason != "web exited with status 3" || run.Killed() {
		t.Errorf("%+v", run)
	}
	lines := read(t, run, all)
	want(t, lines, "web:one", "web:two", "db:started", "web:slowly written", "db:between", "web:Password: secret")
	want(t, read(t, run, Query{Last: 2}), "db:between", "web:Password: secret")
	want(t, read(t, run, Query{Last: -1, First: 2, After: lines[0].Cursor}), "web:two", "db:started")
	want(t, read(t, run, Query{Last: -1, Services: []string{"db"}}), "db:started", "db:between")
	want(t, read(t, run, Query{Last: -1, Since: lines[2].Time, Until: lines[3].Time}), "db:started", "web:slowly written")
	for i, l := range lines {
		c, err := ParseCursor(l.Cursor.String())
		if err != nil || c != l.Cursor {
			t.Errorf("%v: %v, %v", l.Cursor, c, err)
		}
		if rest := read(t, run, Query{Last: -1, After: c}); len(rest) != len(lines)-1-i {
			t.Errorf("%d lines after line %d of %d", len(rest), i, len(lines))
		}
		if rest := read(t, run, Query{Last: -1, Before: c}); len(rest) != i {
			t.Errorf("%d lines before line %d of %d", len(rest), i, len(lines))
		}
		if rest := read(t, run, Query{Last: 1, Before: c}); i > 0 && (len(rest) != 1 || rest[0] != lines[i-1]) {
			t.Errorf("before line %d: %v", i, rest)
		}
	}
	m, _ := NewMatcher("SLOW|en$", true)
	want(t, read(t, run, Query{Last: -1, Match: m}), "web:slowly written", "db:between")
	want(t, read(t, run, Query{Last: 1, Match: m, Before: lines[4].Cursor}), "web:slowly written")
	m, _ = NewMatcher("two", false)
	want(t, read(t, run, Query{Last: -1, Match: m, Context: 1}), "web:one", "web:two", "web:slowly written")
	want(t, read(t, run, Query{Last: 2, Match: m, Context: 1}), "web:two", "web:slowly written")
}

// TestModes checks that only the user can read what is stored.
func TestModes(t *testing.T) {
	s := New(t.TempDir(), DefaultLimit)
	r := begin(t, s, "a")
	r.Stream("web").Append([]byte("x\n"))
	end(t, r)
	err := filepath.WalkDir(s.path, func(path string, e os.DirEntry, err error) error {
		info, _ := e.Info()
		if perm := info.Mode().Perm(); e.IsDir() && perm != 0o700 || !e.IsDir() && perm != 0o600 {
			t.Errorf("%s has the mode %v", path, perm)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// TestRandom records random pieces of lines from several processes, more than a
// service keeps, and expects the end of what each printed. Segments are small, so
// that it takes less.
func TestRandom(t *testing.T) {
	const pages, segment = 8, 8 * pageLen
	rnd := rand.New(rand.NewPCG(1, uint64(time.Now().UnixNano())))
	s := New(t.TempDir(), DefaultLimit)
	r := begin(t, s, "a")
	r.pages = pages
	type printed struct {
		stream *Stream
		name   string
		line   []byte
		lines  []string
	}
	var all []*printed
	for i := range 4 {
		name := []string{"web", "web", "db", "devports"}[i]
		all = append(all, &printed{stream: r.Stream(name), name: name})
	}
	number := 0
	for total := 0; total < 10*segment; {
		p := all[rnd.IntN(len(all))]
		var text []byte
		for range rnd.IntN(200) {
			length := rnd.IntN(100)
			if rnd.IntN(1000) == 0 {
				length = rnd.IntN(MaxLine / 4)
			}
			number++
			text = fmt.Appendf(text, "%d %d ", len(p.lines), number)
			text = append(text, bytes.Repeat([]byte{byte('a' + number%26)}, length)...)
			text = append(text, '\n')
		}
		text = append(text, bytes.Repeat([]byte{'u'}, rnd.IntN(2)*rnd.IntN(3000))...)
		total += len(text)
		p.line = append(p.line, text...)
		for {
			i := bytes.IndexByte(p.line, '\n')
			if i < 0 {
				break
			}
			p.lines = append(p.lines, string(p.line[:i]))
			p.line = p.line[i+1:]
		}
		for len(text) > 0 {
			n := min(len(text), 1+rnd.IntN(64<<10))
			p.stream.Append(text[:n])
			text = text[n:]
		}
	}
	for _, p := range all {
		p.stream.Close()
		if len(p.line) > 0 {
			p.lines = append(p.lines, string(p.line))
		}
	}
	end(t, r)
	run := latest(t, s, "a")
	lines := read(t, run, Query{Last: -1})
	if !slices.IsSortedFunc(lines, func(a, b Line) int { return a.Time.Compare(b.Time) }) {
		t.Error("not in order")
	}
	for _, name := range []string{"web", "db", "devports"} {
		got := 0
		left := map[*printed][]string{}
		for _, l := range slices.Backward(lines) {
			if l.Service != name {
				continue
			}
			if l.Missed > 0 {
				t.Fatalf("%d lines are missing", l.Missed)
			}
			found := false
			for _, p := range all {
				if p.name != name {
					continue
				}
				if left[p] == nil {
					left[p] = p.lines
				}
				if n := len(left[p]); n > 0 && left[p][n-1] == l.Text {
					left[p] = left[p][:n-1]
					found = true
					break
				}
			}
			if !found {
				if got > 0 && l.Cursor.Line == 0 && firstOf(lines, name) == l.Cursor {
					break // its beginning was in a segment that is gone
				}
				t.Fatalf("%s: unexpected line %d from the end: %.100q", name, got, l.Text)
			}
			got++
		}
		if got < 1000 {
			t.Errorf("%s: %d lines", name, got)
		}
	}
	if size := run.Size(); size > 3*keptSegments*segment+1<<16 || size < 2*keptSegments*int64(earlyEnd(pages)*pageLen) {
		t.Errorf("%d bytes on disk", size)
	}
	// Backwards, paged and followed, it is the same.
	if reversed := read(t, run, Query{Last: len(lines)}); !slices.Equal(reversed, lines) {
		t.Error("backwards there are other lines")
	}
	var paged []Line
	for q := (Query{Last: -1, First: len(lines)/3 + 1}); ; q.After = paged[len(paged)-1].Cursor {
		page := read(t, run, q)
		if len(page) == 0 {
			break
		}
		paged = append(paged, page...)
	}
	if !slices.Equal(paged, lines) {
		t.Error("by pages there are other lines")
	}
	for _, expression := range []string{"7 bbb", "(?i)9 X+", "^[0-9]+ ", "a$", "1|2"} {
		m, err := NewMatcher(expression, false)
		if err != nil {
			t.Fatal(err)
		}
		wanted := slices.DeleteFunc(slices.Clone(lines), func(l Line) bool { return !m.MatchLine(l.Text) })
		if got := read(t, run, Query{Last: -1, Match: m}); !slices.Equal(got, wanted) || len(got) == 0 {
			t.Errorf("%s: %d lines instead of %d", expression, len(got), len(wanted))
		}
		if got := read(t, run, Query{Last: 10, Match: m}); !slices.Equal(got, wanted[max(0, len(wanted)-10):]) {
			t.Errorf("%s: other last lines", expression)
		}
	}
}

func firstOf(lines []Line, name string) Cursor {
	for _, l := range lines {
		if l.Service == name {
			return l.Cursor
		}
	}
	return Cursor{}
}

// TestLongLine cuts a line at MaxLine.
func TestLongLine(t *testing.T) {
	s := New(t.TempDir(), DefaultLimit)
	r := begin(t, s, "a")
	st := r.Stream("web")
	long := strings.Repeat("0123456789abcdef", (2*MaxLine+MaxLine/2)/16)
	for text := long + "\nshort\n"; text != ""; {
		n := min(len(text), 60_000)
		st.Append([]byte(text[:n]))
		text = text[n:]
	}
	end(t, r)
	want(t, read(t, latest(t, s, "a"), Query{Last: -1}), "web:"+long[:MaxLine], "web:"+long[:MaxLine], "web:"+long[2*MaxLine:], "web:short")
	m, _ := NewMatcher("f0123456789abcdef0", false)
	if n := len(read(t, latest(t, s, "a"), Query{Last: -1, Match: m})); n != 3 {
		t.Errorf("%d lines match", n)
	}
}

// TestColors searches what a line looks like, and returns it as it is.
func TestColors(t *testing.T) {
	s := New(t.TempDir(), DefaultLimit)
	r := begin(t, s, "a")
	r.Stream("web").Append([]byte("first\n\x1b[31mER\x1b[0mROR\x1b[0m one\nplain\nERROR two\n"))
	end(t, r)
	run := latest(t, s, "a")
	for _, fold := range []bool{false, true} {
		m, _ := NewMatcher("ERROR", fold)
		want(t, read(t, run, Query{Last: -1, Match: m}), "web:\x1b[31mER\x1b[0mROR\x1b[0m one", "web:ERROR two")
	}
}

// TestFlood appends faster than anything can be written: no call waits, and a gap
// reports how many lines are missing.
func TestFlood(t *testing.T) {
	s := New(t.TempDir(), DefaultLimit)
	r := begin(t, s, "a")
	st := r.Stream("web")
	block := bytes.Repeat([]byte("0123456789\n"), 5000)
	n := 0
	for i := 0; i < 100; i++ {
		if i == 50 {
			latest(t, s, "a")
			r.mu.Lock() // the writer cannot take anything
			r.queued += maxPending
			r.mu.Unlock()
		}
		if i == 60 {
			r.mu.Lock()
			r.queued -= maxPending
			r.mu.Unlock()
		}
		st.Append(block)
		n += 5000
		if i%20 == 19 {
			settled(t, r, latest(t, s, "a"))
		}
	}
	end(t, r)
	var lines, missed int64
	for _, l := range read(t, latest(t, s, "a"), Query{Last: -1}) {
		if l.Missed == 0 {
			lines++
			continue
		}
		if missed += l.Missed; l.Text != "the disk was too slow" {
			t.Error(l.Text)
		}
	}
	if missed != 50_000 || lines+missed != int64(n) {
		t.Errorf("%d lines and %d missing, of %d", lines, missed, n)
	}
}

// TestFollow follows a run to its end, while it is written and rotated.
func TestFollow(t *testing.T) {
	s := New(t.TempDir(), DefaultLimit)
	r := begin(t, s, "a")
	run := latest(t, s, "a")
	const lines = 200_000
	go func() {
		streams := []*Stream{r.Stream("web"), r.Stream("db")}
		for i := range lines {
			streams[i%2].Append(fmt.Appendf(nil, "%d\n", i))
			if i%1000 == 0 {
				time.Sleep(time.Millisecond) // so that there is something to follow
			}
		}
		_ = r.End(context.Background(), End{At: time.Now()})
	}()
	next := 0
	err := run.Follow(t.Context(), Query{Last: -1}, func(l Line) error {
		if l.Text != fmt.Sprint(next) {
			return fmt.Errorf("%q instead of %d", l.Text, next)
		}
		next++
		return nil
	})
	if err != nil || next != lines {
		t.Errorf("%d lines, %v", next, err)
	}
}

// TestReadWhileRecycled reads segments that are overwritten meanwhile: each line
// is one that was printed.
func TestReadWhileRecycled(t *testing.T) {
	s := New(t.TempDir(), DefaultLimit)
	r := begin(t, s, "a")
	run := latest(t, s, "a")
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		st := r.Stream("web")
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			st.Append(bytes.Repeat(fmt.Appendf(nil, "%08d%s\n", i, strings.Repeat(string(rune('a'+i%26)), 50)), 1000))
		}
	}()
	seen := 0
	for begin := time.Now(); time.Since(begin) < 2*time.Second || seen == 0 && time.Since(begin) < 30*time.Second; {
		for _, l := range read(t, run, Query{Last: -1}) {
			if l.Missed > 0 {
				continue
			}
			var i int
			if _, err := fmt.Sscanf(l.Text[:min(8, len(l.Text))], "%d", &i); err != nil || l.Text[8:] != strings.Repeat(string(rune('a'+i%26)), 50) {
				t.Fatalf("%q", l.Text)
			}
			seen++
		}
	}
	close(stop)
	<-stopped
	end(t, r)
	if seen == 0 {
		t.Error("nothing was read")
	}
}

// TestRecycle has pages of a segment count as gone as soon as it becomes another
// one, before they are overwritten.
func TestRecycle(t *testing.T) {
	s := New(t.TempDir(), DefaultLimit)
	r := begin(t, s, "a")
	for range 5 {
		r.Stream("web").Append(bytes.Repeat([]byte("0123456789\n"), pageLen/11))
	}
	end(t, r)
	run := latest(t, s, "a")
	list, files := pages(run.path, "web", []uint32{1}, 0, 1<<62)
	defer closeAll(files)
	if len(list) < 5 || len(list[1].read(make([]byte, pageLen))) == 0 {
		t.Fatalf("%d pages", len(list))
	}
	f, err := recycle(filepath.Join(run.path, segmentName("web", 1)), filepath.Join(run.path, segmentName("web", 4)), segmentPages)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, p := range list {
		if len(p.read(make([]byte, pageLen))) > 0 {
			t.Errorf("the page at %d is still there", p.pos)
		}
	}
	if lines := read(t, run, Query{Last: -1}); len(lines) > 0 {
		t.Errorf("%d lines", len(lines))
	}
}

// TestKept keeps the last runs of a checkout, and what the limit allows of all.
func TestKept(t *testing.T) {
	s := New(t.TempDir(), DefaultLimit)
	for i := range 8 {
		r := begin(t, s, "a")
		r.Stream("web").Append(fmt.Appendf(nil, "%d\n", i))
		end(t, r)
	}
	other := begin(t, s, "b")
	other.Stream("web").Append([]byte("other\n"))
	end(t, other)
	runs := s.Runs("a")
	if len(runs) != keptRuns {
		t.Fatalf("%d runs", len(runs))
	}
	want(t, read(t, runs[0], Query{Last: -1}), "web:7")
	want(t, read(t, runs[4], Query{Last: -1}), "web:3")
	if n := len(s.All()); n != keptRuns+1 {
		t.Errorf("%d runs in all", n)
	}
	small := Store{s.path, segmentLen + 2*runs[0].Size()}
	r := begin(t, small, "c")
	r.Stream("web").Append([]byte("last\n"))
	end(t, r)
	small.trim()
	if all := s.All(); len(all) == 0 || len(all) > 2 || all[0].Slot != "c" {
		t.Errorf("%d runs are left", len(all))
	}
}

// TestClear has nothing of a live run read any more but what comes.
func TestClear(t *testing.T) {
	s := New(t.TempDir(), DefaultLimit)
	r := begin(t, s, "a")
	st := r.Stream("web")
	st.Append([]byte("before\n"))
	run := latest(t, s, "a")
	settled(t, r, run)
	if err := run.Remove(); err != nil {
		t.Fatal(err)
	}
	st.Append([]byte("after\n"))
	settled(t, r, run)
	want(t, read(t, run, Query{Last: -1}), "web:after")
	end(t, r)
	if err := latest(t, s, "a").Remove(); err != nil || len(s.All()) != 0 {
		t.Errorf("%d runs, %v", len(s.All()), err)
	}
}

// TestTwoAtOnce records two runs of one checkout that began at one moment.
func TestTwoAtOnce(t *testing.T) {
	s := New(t.TempDir(), DefaultLimit)
	about := RunID{PID: os.Getpid(), Slot: "a", Began: time.Now()}
	first, second := s.Begin(about, nil), s.Begin(about, nil)
	first.Stream("web").Append([]byte("first\n"))
	second.Stream("web").Append([]byte("second\n"))
	end(t, first)
	end(t, second)
	var all []string
	for _, r := range s.Runs("a") {
		all = append(all, texts(read(t, r, Query{Last: -1}))...)
	}
	slices.Sort(all)
	if !slices.Equal(all, []string{"web:first", "web:second"}) {
		t.Errorf("%q", all)
	}
}

func TestParseLimit(t *testing.T) {
	for text, want := range map[string]int64{
		"": DefaultLimit, "off": Off, "2GB": 2e9, "500 MB": 500e6, "1.5g": 1.5e9, "1GiB": 1 << 30, "100": 100, "10k": 10_000,
		"x": -1, "GB": -1, "-1GB": -1, "2 apples": -1,
	} {
		got, err := ParseLimit(text)
		if err != nil {
			got = -1
		}
		if got != want {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
}
