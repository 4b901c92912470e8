package output

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// childEnv makes the test binary a service that prints to both of its outputs.
const childEnv = "OUTPUT_TEST_CHILD"

const childLines = 500

// go test ./launcher/output -run Whole -lines 200000
var manyLines = flag.Int("lines", 5000, "how many lines each service of TestLinesAreWhole prints")

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		for i := range childLines {
			fmt.Fprintln(os.Stdout, "out", i)
			fmt.Fprintln(os.Stderr, "err", i)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// All lines of several services are written whole and in each service's order,
// wherever reads end.
func TestLinesAreWhole(t *testing.T) {
	lines := *manyLines
	names := []string{"auth", "db", "docs", "web"}
	r, w := pipe(t)
	m := New(w, Style{}, names...)
	padding := strings.Repeat("é~", 150)
	for i, name := range names {
		read, source := pipe(t)
		go m.Stream(name).Copy(struct{ io.Reader }{read}) // no prompts, even on a busy machine
		random := rand.New(rand.NewPCG(uint64(i), 0))
		go func() {
			defer source.Close()
			buffered := bufio.NewWriterSize(source, 1+random.IntN(9000))
			defer buffered.Flush()
			for n := range lines {
				fmt.Fprintf(buffered, "%s %d %s.\n", name, n, padding[:2*random.IntN(len(padding)/2)])
				if random.IntN(100) == 0 {
					buffered.Flush()
				}
			}
		}()
	}
	go func() {
		closeMux(t, m)
		w.Close()
	}()

	next := map[string]int{}
	in := bufio.NewScanner(r)
	for in.Scan() {
		prefix, text, found := strings.Cut(in.Text(), " | ")
		name := strings.TrimRight(prefix, " ")
		want := fmt.Sprintf("%s %d ", name, next[name])
		if !found || len(prefix) != len(Own) || !strings.HasPrefix(text, want) || !strings.HasSuffix(text, ".") {
			t.Fatalf("line %q, want %q of %q", in.Text(), want, name)
		}
		next[name]++
	}
	if err := in.Err(); err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if next[name] != lines {
			t.Errorf("%s: %d lines, want %d", name, next[name], lines)
		}
	}
}

func TestOrderOfStdoutAndStderr(t *testing.T) {
	r, w := pipe(t)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"=1")
	cmd.Stdout, cmd.Stderr = w, w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	var out paper
	m := New(&out, Style{})
	m.Stream("web").Copy(r)
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	closeMux(t, m)

	var want strings.Builder
	for i := range childLines {
		fmt.Fprintf(&want, "web      | out %d\nweb      | err %d\n", i, i)
	}
	equal(t, out.String(), want.String())
}

func TestTextUnchanged(t *testing.T) {
	long := strings.Repeat("0123456789", 30_000)
	for _, test := range []struct{ name, in, want string }{
		{"nothing", "", ""},
		{"last line without newline", "one\ntwo", "one\ntwo\n"},
		{"empty lines", "\n\nx\n\n", "\n\nx\n\n"},
		{"CRLF", "one\r\ntwo\r\n\r\n", "one\ntwo\n\n"},
		{"CR before CRLF", "one\r\r\n", "one\r\n"},
		{"lone CR", "10%\r20%\rdone\n", "10%\r20%\rdone\n"},
		{"CR at the end", "10%\r", "10%\r\n"},
		{"invalid UTF-8", "\xff\xfe\x00\x80\xc3\n\x1b[31mred\x1b[0m\n", "\xff\xfe\x00\x80\xc3\n\x1b[31mred\x1b[0m\n"},
		{"long line", long + "\nshort\n", long + "\nshort\n"},
		{"long last line", long, long + "\n"},
		{"as long as the buffer", long[:maxBuffer] + "\n", long[:maxBuffer] + "\n"},
		{"CRLF across the buffer", long[:maxBuffer-1] + "\r\nx", long[:maxBuffer-1] + "\nx\n"},
		{"CR across the buffer", long[:maxBuffer-1] + "\rx", long[:maxBuffer-1] + "\rx\n"},
		{"CRs only", strings.Repeat("\r", 3*maxBuffer) + "\n", strings.Repeat("\r", 3*maxBuffer-1) + "\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var out paper
			m := New(&out, Style{NoPrefix: true})
			source := copying(t, m, "web")
			write(t, source, test.in)
			source.Close()
			closeMux(t, m)
			if out.String() != test.want {
				t.Errorf("got %.60q…, want %.60q…", out.String(), test.want)
			}
		})
	}
}

// step is output of two services and the resulting screen.
type step struct {
	web, db, say string        // the output
	after        time.Duration // before the output
	want         string        // the whole screen
}

// TestPrompts runs in fake time.
func TestPrompts(t *testing.T) {
	const most = PromptDelay - 1
	for _, test := range []struct {
		name  string
		style Style
		steps []step
		end   string // the screen after both services have ended
	}{
		{
			"shown after the delay and not before",
			Style{NoPrefix: true},
			[]step{
				{web: "hello\npassword: ", want: "hello\n"},
				{after: most, want: "hello\n"},
				{after: 1, want: "hello\npassword: "},
				{after: time.Hour, web: "thanks\n", want: "hello\npassword: thanks\n"},
			},
			"hello\npassword: thanks\n",
		},
		{
			"halves are kept together",
			Style{NoPrefix: true},
			[]step{
				{web: "hal", want: ""},
				{db: "db line\n", want: "db line\n"},
				{after: most, web: "ves\n", want: "db line\nhalves\n"},
			},
			"db line\nhalves\n",
		},
		{
			"every line has the whole delay",
			Style{NoPrefix: true},
			[]step{
				{web: "on", want: ""},
				{after: most, web: "e\ntw", want: "one\n"},
				{after: most, web: "o\nthre", want: "one\ntwo\n"},
				{after: most, web: "e\n", want: "one\ntwo\nthree\n"},
			},
			"one\ntwo\nthree\n",
		},
		{
			"a line that only grows is shown",
			Style{NoPrefix: true},
			[]step{
				{web: ".", want: ""},
				{after: PromptDelay / 3, web: ".", want: ""},
				{after: PromptDelay / 3, web: ".", want: ""},
				{after: PromptDelay / 3, want: "..."},
				{web: ".", want: "..."},
				{after: PromptDelay / 2, web: ".", want: "..."},
				{after: PromptDelay / 2, want: "....."},
			},
			".....\n",
		},
		{
			"an old prompt does not hasten the next line",
			Style{NoPrefix: true},
			[]step{
				{web: "? ", want: ""},
				{after: most, web: "yes\n", want: "? yes\n"},
				{after: 10, web: "hal", want: "? yes\n"},
				{after: most, web: "ves\n", want: "? yes\nhalves\n"},
			},
			"? yes\nhalves\n",
		},
		{
			"another's line ends a prompt",
			Style{},
			[]step{
				{web: "password: ", want: ""},
				{after: PromptDelay, want: "web      | password: "},
				{db: "one\ntwo\n", want: "web      | password: \ndb       | one\ndb       | two\n"},
				{web: "thanks\nbye\n", want: "web      | password: \ndb       | one\ndb       | two\nweb      | thanks\nweb      | bye\n"},
			},
			"web      | password: \ndb       | one\ndb       | two\nweb      | thanks\nweb      | bye\n",
		},
		{
			"so does a line of devports' own",
			Style{},
			[]step{
				{web: "? ", want: ""},
				{after: PromptDelay, say: "db is ready", want: "web      | ? \ndevports | db is ready\n"},
			},
			"web      | ? \ndevports | db is ready\n",
		},
		{
			"and another's prompt",
			Style{},
			[]step{
				{web: "web? ", db: "db? ", want: ""},
				{web: "x", after: PromptDelay / 2, want: ""},
				{web: "\n", want: "web      | web? x\n"},
				{after: PromptDelay / 2, want: "web      | web? x\ndb       | db? "},
				{web: "more", want: "web      | web? x\ndb       | db? "},
				{after: PromptDelay, want: "web      | web? x\ndb       | db? \nweb      | more"},
				{db: "y\n", want: "web      | web? x\ndb       | db? \nweb      | more\ndb       | y\n"},
			},
			"web      | web? x\ndb       | db? \nweb      | more\ndb       | y\n",
		},
		{
			"the newline of a prompt that another has ended is no empty line",
			Style{},
			[]step{
				{web: "? ", want: ""},
				{after: PromptDelay, db: "one\n", want: "web      | ? \ndb       | one\n"},
				{web: "\r\n", want: "web      | ? \ndb       | one\n"},
				{web: "\n", want: "web      | ? \ndb       | one\nweb      | \n"},
			},
			"web      | ? \ndb       | one\nweb      | \n",
		},
		{
			"nor with lines behind it",
			Style{},
			[]step{
				{web: "? ", want: ""},
				{after: PromptDelay, db: "one\n? ", want: "web      | ? \ndb       | one\n"},
				{after: PromptDelay, want: "web      | ? \ndb       | one\ndb       | ? "},
				{web: "\nyes\n\n", want: "web      | ? \ndb       | one\ndb       | ? \nweb      | yes\nweb      | \n"},
				{db: "\n", want: "web      | ? \ndb       | one\ndb       | ? \nweb      | yes\nweb      | \n"},
				{db: "\n", want: "web      | ? \ndb       | one\ndb       | ? \nweb      | yes\nweb      | \ndb       | \n"},
			},
			"web      | ? \ndb       | one\ndb       | ? \nweb      | yes\nweb      | \ndb       | \n",
		},
		{
			"CRLF with the timer in between",
			Style{NoPrefix: true},
			[]step{
				{web: "one\r", want: ""},
				{after: PromptDelay, want: "one"},
				{after: time.Hour, web: "\ntwo\r", want: "one\n"},
				{after: PromptDelay, want: "one\ntwo"},
				{web: "\r", want: "one\ntwo"},
				{after: PromptDelay, web: "\n", want: "one\ntwo\r\n"},
			},
			"one\ntwo\r\n",
		},
		{
			"a spinner",
			Style{NoPrefix: true},
			[]step{
				{web: "1%\r", want: ""},
				{after: PromptDelay, want: "1%"},
				{web: "2%\r", want: "1%"},
				{after: PromptDelay, want: "1%\r2%"},
			},
			"1%\r2%\r\n",
		},
		{
			"with a timestamp",
			Style{NoPrefix: true, Timestamps: true},
			[]step{
				{web: "? ", want: ""},
				{after: PromptDelay, want: "00:00:00.300 ? "},
				{after: time.Second, web: "yes\nbye\n", want: "00:00:00.300 ? yes\n00:00:01.300 bye\n"},
			},
			"00:00:00.300 ? yes\n00:00:01.300 bye\n",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			local := time.Local
			time.Local = time.UTC
			defer func() { time.Local = local }()
			synctest.Test(t, func(t *testing.T) {
				var out paper
				m := New(&out, test.style)
				ends := map[string]net.Conn{}
				for _, name := range []string{"web", "db"} {
					read, end := net.Pipe()
					ends[name] = end
					go m.Stream(name).Copy(read)
				}
				for i, s := range test.steps {
					time.Sleep(s.after)
					synctest.Wait()
					if s.web != "" { // net.Pipe does not drop an empty write
						write(t, ends["web"], s.web)
					}
					synctest.Wait()
					if s.db != "" {
						write(t, ends["db"], s.db)
					}
					synctest.Wait()
					if s.say != "" {
						m.Say(s.say)
					}
					synctest.Wait()
					if got := out.String(); got != s.want {
						t.Fatalf("step %d: the screen is\n%q\nwant\n%q", i, got, s.want)
					}
				}
				ends["web"].Close()
				synctest.Wait()
				ends["db"].Close()
				closeMux(t, m)
				equal(t, out.String(), test.end)
			})
		})
	}
}

// Prompts work with a real pipe, too.
func TestPromptThroughPipe(t *testing.T) {
	needDeadlines(t)
	r, w := pipe(t)
	m := New(w, Style{}, "web")
	source := copying(t, m, "web")
	for range 2 { // again after a deadline has expired
		write(t, source, "password: ")
		const want = "web      | password: "
		got := make([]byte, len(want))
		if _, err := io.ReadFull(r, got); err != nil {
			t.Fatal(err)
		}
		equal(t, string(got), want)
		write(t, source, "\n")
		if _, err := io.ReadFull(r, got[:1]); err != nil {
			t.Fatal(err)
		}
	}
	source.Close()
	closeMux(t, m)
}

// counter counts the x's that are written.
type counter struct {
	t  *testing.T
	xs int
}

func (c *counter) Write(p []byte) (int, error) {
	n := bytes.Count(p, []byte("x"))
	if rest := len(p) - n; rest > len("web      | \n") {
		c.t.Errorf("%d unexpected bytes", rest)
	}
	c.xs += n
	return len(p), nil
}

func TestLongLineInBoundedMemory(t *testing.T) {
	const length = 40 << 20
	out := &counter{t: t}
	m := New(out, Style{}, "web")
	source := copying(t, m, "web")
	block := bytes.Repeat([]byte("x"), 1<<15)
	var before, now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range length / len(block) {
		if _, err := source.Write(block); err != nil {
			t.Fatal(err)
		}
		if i%16 == 0 {
			runtime.GC()
			runtime.ReadMemStats(&now)
			if now.HeapAlloc > before.HeapAlloc+length/10 {
				t.Fatalf("%d bytes are in use after %d of a line", now.HeapAlloc-before.HeapAlloc, (i+1)*len(block))
			}
		}
	}
	source.Close()
	closeMux(t, m)
	runtime.ReadMemStats(&now)
	if out.xs != length {
		t.Errorf("%d of %d bytes", out.xs, length)
	}
	// With -race, and when garbage is collected, a sync.Pool drops some of what
	// it is given. If nothing were used again, there would be more than the
	// whole line.
	if n := now.TotalAlloc - before.TotalAlloc; n > length {
		t.Errorf("%d bytes were allocated for a line of %d", n, length)
	}
}

// Blocks are bounded and their memory is reused, even for short lines with long
// prefixes.
func TestShortLinesInBoundedMemory(t *testing.T) {
	m := New(io.Discard, Style{Colors: []string{"36", "33"}}, strings.Repeat("long", 10))
	defer closeMux(t, m)
	s := &Stream{mux: m, name: "web"}
	lines := bytes.Repeat([]byte("\n"), maxBuffer)
	if n := testing.AllocsPerRun(10, func() { s.emit(lines) }); n > 0 {
		t.Errorf("%v allocations a block", n)
	}
	if cap(s.out) > 4*maxBuffer {
		t.Errorf("a buffer of %d bytes", cap(s.out))
	}
}

// sight is a writer that reports when a text has been written.
type sight struct {
	text string
	seen chan struct{}
	once sync.Once
}

func (s *sight) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte(s.text)) {
		s.once.Do(func() { close(s.seen) })
	}
	return len(p), nil
}

func TestEndlessLineDoesNotBlockOthers(t *testing.T) {
	begun := &sight{text: "x", seen: make(chan struct{})}
	out := &sight{text: "\ndb       | hello\n", seen: make(chan struct{})}
	m := New(io.MultiWriter(begun, out), Style{}, "web", "db")
	endless, db := copying(t, m, "web"), copying(t, m, "db")
	go func() {
		defer endless.Close()
		block := bytes.Repeat([]byte("x"), 1<<16)
		for {
			select {
			case <-out.seen:
				return
			default:
				if _, err := endless.Write(block); err != nil {
					t.Error(err)
					return
				}
			}
		}
	}()
	<-begun.seen
	write(t, db, "hello\n")
	<-out.seen
	db.Close()
	closeMux(t, m)
}

// An orphan holds the pipe of a process that has ended.
func TestFinish(t *testing.T) {
	needDeadlines(t)
	lines := strings.Repeat("0123456789abcde\n", 3000) // fits into a pipe
	for _, test := range []struct {
		name string
		slow time.Duration // duration of the first write
	}{{"fast reader", 0}, {"slow reader", 2 * drainPause}} {
		t.Run(test.name, func(t *testing.T) {
			out := newGate()
			m := New(out, Style{NoPrefix: true})
			r, held := pipe(t)
			write(t, held, lines+"last")
			s := m.Stream("web")
			go s.Copy(r)
			<-out.entered
			s.Finish(r)
			time.AfterFunc(test.slow, func() { close(out.open) })
			<-s.Done()
			closeMux(t, m)
			equal(t, out.String(), lines+"last\n")
		})
	}
}

func TestFinishInTime(t *testing.T) {
	text := strings.Repeat("0123456789abcde\n", 50_000) + "last"
	for _, test := range []struct {
		name   string
		holder func(p *fakePipe, ended <-chan struct{})
		within time.Duration
	}{
		{"a quiet holder", func(*fakePipe, <-chan struct{}) {}, drainPause},
		{"a holder that closes it", func(p *fakePipe, _ <-chan struct{}) { p.Close() }, 0},
		{"a chatty holder", func(p *fakePipe, ended <-chan struct{}) { chat(p, ended, drainPause/3) }, 2 * drainPause},
		{"a very chatty holder", func(p *fakePipe, ended <-chan struct{}) { chat(p, ended, time.Millisecond) }, 2 * drainPause},
	} {
		for _, slow := range []time.Duration{0, 5 * time.Second} {
			t.Run(fmt.Sprintf("%s, writer busy for %v", test.name, slow), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					out := newGate()
					m := New(out, Style{NoPrefix: true})
					p := newFakePipe()
					write(t, p, text)
					s := m.Stream("web")
					go s.Copy(p)
					<-out.entered
					s.Finish(p)
					go test.holder(p, s.Done())
					time.Sleep(slow)
					start := time.Now()
					close(out.open)
					<-s.Done()
					if took := time.Since(start); took > test.within {
						t.Errorf("copied for %v, want at most %v", took, test.within)
					}
					closeMux(t, m)
					if !strings.HasPrefix(out.String(), text) {
						t.Errorf("only %d of %d bytes were copied", len(out.String()), len(text))
					}
				})
			})
		}
	}
}

// chat prints a line every pause.
func chat(p *fakePipe, ended <-chan struct{}, pause time.Duration) {
	for {
		select {
		case <-time.After(pause):
			p.Write([]byte("still here\n"))
		case <-ended:
			return
		}
	}
}

// flood is a source that is always full.
type flood struct{ *fakePipe }

func (f flood) Read(p []byte) (int, error) {
	if f.left() < len(p) {
		f.Write(make([]byte, len(p)))
	}
	return f.fakePipe.Read(p)
}

func TestFinishUnderFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := New(io.Discard, Style{NoPrefix: true})
		s := m.Stream("web")
		source := flood{newFakePipe()}
		s.Finish(source)
		s.Copy(source)
		closeMux(t, m)
	})
}

// narrow is a terminal: a read returns less than it could.
type narrow struct{ *fakePipe }

func (n narrow) Read(p []byte) (int, error) { return n.fakePipe.Read(p[:min(len(p), 16)]) }

// slowPaper takes a while for each write.
type slowPaper struct{ paper }

func (s *slowPaper) Write(p []byte) (int, error) {
	time.Sleep(2 * drainPause)
	return s.paper.Write(p)
}

// What a terminal holds at the end of its process is copied, however long each
// block takes.
func TestFinishTerminal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out slowPaper
		m := New(&out, Style{NoPrefix: true})
		p := narrow{newFakePipe()}
		want := strings.Repeat("one more line\n", 100)
		write(t, p.fakePipe, want)
		s := m.Stream("web")
		s.Finish(p)
		s.Copy(p)
		closeMux(t, m)
		equal(t, out.String(), want)
	})
}

// Finish may be called while Copy waits, before it, before a prompt is shown, and
// after the end.
func TestFinishAtAnyTime(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"nothing printed", "", ""},
		{"lines", "one\ntwo\n", "one\ntwo\n"},
		{"an unfinished line", "one\ntw", "one\ntw\n"},
		{"CR", "one\r", "one\r\n"},
	} {
		for _, before := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, before the copying: %v", test.name, before), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var out paper
					m := New(&out, Style{NoPrefix: true})
					p := newFakePipe()
					write(t, p, test.text)
					s := m.Stream("web")
					if before {
						s.Finish(p)
						time.Sleep(time.Minute)
						go s.Copy(p)
					} else {
						go s.Copy(p)
						synctest.Wait()
						s.Finish(p)
					}
					start := time.Now()
					<-s.Done()
					if took := time.Since(start); took > drainPause {
						t.Errorf("took %v", took)
					}
					s.Finish(p) // harmless
					closeMux(t, m)
					equal(t, out.String(), test.want)
				})
			})
		}
	}
}

// A line that the service had begun when it ended stays whole.
func TestFinishKeepsLineWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out paper
		m := New(&out, Style{})
		web, db := newFakePipe(), newFakePipe()
		s := m.Stream("web")
		go s.Copy(web)
		go m.Stream("db").Copy(db)
		write(t, web, "hal")
		synctest.Wait()
		s.Finish(web)
		synctest.Wait()
		write(t, db, "one\n")
		synctest.Wait()
		write(t, web, "ves\n") // an orphan completes the line
		web.Close()
		db.Close()
		closeMux(t, m)
		equal(t, out.String(), "db       | one\nweb      | halves\n")
	})
}

// Nothing is lost if Finish is called at any moment of the copying.
func TestFinishWhileCopying(t *testing.T) {
	const want = "one\ntwo\nthree\n"
	for range 500 {
		var out paper
		m := New(&out, Style{NoPrefix: true})
		r, w := pipe(t)
		s := m.Stream("web")
		go s.Copy(r)
		for line := range strings.Lines(want) {
			write(t, w, line)
		}
		go w.Close()
		s.Finish(r)
		closeMux(t, m)
		r.Close()
		if out.String() != want {
			t.Fatalf("got %q", out.String())
		}
	}
}

// late is a source that delays the deadline of Finish until another one has been
// set and the read for it has not started, if that is possible.
type late struct {
	*os.File
	entered, set, finished chan struct{}
}

func (l late) SetReadDeadline(deadline time.Time) error {
	if deadline.After(time.Now()) {
		defer func() { <-l.finished }()
		defer func() {
			select {
			case l.set <- struct{}{}:
			default:
			}
		}()
	} else {
		defer close(l.finished)
		close(l.entered)
		select {
		case <-l.set:
		case <-time.After(20 * time.Millisecond):
		}
	}
	return l.File.SetReadDeadline(deadline)
}

// Finish must not interrupt the reads of a draining Copy.
func TestFinishIsNotLate(t *testing.T) {
	needDeadlines(t)
	out := newGate()
	m := New(out, Style{NoPrefix: true})
	r, held := pipe(t)
	source := late{r, make(chan struct{}), make(chan struct{}, 1), make(chan struct{})}
	write(t, held, "one\n")
	s := m.Stream("web")
	go s.Copy(source)
	<-out.entered
	write(t, held, "two\n")
	held.Close()
	go s.Finish(source)
	<-source.entered
	close(out.open)
	closeMux(t, m)
	equal(t, out.String(), "one\ntwo\n")
}
