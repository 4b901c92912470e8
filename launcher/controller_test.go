//go:build unix

package launcher

import (
	"context"
	"errors"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

func controlled(t *testing.T, portfile string) (*world, *Controller) {
	t.Helper()
	controller := NewController()
	return runWith(t, plan(t, portfile), Options{Controller: controller}), controller
}

// states formats statuses as "a=ready b=stopped".
func states(t *testing.T, all []Status, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	var words []string
	for _, s := range all {
		words = append(words, s.Service+"="+string(s.State))
	}
	return strings.Join(words, " ")
}

func wait(t *testing.T, st *Controller, names ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	all, err := st.Wait(ctx, Status.Settled, names...)
	return states(t, all, err)
}

func TestController(t *testing.T) {
	const portfile = `[services]
a = { command = 'exec sleep 1000', port = false }
b = { command = 'exit 3' }
c = { command = 'true', port = false }
d = { command = 'exec sleep 1000', port = false, depends_on = ['b'] }
`
	w, st := controlled(t, portfile)
	w.happened("started", "a")
	w.happened("ended", "b")
	w.happened("ended", "c")
	all, err := st.Status(t.Context())
	if got := states(t, all, err); got != "a=ready b=failed c=done d=waiting" {
		t.Errorf("at first: %s", got)
	}
	for _, step := range []struct {
		what string
		do   func(ctx context.Context, names ...string) error
		name string
		want string
	}{
		{"stop", st.Stop, "a", "a=stopped"},
		{"stop again", st.Stop, "a", "a=stopped"},
		{"start", st.Start, "a", "a=ready"},
		{"start again", st.Start, "a", "a=ready"},
		{"restart what has failed", st.Restart, "b", "b=failed"},
		{"restart", st.Restart, "a", "a=ready"},
	} {
		if err := step.do(t.Context(), step.name); err != nil {
			t.Errorf("%s: %v", step.what, err)
		}
		if got := wait(t, st, step.name); got != step.want {
			t.Errorf("%s: %s, want %s", step.what, got, step.want)
		}
	}
	var unknown *UnknownServiceError
	if err := st.Restart(t.Context(), "a", "x"); !errors.As(err, &unknown) || strings.Join(unknown.Names, " ") != "x" {
		t.Errorf("an unknown one: %v", err)
	}
	if _, err := st.Wait(t.Context(), Status.Settled, "x"); !errors.As(err, &unknown) {
		t.Errorf("waiting for an unknown one: %v", err)
	}
	if err := st.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if got := wait(t, st); got != "a=stopped b=stopped c=stopped d=stopped" {
		t.Errorf("all stopped: %s", got)
	}
	if err := st.Down(t.Context()); err != nil {
		t.Error(err)
	}
	if status := w.status(); status != 0 {
		t.Errorf("status %d", status)
	}
	if _, err := st.Status(t.Context()); !errors.Is(err, ErrEnded) {
		t.Errorf("after the end: %v", err)
	}
}

// Concurrent requests add up to one process, and in the end to none.
func TestConcurrentRequests(t *testing.T) {
	w, st := controlled(t, "[services]\na = { command = 'trap \"sleep 0.05; exit\" TERM; echo up; while :; do sleep 0.01; done', port = false }")
	w.printed("up")
	var all sync.WaitGroup
	for range 10 {
		for _, do := range []func(context.Context, ...string) error{st.Restart, st.Start, st.Restart, st.Stop} {
			all.Go(func() {
				if err := do(t.Context(), "a"); err != nil {
					t.Error(err)
				}
			})
		}
	}
	all.Wait()
	if err := st.Restart(t.Context(), "a"); err != nil { // possibly while it is being stopped
		t.Error(err)
	}
	if got := wait(t, st); got != "a=ready" {
		t.Errorf("in the end: %s", got)
	}
	if err := st.Down(t.Context()); err != nil {
		t.Error(err)
	}
	if err := st.Start(t.Context(), "a"); err != nil && !errors.Is(err, ErrEnded) {
		t.Error(err)
	}
	if status := w.status(); status != 0 {
		t.Errorf("status %d", status)
	}
}

// A wait ends with the run, and with its context.
func TestWaitEnds(t *testing.T) {
	w, st := controlled(t, "[services]\na = { command = 'exec sleep 1000', ready = 'log:never' }")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := st.Wait(ctx, Status.Settled); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("out of time: %v", err)
	}
	waited := make(chan error, 1)
	go func() {
		_, err := st.Wait(t.Context(), func(Status) bool { return false })
		waited <- err
	}()
	if err := st.Down(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-waited; !errors.Is(err, ErrEnded) {
		t.Errorf("at the end of the run: %v", err)
	}
	w.status()
}

// Each client that watches the services sees each change, and does not loop.
func TestWatch(t *testing.T) {
	w, st := controlled(t, "[services]\na = { command = 'exec sleep 1000', port = false }\n")
	changed, stop := st.Watch()
	defer stop()
	other, stopOther := st.Watch()
	defer stopOther()
	_, stopThird := st.Watch()
	stopThird()
	<-other
	until := func(want string) {
		t.Helper()
		for got := ""; got != want; {
			select {
			case <-changed:
				all, err := st.Status(t.Context())
				got = states(t, all, err)
			case <-time.After(time.Minute):
				t.Fatalf("want %s, got only %s", want, got)
			}
		}
	}
	until("a=ready")
	wait(t, st, "a")                                  // the end of its trial is a change as well
	if _, err := st.Status(t.Context()); err != nil { // answered once that change was notified
		t.Fatal(err)
	}
	select {
	case <-changed: // notified while it looked
	default:
	}
	for range 10 {
		if _, err := st.Status(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case <-changed:
		t.Error("a query counts as a change")
	default:
	}
	if err := st.Stop(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	until("a=stopped")
	select {
	case <-other:
	default:
		t.Error("only one client is notified")
	}
	w.signals <- syscall.SIGTERM
	w.status()
}

// Services started since are left out.
func TestRestartOlder(t *testing.T) {
	began := time.Now()
	w, st := controlled(t, `[services]
a = { command = 'exec sleep 1000', port = false }
b = { command = 'exec sleep 1000', port = false }
`)
	wait(t, st)
	if err := st.RestartChanged(t.Context(), map[string]time.Time{"a": time.Now(), "b": began}); err != nil {
		t.Fatal(err)
	}
	wait(t, st)
	if err := st.RestartOlder(t.Context(), began); err != nil {
		t.Fatal(err)
	}
	wait(t, st)
	all, err := st.Status(t.Context())
	if err != nil || all[0].Restarts != 1 || all[1].Restarts != 0 {
		t.Errorf("%+v, %v", all, err)
	}
	if err := st.RestartOlder(t.Context(), began, "nosuch"); !errors.As(err, new(*UnknownServiceError)) {
		t.Errorf("of another service: %v", err)
	}
	_ = st.Down(t.Context())
	w.status()
}
