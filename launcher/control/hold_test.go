//go:build unix

package control

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/output"
)

// temporary is a run of services a and b; it starts a, and ends with its holds
// once starter is closed.
func temporary(t *testing.T) (client Client, starter chan struct{}, ended <-chan struct{}) {
	t.Helper()
	return lingering(t, 0)
}

// lingering is temporary with holds that linger.
func lingering(t *testing.T, linger time.Duration) (client Client, starter chan struct{}, ended <-chan struct{}) {
	t.Helper()
	plan := planOf(t, "[services]\na = { command = 'exec sleep 1000', port = false }\nb = { command = 'exec sleep 1000', port = false }\n")
	dir, err := os.MkdirTemp("", "hold") // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	l, err := Listen(filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	controller, over := launcher.NewController(), make(chan struct{})
	starter = make(chan struct{})
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() {
		_ = Serve(ctx, l, Run{Controller: controller, Output: &output.Tail{}, Journal: &Journal{}, Starter: starter, Linger: linger})
	})
	go func() {
		defer close(over)
		defer cancel()
		_ = launcher.Run(context.Background(), plan.Select([]string{"a"}), launcher.Options{Output: output.New(os.Stderr, output.Style{}), Controller: controller})
	}()
	t.Cleanup(func() {
		_ = controller.Down(context.Background())
		<-over
		all.Wait()
	})
	return Dial(filepath.Join(dir, "s")), starter, over
}

func hold(t *testing.T, c Client, fresh bool, services ...string) Hold {
	t.Helper()
	h, err := c.Hold(t.Context(), services, false, fresh)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// stateOf waits until a service has settled, and returns its state.
func stateOf(t *testing.T, c Client, service string) launcher.State {
	t.Helper()
	info, err := c.Wait(t.Context(), service)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(info.Services, func(st launcher.Status) bool { return st.Service == service })
	return info.Services[i].State
}

func TestHolds(t *testing.T) {
	client, starter, over := temporary(t)
	first := hold(t, client, false, "a", "b")
	if got := first.Info; !got.Temporary || !slices.Equal(got.HeldOnly, []string{"b"}) {
		t.Errorf("temporary %v, %v end with the holds", got.Temporary, got.HeldOnly)
	}
	second := hold(t, client, false, "b")
	close(starter)
	if _, err := client.Hold(t.Context(), []string{"a"}, false, true); !errors.Is(err, ErrHeld) {
		t.Errorf("a fresh hold beside others: %v", err)
	}
	if _, err := first.Release(t.Context()); err != nil {
		t.Error(err)
	}
	if got := stateOf(t, client, "b"); got != launcher.StateReady {
		t.Errorf("b, which the second needs, is %s", got)
	}
	third := hold(t, client, false)
	if _, err := second.Release(t.Context()); err != nil {
		t.Error(err)
	}
	if got := stateOf(t, client, "b"); got != launcher.StateStopped {
		t.Errorf("b, which nothing needs, is %s", got)
	}
	if got := stateOf(t, client, "a"); got != launcher.StateReady {
		t.Errorf("a, which the run was started with, is %s", got)
	}
	third.Close() // as if its process had ended
	awaitOver(t, over)
}

func TestHoldsOfTheUser(t *testing.T) {
	client, starter, over := temporary(t)
	h := hold(t, client, false, "b")
	if _, err := client.Restart(t.Context(), "b"); err != nil {
		t.Fatal(err)
	}
	if err := client.Keep(t.Context()); err != nil {
		t.Fatal(err)
	}
	close(starter)
	if _, err := h.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := stateOf(t, client, "b"); got != launcher.StateReady {
		t.Errorf("b, which its user wants, is %s", got)
	}
	before, err := client.Status(t.Context())
	if err != nil || before.Temporary {
		t.Errorf("%+v, %v", before, err)
	}
	h = hold(t, client, true, "a")
	if got := stateOf(t, client, "a"); got != launcher.StateReady || h.Info.Services[0].PID == before.Services[0].PID && h.Info.Services[0].State == launcher.StateReady {
		t.Errorf("a is %s and was not restarted: %+v", got, h.Info.Services[0])
	}
	h.Close()
	if got := stateOf(t, client, "a"); got != launcher.StateReady {
		t.Errorf("a, which ran before, is %s", got)
	}
	if err := client.Down(t.Context()); err != nil {
		t.Error(err)
	}
	awaitOver(t, over)
}

// A run whose starter ends before there is a hold ends.
func TestStarterGone(t *testing.T) {
	client, starter, over := temporary(t)
	close(starter)
	awaitOver(t, over)
	if _, err := client.Hold(t.Context(), nil, false, false); err == nil {
		t.Error("a hold on a run that has ended")
	}
}

// Whatever the order in which holds begin and end, the run ends with the last
// one, and not before.
func TestManyHolds(t *testing.T) {
	client, starter, over := temporary(t)
	last := hold(t, client, false, "b")
	close(starter)
	var all sync.WaitGroup
	for n := range 20 {
		all.Go(func() {
			h, err := client.Hold(t.Context(), []string{"b"}, false, false)
			switch {
			case err != nil:
				t.Error(err)
			case n%2 == 0:
				h.Close()
			default:
				if _, err := h.Release(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if got := stateOf(t, client, "b"); got != launcher.StateReady {
		t.Errorf("b is %s", got)
	}
	last.Close()
	awaitOver(t, over)
}

func awaitOver(t *testing.T, over <-chan struct{}) {
	t.Helper()
	select {
	case <-over:
	case <-time.After(time.Minute):
		t.Fatal("the run goes on")
	}
}
