package output

import (
	"context"
	"fmt"
	"io"
	"math"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// kept returns a Mux that has printed some lines.
func kept(t *testing.T, style Style) (m *Mux, out *paper, web, api *Stream) {
	t.Helper()
	out = &paper{}
	m = New(out, style, "web", "api")
	m.Keep(&Tail{})
	web, api = m.Stream("web"), m.Stream("api")
	t.Cleanup(func() {
		m.streams.Done()
		m.streams.Done()
		if err := m.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	web.emit([]byte("one\nGET /a\n"))
	api.emit([]byte("GET /b\n"))
	return m, out, web, api
}

// since returns what has been written since the last call.
func since(out *paper) string {
	out.mu.Lock()
	defer out.mu.Unlock()
	defer out.text.Reset()
	return out.text.String()
}

func TestFilter(t *testing.T) {
	m, out, web, api := kept(t, Style{})
	since(out)
	for _, test := range []struct {
		name   string
		filter Filter
		past   Replay
		want   string
	}{
		{"one service", Filter{Service: "web"}, Replay{}, "web      | two\n"},
		{
			"one service, and its latest lines",
			Filter{Service: "web"},
			Replay{Head: "only web", Last: 2},
			"devports | only web\nweb      | GET /a\nweb      | two\nweb      | two\n",
		},
		{"matches", Filter{Match: regexp.MustCompile("w?o")}, Replay{}, "web      | t\x1b[7mwo\x1b[27m\napi      | t\x1b[7mwo\x1b[27m\n"},
		{
			"matches there have been",
			Filter{Match: regexp.MustCompile("/.")},
			Replay{Last: math.MaxInt},
			"web      | GET \x1b[7m/a\x1b[27m\napi      | GET \x1b[7m/b\x1b[27m\n",
		},
		{"nothing", Filter{Nothing: true}, Replay{Head: "hush", Last: 0}, "devports | hush\n"},
		{
			"the past through another filter",
			Filter{},
			Replay{Last: 1, Through: &Filter{Service: "api"}},
			"api      | two\nweb      | two\napi      | two\n",
		},
		{"everything", Filter{}, Replay{}, "web      | two\napi      | two\n"},
	} {
		m.SetFilter(test.filter, test.past)
		web.emit([]byte("two\n"))
		api.emit([]byte("two\n"))
		if got := since(out); got != test.want {
			t.Errorf("%s: got\n%s\nwant\n%s", test.name, got, test.want)
		}
	}
}

// Devports' own lines are shown beside those of one service.
func TestFilterOwn(t *testing.T) {
	m, out, _, _ := kept(t, Style{})
	m.SetFilter(Filter{Service: "web"}, Replay{})
	since(out)
	m.Say("api stopped")
	m.says.wait()
	equal(t, since(out), "devports | api stopped\n")
}

// A new filter ends an open line; the rest is a line of its own, if it is shown.
func TestFilterOpenLine(t *testing.T) {
	m, out, web, api := kept(t, Style{})
	since(out)
	web.emit([]byte("pass"))
	m.SetFilter(Filter{Service: "api"}, Replay{})
	web.emit([]byte("word\n"))
	api.emit([]byte("ready\n"))
	equal(t, since(out), "web      | pass\napi      | ready\n")
	m.SetFilter(Filter{Match: regexp.MustCompile("a")}, Replay{})
	api.emit([]byte("ha"))
	api.emit([]byte("ho\n"))
	api.emit([]byte("ha\n"))
	equal(t, since(out), "api      | h\x1b[7ma\x1b[27m\napi      | h\x1b[7ma\x1b[27m\n")
}

// Matching lines are shown without colours: they may lie within the match.
func TestMatchInColors(t *testing.T) {
	m, out, web, _ := kept(t, Style{Printable: true})
	since(out)
	m.SetFilter(Filter{Match: regexp.MustCompile("GET /x")}, Replay{})
	web.emit([]byte("\x1b[32mGET\x1b[0m /x 200\r\n"))
	equal(t, since(out), "web      | \x1b[7mGET /x\x1b[27m 200\n")
}

// Lines printed while output is hidden are all replayed, once each and in order,
// even if services print at the same time.
func TestHold(t *testing.T) {
	var out paper
	m := New(&out, Style{}, "a", "b")
	m.Keep(&Tail{})
	const lines = tailBlocks / 2 // all are kept
	var printing sync.WaitGroup
	for _, name := range []string{"a", "b"} {
		printing.Go(func() {
			s := m.Stream(name)
			defer m.streams.Done()
			for i := range lines {
				s.emit(fmt.Appendf(nil, "line %d\n", i))
			}
		})
	}
	for range 50 {
		next := m.SetFilter(Filter{Nothing: true}, Replay{})
		m.SetFilter(Filter{}, Replay{Since: next, Last: math.MaxInt})
	}
	printing.Wait()
	closeMux(t, m)
	got := map[string][]string{}
	for line := range strings.Lines(out.String()) {
		name, text, _ := strings.Cut(line, " ")
		got[name] = append(got[name], text)
	}
	for _, name := range []string{"a", "b"} {
		if len(got[name]) != lines {
			t.Errorf("%s has %d lines, want %d", name, len(got[name]), lines)
		}
		for i, text := range got[name] {
			if want := fmt.Sprintf("       | line %d\n", i); text != want {
				t.Fatalf("line %d of %s is %q", i, name, text)
			}
		}
	}
}

// slow is a tap on a slow terminal.
type slow struct{ entered, leave, left chan struct{} }

func (s slow) Write(p []byte) (int, error) {
	close(s.entered)
	<-s.leave
	close(s.left)
	return len(p), nil
}

// The end of a tap waits for a write in progress: then the terminal is free.
func TestTapEnd(t *testing.T) {
	tap := slow{make(chan struct{}), make(chan struct{}), make(chan struct{})}
	s := New(io.Discard, Style{}).Stream("web")
	untap := s.Tap(tap)
	go s.Copy(strings.NewReader("name? "))
	<-tap.entered
	time.AfterFunc(10*time.Millisecond, func() { close(tap.leave) })
	untap()
	select {
	case <-tap.left:
	default:
		t.Error("it does not wait")
	}
	<-s.Done()
}

// A tap that does not take what it gets delays no other's beginning: that is the
// supervisor's.
func TestTapStalled(t *testing.T) {
	stalled := slow{make(chan struct{}), make(chan struct{}), make(chan struct{})}
	s := New(io.Discard, Style{}).Stream("web")
	s.Tap(stalled)
	go s.Copy(strings.NewReader("name? "))
	<-stalled.entered
	begun := make(chan struct{})
	go func() {
		s.Tap(io.Discard)
		close(begun)
	}()
	select {
	case <-begun:
	case <-time.After(time.Minute):
		t.Error("it waits")
	}
	close(stalled.leave)
	<-begun
	<-s.Done()
}

// Each tap gets everything unchanged, as soon as it is read.
func TestTap(t *testing.T) {
	m, out, _, _ := kept(t, Style{Printable: true})
	m.SetFilter(Filter{Nothing: true}, Replay{})
	since(out)
	r, w := pipe(t)
	var tap, other, ended paper
	s := m.Stream("web")
	s.Tap(&tap)
	s.Tap(&ended)()
	s.Tap(&other)
	done := make(chan bool)
	go func() {
		s.Copy(r)
		close(done)
	}()
	write(t, w, "\x1b[2Jname? ")
	w.Close()
	<-done
	equal(t, tap.String(), "\x1b[2Jname? ")
	equal(t, other.String(), "\x1b[2Jname? ")
	equal(t, ended.String(), "")
	equal(t, since(out), "")
}
