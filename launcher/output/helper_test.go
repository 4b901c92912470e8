package output

import (
	"bytes"
	"io"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"
)

// pipe returns a pipe that is closed at the end of the test.
func pipe(tb testing.TB) (r, w *os.File) {
	tb.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { r.Close(); w.Close() })
	return r, w
}

// copying starts to copy a service's output and returns the end the service writes
// to.
func copying(tb testing.TB, m *Mux, name string) *os.File {
	tb.Helper()
	r, w := pipe(tb)
	go m.Stream(name).Copy(r)
	return w
}

func write(tb testing.TB, w io.Writer, text string) {
	tb.Helper()
	if _, err := io.WriteString(w, text); err != nil {
		tb.Error(err)
	}
}

func closeMux(tb testing.TB, m *Mux) {
	tb.Helper()
	if err := m.Close(tb.Context()); err != nil {
		tb.Errorf("Close: %v", err)
	}
}

func equal(tb testing.TB, got, want string) {
	tb.Helper()
	if got != want {
		tb.Errorf("got\n%q\nwant\n%q", got, want)
	}
}

// needDeadlines skips a test that requires reads with deadlines.
func needDeadlines(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("pipes have no deadlines here")
	}
}

// paper is a writer that returns everything written so far.
type paper struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *paper) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *paper) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// gate is a writer that blocks: Write sends to entered and waits for open.
type gate struct {
	paper
	entered, open chan struct{}
}

func newGate() *gate { return &gate{entered: make(chan struct{}, 1), open: make(chan struct{})} }

func (g *gate) Write(p []byte) (int, error) {
	select {
	case g.entered <- struct{}{}:
	default:
	}
	<-g.open
	return g.paper.Write(p)
}

// fakePipe is an unbounded pipe for a synctest bubble. Its reads are like those of
// an *os.File: after the deadline they fail even if there is data.
type fakePipe struct {
	mu       sync.Mutex // guards the fields below
	data     []byte
	closed   bool
	deadline time.Time
	changed  chan struct{} // closed at every change
}

func newFakePipe() *fakePipe { return &fakePipe{changed: make(chan struct{})} }

func (f *fakePipe) change(do func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	do()
	close(f.changed)
	f.changed = make(chan struct{})
}

func (f *fakePipe) Write(p []byte) (int, error) {
	f.change(func() { f.data = append(f.data, p...) })
	return len(p), nil
}

func (f *fakePipe) Close() error {
	f.change(func() { f.closed = true })
	return nil
}

func (f *fakePipe) SetReadDeadline(t time.Time) error {
	f.change(func() { f.deadline = t })
	return nil
}

func (f *fakePipe) Read(p []byte) (int, error) {
	for {
		n, changed, deadline, err := f.try(p)
		if n > 0 || err != nil {
			return n, err
		}
		var expired <-chan time.Time
		if !deadline.IsZero() {
			expired = time.After(time.Until(deadline))
		}
		select {
		case <-changed:
		case <-expired:
		}
	}
}

func (f *fakePipe) try(p []byte) (n int, changed <-chan struct{}, deadline time.Time, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case !f.deadline.IsZero() && !time.Now().Before(f.deadline):
		return 0, nil, time.Time{}, os.ErrDeadlineExceeded
	case len(f.data) > 0:
		n = copy(p, f.data)
		f.data = f.data[n:]
		return n, nil, time.Time{}, nil
	case f.closed:
		return 0, nil, time.Time{}, io.EOF
	}
	return 0, f.changed, f.deadline, nil
}

// left returns the number of unread bytes.
func (f *fakePipe) left() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.data)
}
