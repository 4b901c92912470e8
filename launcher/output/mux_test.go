package output

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestStyle(t *testing.T) {
	for _, test := range []struct {
		name  string
		style Style
		want  string // a regular expression
	}{
		{"plain", Style{}, `web      \| hello\nworker\.2 \| hi\ndevports \| done\n`},
		{
			"color",
			Style{Colors: []string{"36", "33"}},
			`\x1b\[36mweb      \| \x1b\[0mhello\n\x1b\[33mworker\.2 \| \x1b\[0mhi\n\x1b\[1mdevports \| \x1b\[0mdone\n`,
		},
		{
			"timestamps",
			Style{Timestamps: true},
			`TIME web      \| hello\nTIME worker\.2 \| hi\nTIME devports \| done\n`,
		},
		{
			"timestamps and color",
			Style{Timestamps: true, Colors: []string{"36", "33"}},
			`TIME \x1b\[36mweb      \| \x1b\[0mhello\nTIME \x1b\[33mworker\.2 \| \x1b\[0mhi\nTIME \x1b\[1mdevports \| \x1b\[0mdone\n`,
		},
		{"no prefix", Style{NoPrefix: true, Colors: []string{"36", "33"}}, `hello\nhi\n`},
		{"no prefix, timestamps", Style{NoPrefix: true, Timestamps: true}, `TIME hello\nTIME hi\n`},
	} {
		t.Run(test.name, func(t *testing.T) {
			var out paper
			m := New(&out, test.style, "web", "worker.2")
			m.Stream("web").Copy(strings.NewReader("hello\n"))
			m.Stream("worker.2").Copy(strings.NewReader("hi\n"))
			m.Say("done\n")
			closeMux(t, m)
			want := regexp.MustCompile(`^` + strings.ReplaceAll(test.want, "TIME", `\d\d:\d\d:\d\d\.\d\d\d`) + `$`)
			if !want.MatchString(out.String()) {
				t.Errorf("got %q, want %s", out.String(), want)
			}
		})
	}
}

// Names take at most the width that the terminal has for them now, but no less
// than devports' own name.
func TestNameWidth(t *testing.T) {
	var out paper
	limit := 12
	m := New(&out, Style{NameWidth: func() int { return limit }}, "web", "frontend-of-the-shop")
	say := func() {
		m.Stream("frontend-of-the-shop").Copy(strings.NewReader("hi\n"))
		m.Stream("web").Copy(strings.NewReader("hello\n"))
	}
	say()
	limit = 0
	say()
	limit = 100
	say()
	if got := m.PrefixWidth(); got != 23 {
		t.Errorf("the prefix has %d columns", got)
	}
	closeMux(t, m)
	want := "fronte…-shop | hi\nweb          | hello\n" +
		"fron…hop | hi\nweb      | hello\n" +
		"frontend-of-the-shop | hi\nweb                  | hello\n"
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
}

// The colour belongs to the name: a restarted process keeps it.
func TestColors(t *testing.T) {
	var out paper
	m := New(&out, Style{Colors: []string{"36", "33", "32"}}, "b", "a")
	for _, name := range []string{"a", "c", "b", "a", "c"} {
		m.Stream(name).Copy(strings.NewReader("\n"))
	}
	closeMux(t, m)
	var got []string
	for line := range strings.Lines(out.String()) {
		code, text, _ := strings.Cut(strings.TrimPrefix(line, "\x1b["), "m")
		got = append(got, text[:1]+code)
	}
	equal(t, strings.Join(got, " "), "a33 c32 b36 a33 c32")
}

func TestLongerNameWidensColumn(t *testing.T) {
	var out paper
	m := New(&out, Style{}, "web")
	web := m.Stream("web")
	web.emit([]byte("one\n"))
	long := m.Stream("authentication")
	web.emit([]byte("two\nthr"))
	long.emit([]byte("hello\n"))
	web.emit([]byte("ee\n"))
	m.streams.Add(-2)
	m.Say("bye")
	closeMux(t, m)
	equal(t, out.String(), ""+
		"web      | one\n"+
		"web            | two\n"+
		"web            | thr\n"+
		"authentication | hello\n"+
		"web            | ee\n"+
		"devports       | bye\n")
}

func TestSayManyLines(t *testing.T) {
	var out paper
	m := New(&out, Style{})
	m.Say("one\ntwo")
	m.Say("")
	closeMux(t, m)
	equal(t, out.String(), "devports | one\ndevports | two\ndevports | \n")
}

// Say writes after earlier output and before later output.
func TestSayInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out paper
		m := New(&out, Style{})
		read, web := net.Pipe()
		go m.Stream("web").Copy(read)
		want := ""
		for i := range 100 {
			write(t, web, fmt.Sprintf("%d\n", i))
			synctest.Wait()
			m.Say(fmt.Sprintf("said %d", i))
			synctest.Wait()
			want += fmt.Sprintf("web      | %d\ndevports | said %d\n", i, i)
		}
		web.Close()
		closeMux(t, m)
		equal(t, out.String(), want)
	})
}

// Lines of Say before Copy precede the first line of the service, however early it
// is written.
func TestSayBeforeCopy(t *testing.T) {
	for range 200 {
		var out paper
		m := New(&out, Style{})
		m.Say("starting web")
		m.Stream("web").Copy(strings.NewReader("hello\n"))
		closeMux(t, m)
		equal(t, out.String(), "devports | starting web\nweb      | hello\n")
	}
}

// Say does not wait for a stalled writer, and loses nothing.
func TestSayNeverBlocks(t *testing.T) {
	const says = 2000
	out := newGate()
	m := New(out, Style{}, "web")
	source := copying(t, m, "web")
	write(t, source, "a line\n")
	<-out.entered // and blocks
	var want strings.Builder
	for i := range says {
		m.Say(fmt.Sprint("said ", i))
		fmt.Fprintf(&want, "devports | said %d\n", i)
	}
	close(out.open)
	source.Close()
	closeMux(t, m)
	equal(t, out.String(), "web      | a line\n"+want.String())
}

// A service can start while the writer is stalled.
func TestStreamNeverBlocks(t *testing.T) {
	out := newGate()
	m := New(out, Style{}, "web")
	m.Say("hello")
	<-out.entered
	db := m.Stream("db")
	close(out.open)
	db.Copy(strings.NewReader("one\n"))
	closeMux(t, m)
	equal(t, out.String(), "devports | hello\ndb       | one\n")
}

func TestCloseWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := newGate()
		m := New(out, Style{})
		web, db := newFakePipe(), newFakePipe()
		go m.Stream("web").Copy(web)
		late := m.Stream("db") // Copy has not been called
		closed := make(chan error, 1)
		go func() { closed <- m.Close(t.Context()) }()
		for i, end := range []func(){
			func() {},
			func() { web.Close() },
			func() { go late.Copy(db) },
			func() { write(t, db, "goodbye\n"); db.Close() },
		} {
			end()
			synctest.Wait()
			select {
			case err := <-closed:
				t.Fatalf("Close returned at step %d: %v", i, err)
			default:
			}
		}
		close(out.open)
		if err := <-closed; err != nil {
			t.Errorf("Close: %v", err)
		}
		equal(t, out.String(), "db       | goodbye\n")
		closeMux(t, m) // a second call is harmless
	})
}

func TestCloseWaitsForSay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := newGate()
		m := New(out, Style{})
		m.Say("one")
		m.Say("two")
		synctest.Wait()
		m.Say("three")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := m.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Close of a mux that cannot write: %v", err)
		}
		close(out.open)
		closeMux(t, m)
		equal(t, out.String(), "devports | one\ndevports | two\ndevports | three\n")
	})
}

func TestCloseHonoursContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := New(io.Discard, Style{})
		web := newFakePipe()
		go m.Stream("web").Copy(web)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		if err := m.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Close: %v", err)
		}
		if took := time.Since(start); took != time.Second {
			t.Errorf("took %v", took)
		}
		web.Close()
		closeMux(t, m)
	})
}

// A failed writer is reported and does not block the services.
func TestFailed(t *testing.T) {
	for _, test := range []struct {
		name  string
		begin func(source *os.File)
	}{
		{"a line", func(source *os.File) { write(t, source, "hello\n") }},
		{"a prompt", func(source *os.File) { needDeadlines(t); write(t, source, "? ") }},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, w := pipe(t)
			m := New(w, Style{})
			source, other := copying(t, m, "web"), copying(t, m, "db")
			select {
			case <-m.Failed():
				t.Error("failed before anything was written")
			default:
			}
			r.Close()
			test.begin(source)
			<-m.Failed()
			block := bytes.Repeat([]byte("a line\n"), 1000)
			for range 100 {
				write(t, source, string(block))
				write(t, other, string(block))
			}
			source.Close()
			other.Close()
			m.Say("lost")
			if err := m.Close(t.Context()); err == nil {
				t.Error("Close returned no error")
			}
		})
	}
}

// A reader that is closed fails a blocked write.
func TestFailedWhileStalled(t *testing.T) {
	r, w := pipe(t)
	m := New(w, Style{})
	source := copying(t, m, "web")
	first := make([]byte, 100)
	go func() {
		defer source.Close()
		block := strings.Repeat("a line\n", 1000)
		for range 100 { // more than all pipes and buffers can hold
			write(t, source, block)
		}
	}()
	if _, err := io.ReadFull(r, first); err != nil {
		t.Fatal(err)
	}
	r.Close()
	<-m.Failed()
	if err := m.Close(t.Context()); err == nil {
		t.Error("Close returned no error")
	}
}
