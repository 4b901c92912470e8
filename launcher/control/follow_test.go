//go:build unix

package control

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/output"
	"github.com/devports/devports/launcher/terminal"
)

// await fails the test unless done is closed in time.
func await(t *testing.T, done <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Fatal("still waiting for " + what)
	}
}

// Every remote sees each change of a service, whoever has caused it, and the end
// of the run.
func TestRemote(t *testing.T) {
	var first *Remote
	t.Cleanup(func() { // after the end of the run
		await(t, first.Ended(), "the end")
		first.Close()
	})
	_, client := served(t)
	var err error
	first, err = client.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	second, err := client.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Stop(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	for _, r := range []*Remote{first, second} {
		changed, stop := r.Watch()
		defer stop()
		for state := launcher.State(""); state != launcher.StateStopped; {
			await(t, changed, "a to be stopped")
			all, _ := r.Status(t.Context())
			state = all[0].State
		}
	}
	second.Close()
	if d, err := first.Inspect(t.Context(), "b"); err != nil || d.PID == 0 || d.Command != "exec sleep 1000" || len(d.Environment) == 0 {
		t.Errorf("%+v, %v", d, err)
	}
	var unknown *launcher.UnknownServiceError
	if _, err := first.Inspect(t.Context(), "x"); !errors.As(err, &unknown) {
		t.Errorf("an unknown service: %v", err)
	}
	if _, err := first.Attach(t.Context(), "b", launcher.AttachOptions{Out: io.Discard}); err == nil || err.Error() != launcher.ErrNoTerminal.Error() {
		t.Errorf("attached to a pipe: %v", err)
	}
	if _, err := first.Attach(t.Context(), "x", launcher.AttachOptions{Out: io.Discard}); !errors.As(err, &unknown) {
		t.Errorf("attached to an unknown service: %v", err)
	}
}

// A run that does not know a request is of another version.
func TestOtherVersion(t *testing.T) {
	_, client := served(t)
	for _, query := range []url.Values{nil, {"later": {"true"}}} {
		path := "status"
		if query == nil {
			path = "later"
		}
		var other *OtherVersionError
		if _, err := client.do(t.Context(), http.MethodGet, path, query); !errors.As(err, &other) || other.Protocol != Protocol {
			t.Errorf("%s %v: got %v", path, query, err)
		}
	}
}

// A reader of the output that stalls misses lines, which are counted, and delays
// neither the services nor other readers. All others are complete and in order.
func TestStalledOutput(t *testing.T) {
	begin := flooding(t)
	_, client := served(t)
	stalled, release, over := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(over)
		stall := sync.OnceFunc(func() {
			close(stalled)
			<-release
		})
		var seen, missed int64
		last := ""
		_ = client.Output(t.Context(), func(e OutputEntry) error {
			if len(e.Text) > 0 {
				stall()
			}
			missed += e.Missed
			seen += int64(strings.Count(string(e.Text), "\n"))
			if len(e.Text) > 0 {
				last = string(e.Text)
			}
			if strings.HasSuffix(last, "the last\n") {
				return errors.New("enough")
			}
			return nil
		})
		if missed == 0 || seen+missed != 200_002 {
			t.Errorf("%d lines seen, %d missed", seen, missed)
		}
	}()
	await(t, stalled, "the first output")
	begin()
	done := errors.New("seen the last")
	if err := client.Output(t.Context(), func(e OutputEntry) error {
		if strings.HasSuffix(string(e.Text), "the last\n") {
			return done
		}
		return nil
	}); !strings.Contains(err.Error(), done.Error()) {
		t.Errorf("the other reader: %v", err)
	}
	close(release)
	await(t, over, "the stalled reader")
}

// A client that does not read what a service prints learns how much it has missed,
// and does not delay the service.
func TestPrinter(t *testing.T) {
	p := newPrinter()
	for range 10 {
		if n, err := p.Write([]byte(strings.Repeat("x", 50_000) + "\n")); n != 50_001 || err != nil {
			t.Fatalf("%d, %v", n, err)
		}
	}
	_, _ = p.Write([]byte("small\n")) // it would fit, but come before the gap
	m, more := p.take()
	if want := "devports | … 6 lines skipped: this terminal did not keep up\r\n"; !more || !strings.HasSuffix(string(m.Output), want) || len(m.Output) > maxPrinted+200 {
		t.Errorf("%d bytes, …%q", len(m.Output), m.Output[max(0, len(m.Output)-80):])
	}
	_, _ = p.Write([]byte("after"))
	if m, _ := p.take(); string(m.Output) != "after" {
		t.Errorf("then %q", m.Output)
	}
	p.add(nil, true)
	p.close()
	if m, more := p.take(); !m.Restarting || more {
		t.Errorf("at the end %+v", m)
	}
}

func TestParseSize(t *testing.T) {
	for raw, want := range map[string]terminal.Size{
		"": {}, "rows=24&columns=80": {Rows: 24, Columns: 80}, "rows=24": {}, "rows=0&columns=80": {}, "rows=70000&columns=80": {}, "rows=-1&columns=x": {},
	} {
		query, err := parseQuery(raw, "rows", "columns")
		if err != nil {
			t.Fatal(err)
		}
		got, err := parseSize(query)
		if valid := raw == "" || want != (terminal.Size{}); valid != (err == nil) || valid && got != want {
			t.Errorf("%q is %+v, %v", raw, got, err)
		}
	}
}

// A client that follows, and is slow, receives what came just before the end of the
// run.
func TestFollowToTheEnd(t *testing.T) {
	plan := planOf(t, "[services]\na = { command = 'exec sleep 1000', port = false }\n")
	controller := launcher.NewController()
	running, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = launcher.Run(running, plan, launcher.Options{Output: output.New(io.Discard, output.Style{}), Controller: controller})
	}()
	defer func() {
		stop()
		<-ended
	}()
	for round := range 20 {
		dir, err := os.MkdirTemp("", "control") // t.TempDir is too long for a socket
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		path := filepath.Join(dir, "s")
		l, err := Listen(path)
		if err != nil {
			t.Fatal(err)
		}
		var tail output.Tail
		const lines = 800 // more than a socket holds
		tail.Add("a", []byte(strings.Repeat(strings.Repeat("x", 1000)+"\n", lines)))
		ctx, end := context.WithCancel(t.Context())
		defer end()
		go Serve(ctx, l, Run{Controller: controller, Output: &tail, Journal: &Journal{}})
		got, last, began := 0, "", time.Now()
		err = Dial(path).Logs(t.Context(), LogQuery{Last: -1, Follow: true}, func(e LogEntry) error {
			if got++; got == 1 {
				tail.Add("a", []byte("last\n"))
				end()
			}
			// A slow reader, which empties half of the socket in a second even on a busy machine.
			if last = e.Text; round == 0 && got%8 == 0 && time.Since(began) < 2*shutdownTimeout {
				time.Sleep(15 * time.Millisecond)
			}
			return nil
		})
		if err != nil || got != lines+1 || last != "last" {
			t.Fatalf("%d lines, then %.10q, %v", got, last, err)
		}
	}
}
