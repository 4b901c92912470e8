package screen

import (
	"bytes"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/devports/devports/launcher/terminal"
)

// paper is a terminal that records what is written to it.
type paper struct {
	mu   sync.Mutex
	text bytes.Buffer
	err  error
	gate chan struct{} // unless nil, Write blocks until it is closed
}

func (p *paper) Write(text []byte) (int, error) {
	p.mu.Lock()
	gate := p.gate
	p.mu.Unlock()
	if gate != nil {
		<-gate
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.text.Write(text)
	return len(text), p.err
}

// sent returns what was written since the last call, with names for sequences.
func (p *paper) sent() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	defer p.text.Reset()
	return strings.NewReplacer(begin, "<", end, ">", erase, "[erase]", nowrap, "{", wrap, "}", "\x1b[", "CSI ").Replace(p.text.String())
}

func screen(columns int) (*Screen, *paper) {
	p := &paper{}
	return New(p, func() terminal.Size { return terminal.Size{Rows: 24, Columns: columns} }), p
}

func expect(t *testing.T, p *paper, want string) {
	t.Helper()
	synctest.Wait()
	if got := p.sent(); got != want {
		t.Errorf("sent\n%q, want\n%q", got, want)
	}
}

func write(t *testing.T, s *Screen, text string) {
	t.Helper()
	if _, err := s.Write([]byte(text)); err != nil {
		t.Error(err)
	}
}

func rows(texts ...string) (rows []Row) {
	for _, text := range texts {
		rows = append(rows, Row{{Text: text}})
	}
	return rows
}

func TestScreen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, p := screen(10)
		write(t, s, "one\n")
		expect(t, p, "<one\n>")
		time.Sleep(frame)

		s.Show(rows("web", "a long text, and more"), 0)
		expect(t, p, "<{web\na long t…}CSI 1A\r>")
		time.Sleep(frame)

		// The same rows are not drawn again.
		s.Show(rows("web", "a long text, and more"), 0)
		time.Sleep(frame)
		expect(t, p, "")

		// Everything written within a frame is drawn at once.
		write(t, s, "two\n")
		expect(t, p, "<[erase]two\n{web\na long t…}CSI 1A\r>")
		write(t, s, "three\n")
		write(t, s, "four\n")
		s.Show(rows("web"), 2)
		expect(t, p, "")
		time.Sleep(frame)
		expect(t, p, "<[erase]three\nfour\n{web}\rCSI 2C>")

		// An unfinished line is above the rows until it is finished or erased.
		time.Sleep(frame)
		write(t, s, "web | 1")
		time.Sleep(frame)
		write(t, s, "0%")
		time.Sleep(frame)
		expect(t, p, "<[erase]{web | 1\nweb}CSI 1A\r><[erase]{web | 10%\nweb}CSI 1A\r>")
		write(t, s, "\rweb | 20%")
		time.Sleep(frame)
		write(t, s, "\rall\n")
		time.Sleep(frame)
		expect(t, p, "<[erase]{web | 20%\nweb}CSI 1A\r><[erase]all\n{web}\rCSI 2C>")

		// The caller of Suspend has the terminal until Resume.
		s.Suspend()
		expect(t, p, "<[erase]>")
		write(t, s, "meanwhile\n")
		s.Show(rows("api"), 0)
		time.Sleep(time.Minute)
		expect(t, p, "")
		s.Resume()
		expect(t, p, "<meanwhile\n{api}\r>")

		s.Redraw(true)
		expect(t, p, "CSI HCSI 2J<[erase]{api}\r>")
		write(t, s, "the end")
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		expect(t, p, "<[erase]the end\n>")
		time.Sleep(frame)
	})
}

// Frames do not slow a flood down, and rows are not drawn for each of its lines.
func TestFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, p := screen(80)
		s.Show(rows("web"), 0)
		line := strings.Repeat("x", 99) + "\n"
		const lines = 10_000
		for range lines {
			write(t, s, line)
		}
		time.Sleep(frame)
		synctest.Wait()
		sent := p.sent()
		if got := strings.Count(sent, "x\n"); got != lines {
			t.Errorf("%d lines are written, want %d", got, lines)
		}
		if got, most := strings.Count(sent, "web"), 2+lines*len(line)/flushAt; got > most {
			t.Errorf("the rows are drawn %d times, want %d at most", got, most)
		}
	})
}

// slowTerminal records for how long rows stay on a screen.
type slowTerminal struct {
	drawn time.Time     // when the rows were drawn; zero before
	shown []interval    // when they stayed for a frame
	took  time.Duration // for each Write
}

type interval struct{ from, to time.Time }

func (s *slowTerminal) Write(text []byte) (int, error) {
	now := time.Now()
	if !s.drawn.IsZero() && now.Sub(s.drawn) >= frame {
		s.shown = append(s.shown, interval{s.drawn, now})
	}
	time.Sleep(s.took)
	s.drawn = time.Now()
	return len(text), nil
}

// Under an endless flood the rows stay on the screen for a frame five times a
// second: terminals without synchronized output show nothing shorter.
func TestRowsUnderFlood(t *testing.T) {
	for _, took := range []time.Duration{time.Millisecond, 5 * time.Millisecond, 50 * time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			terminal := &slowTerminal{took: took}
			s, _ := screen(80)
			s.w = terminal
			s.Show(rows("web"), 0)
			written, line, began := 0, strings.Repeat(strings.Repeat("x", 99)+"\n", 20), time.Now()
			for time.Since(began) < 3*time.Second {
				write(t, s, line)
				written += len(line)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			last := began
			for _, i := range terminal.shown {
				if i.from.Sub(last) > time.Second/5 {
					t.Errorf("each write takes %v: no rows are on the screen for %v", took, i.from.Sub(last))
				}
				last = i.to
			}
			if time.Since(last) > time.Second/2 {
				t.Errorf("each write takes %v: no rows are on the screen at the end", took)
			}
			if most := int(3 * time.Second / took * flushAt); written < most*3/4 {
				t.Errorf("each write takes %v: %d bytes are written, %d would be at most", took, written, most)
			}
			time.Sleep(time.Second)
		})
	}
}

// An endless line takes bounded memory.
func TestLongLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, p := screen(80)
		for range 100 {
			write(t, s, strings.Repeat("x", maxPending/2))
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if got := strings.Count(p.sent(), "x"); got < 100*maxPending/2 {
			t.Errorf("only %d bytes are written", got)
		}
		time.Sleep(frame)
	})
}

// A stalled terminal blocks only a writer that fills the buffer.
func TestStalled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, p := screen(80)
		p.mu.Lock() // stalled
		p.gate = make(chan struct{})
		p.mu.Unlock()
		write(t, s, "one\n")
		s.Show(rows("web"), 0)
		s.Redraw(false)
		s.Redraw(true)
		time.Sleep(frame)
		much := strings.Repeat("x", maxPending) + "\n"
		write(t, s, much)
		blocked := make(chan struct{})
		go func() {
			defer close(blocked)
			write(t, s, "two\n")
		}()
		synctest.Wait()
		select {
		case <-blocked:
			t.Error("a writer does not block when the buffer is maxPending")
		default:
		}
		expect(t, p, "")
		close(p.gate)
		<-blocked
		time.Sleep(2 * frame)
		expect(t, p, "<one\n>CSI HCSI 2J<"+much+"{web}\r><[erase]two\n{web}\r>")

		// Suspend returns when everything is written.
		p.mu.Lock()
		p.gate = make(chan struct{})
		p.mu.Unlock()
		write(t, s, "three\n")
		write(t, s, "four\n")
		suspended := make(chan struct{})
		go func() {
			defer close(suspended)
			s.Suspend()
		}()
		synctest.Wait()
		select {
		case <-suspended:
			t.Error("Suspend does not wait for what was written")
		default:
		}
		close(p.gate)
		<-suspended
		expect(t, p, "<[erase]three\n{web}\r><[erase]four\n>")
		time.Sleep(frame)
	})
}

// After the terminal has failed, the next Write returns the error.
func TestFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, p := screen(80)
		p.err = errors.New("gone")
		s.Show(rows("web"), 0)
		synctest.Wait()
		if _, err := s.Write([]byte("one\n")); !errors.Is(err, p.err) {
			t.Error(err)
		}
		time.Sleep(frame)
	})
}

func TestRow(t *testing.T) {
	for _, test := range []struct {
		row     Row
		columns int
		want    string
	}{
		{Row{{Text: "ab"}, {"cd", "1"}}, 4, "ab\x1b[1mcd\x1b[0m"},
		{Row{{Text: "ab"}, {"cdef", "1"}, {Text: "gh"}}, 5, "ab\x1b[1mcd…\x1b[0m"},
		{Row{{Text: "你好吗"}}, 5, "你好…"},
		{Row{{Text: "你好"}, {Text: "x"}}, 4, "你好"},
		{Row{{Text: "ab"}}, 0, ""},
		{parse("\x1b[36mweb | \x1b[0mpassword: "), 80, "\x1b[36mweb | \x1b[0mpassword: "},
		{parse("\x1b[1m\x1b[31mred\x1b[m"), 80, "\x1b[1;31mred\x1b[0m"},
		{parse("a\x1b]8;;http://x/m\x1b\\b\x1b"), 80, "ab"},
		{parse("\x1b[36mweb | \x1b[0mpassword: "), 9, "\x1b[36mweb | \x1b[0mpa…"},
	} {
		var out bytes.Buffer
		test.row.cut(test.columns).write(&out)
		if out.String() != test.want {
			t.Errorf("%v in %d columns: %q, want %q", test.row, test.columns, out.String(), test.want)
		}
	}
	if got := Pad("née", 5) + "|" + Pad("longer", 4) + "|"; got != "née  |lon…|" {
		t.Errorf("padded: %q", got)
	}
	if got := PadLeft("née", 5) + "|" + PadLeft("longer", 4) + "|"; got != "  née|longer|" {
		t.Errorf("padded before: %q", got)
	}
	for columns, want := range map[int]string{11: "web-backend", 8: "web-…end", 7: "web…end", 3: "w…d", 2: "we", 0: ""} {
		if got := Middle("web-backend", columns); got != want {
			t.Errorf("%d columns: %q, want %q", columns, got, want)
		}
	}
}
