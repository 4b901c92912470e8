//go:build unix

package launcher

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/devports/devports/launcher/terminal"
)

// typewriter is what a service prints while a client types to it.
type typewriter struct {
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{}
}

func (p *typewriter) Write(text []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.more)
	p.more = make(chan struct{})
	return p.text.Write(text)
}

func (p *typewriter) await(t *testing.T, want string) {
	t.Helper()
	for late := time.After(time.Minute); ; {
		p.mu.Lock()
		text, more := p.text.String(), p.more
		p.mu.Unlock()
		if strings.Contains(text, want) {
			return
		}
		select {
		case <-more:
		case <-late:
			t.Fatalf("it has not printed %q, but %q", want, text)
		}
	}
}

func TestAttach(t *testing.T) {
	const portfile = `[services]
asks = { command = 'echo ready; read a; echo "got $a"; read b; exit 3', port = false }
`
	controller := NewController()
	sizes := make(chan string, 10)
	w := runWith(t, plan(t, portfile), Options{Controller: controller, Terminals: &Terminals{Size: func(service string) terminal.Size {
		sizes <- service
		return terminal.Size{Rows: 24, Columns: 80}
	}}})
	w.printed("asks     | ready")
	paper := &typewriter{more: make(chan struct{})}
	a, err := controller.Attach(t.Context(), "asks", AttachOptions{Out: paper})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Write([]byte("hello\r")); err != nil {
		t.Error(err)
	}
	paper.await(t, "hello\r\ngot hello\r\n")
	a.Close()
	if _, err := a.Write([]byte("unseen\r")); err != nil {
		t.Error(err)
	}
	w.printed("asks     | unseen") // like all its output
	select {
	case <-a.Done():
	case <-time.After(time.Minute):
		t.Error("Done is not closed")
	}
	if got := w.status(); got != 3 {
		t.Errorf("status %d, want 3", got)
	}
	if strings.Contains(paper.text.String(), "unseen") {
		t.Errorf("it goes on printing to one who has left: %q", paper.text.String())
	}
	for range 3 { // at the start, and at both ends of the attachment
		if service := <-sizes; service != "asks" {
			t.Errorf("the size of %s is asked for", service)
		}
	}
	if _, err := controller.Attach(t.Context(), "asks", AttachOptions{Out: paper}); !errors.Is(err, ErrEnded) {
		t.Errorf("after the end: %v", err)
	}
}

func TestAttachToNothing(t *testing.T) {
	w, st := controlled(t, "[services]\na = { command = 'exec sleep 1000', port = false }\n")
	w.happened("started", "a")
	if _, err := st.Attach(t.Context(), "a", AttachOptions{}); !errors.Is(err, ErrNoTerminal) {
		t.Errorf("to a pipe: %v", err)
	}
	if err := st.Stop(t.Context(), "a"); err != nil {
		t.Error(err)
	}
	wait(t, st, "a")
	if _, err := st.Attach(t.Context(), "a", AttachOptions{}); !errors.Is(err, ErrNotRunning) {
		t.Errorf("to a stopped one: %v", err)
	}
	var unknown *UnknownServiceError
	if _, err := st.Attach(t.Context(), "x", AttachOptions{}); !errors.As(err, &unknown) {
		t.Errorf("to an unknown one: %v", err)
	}
	w.signals <- syscall.SIGTERM
	w.status()
}

// An attachment survives a restart, but not the end of the service.
func TestAttachThroughRestart(t *testing.T) {
	const portfile = `[services]
asks = { command = 'stty -echo; echo ready; read a; echo "$PPID got $a"; exec sleep 1000', port = false }
`
	controller := NewController()
	w := runWith(t, plan(t, portfile), Options{Controller: controller, Terminals: &Terminals{}})
	w.printed("asks     | ready")
	paper := &typewriter{more: make(chan struct{})}
	a, err := controller.Attach(t.Context(), "asks", AttachOptions{Out: paper, Head: "<another>"})
	if err != nil {
		t.Fatal(err)
	}
	for n := range 2 {
		if err := controller.Restart(t.Context(), "asks"); err != nil {
			t.Fatal(err)
		}
		select {
		case <-a.Restarts():
		case <-a.Done():
			t.Fatal("it ends with a restart")
		case <-time.After(time.Minute):
			t.Fatal("the restart is not reported")
		}
		paper.await(t, strings.Repeat("<another>ready\r\n", n+1))
	}
	if _, err := a.Write([]byte("hello\r")); err != nil {
		t.Error(err)
	}
	paper.await(t, "got hello\r\n")
	if err := controller.Stop(t.Context(), "asks"); err != nil {
		t.Fatal(err)
	}
	select {
	case <-a.Done():
	case <-a.Restarts():
		t.Error("a stop is taken for a restart")
	case <-time.After(time.Minute):
		t.Error("its end is not reported")
	}
	a.Close()
	w.signals <- syscall.SIGTERM
	w.status()
}

// Several clients type into one service and see its output. Its terminal has
// the size of the smallest, and its own again once they have left.
func TestAttachTwice(t *testing.T) {
	const portfile = `[services]
asks = { command = 'trap "stty size" WINCH; stty -echo; echo ready; while :; do read a && echo "got $a"; done', port = false }
`
	controller := NewController()
	w := runWith(t, plan(t, portfile), Options{Controller: controller, Terminals: &Terminals{}})
	w.printed("asks     | ready")
	var papers [2]*typewriter
	var clients [2]Attachment
	for i, size := range []terminal.Size{{Rows: 50, Columns: 70}, {Rows: 30, Columns: 100}} {
		papers[i] = &typewriter{more: make(chan struct{})}
		a, err := controller.Attach(t.Context(), "asks", AttachOptions{Out: papers[i], Size: size})
		if err != nil {
			t.Fatal(err)
		}
		clients[i] = a
	}
	papers[0].await(t, "30 70\r\n")
	for i, a := range clients {
		if _, err := a.Write([]byte{'a' + byte(i), '\r'}); err != nil {
			t.Error(err)
		}
		papers[0].await(t, "got "+string('a'+rune(i)))
		papers[1].await(t, "got "+string('a'+rune(i)))
	}
	clients[1].Resize(terminal.Size{Rows: 20, Columns: 60})
	papers[0].await(t, "20 60\r\n")
	clients[1].Close()
	papers[0].await(t, "50 70\r\n")
	clients[0].Close()
	w.printed("asks     | 24 80")
	w.signals <- syscall.SIGTERM
	w.status()
}

// A process that has closed its terminal keeps it: it gets no SIGHUP, and may open
// it again.
func TestClosedTerminal(t *testing.T) {
	const portfile = `[services]
quiet = { command = 'exec </dev/null >/dev/null 2>&1; while :; do echo again >/dev/tty; sleep 0.01; done', port = false }
`
	w := runWith(t, plan(t, portfile), Options{Terminals: &Terminals{}})
	var ended []Event
	w.until("50 lines, or an end", func(events []Event, text string) bool {
		ended = slices.DeleteFunc(slices.Clone(events), func(e Event) bool { return KindOf(e) != "ended" })
		return len(ended) > 0 || strings.Count(text, "again\n") >= 50
	})
	if len(ended) > 0 {
		t.Errorf("%+v", ended)
	}
	w.signals <- syscall.SIGTERM
	if status := w.status(); status != 0 {
		t.Errorf("status %d", status)
	}
}
