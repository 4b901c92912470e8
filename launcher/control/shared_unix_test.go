//go:build unix

package control

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/devports/devports/launcher"
)

// The run of shared services names its holders, and goes on for a while after the
// last one has disconnected.
func TestHoldShared(t *testing.T) {
	const linger = 5 * time.Second
	client, _, over := lingering(t, linger) // the process that started it has not ended
	main, err := client.HoldShared(t.Context(), "shop", "a")
	if err != nil {
		t.Fatal(err)
	}
	fix, err := client.HoldShared(t.Context(), "shop/fix", "b")
	if err != nil {
		t.Fatal(err)
	}
	if got := fix.Info.NeededBy("a", "shop/fix"); !slices.Equal(got, []string{"shop"}) {
		t.Errorf("a is needed by %v", got)
	}
	if got := fix.Info.NeededBy("a", "shop"); got != nil {
		t.Errorf("a is needed by %v besides shop", got)
	}
	main.Close()
	for { // the server notices it
		info, err := client.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(info.NeededBy("a", "")) == 0 {
			break
		}
	}
	closed := time.Now()
	fix.Close()
	again, err := client.HoldShared(t.Context(), "shop/new", "b")
	if err != nil {
		t.Fatalf("a hold right after the last one: %v", err)
	}
	again.Close()
	awaitOver(t, over)
	if took := time.Since(closed); took < linger {
		t.Errorf("the run ended %v after the last hold", took)
	}
}

// Services of a run are split into its own and shared ones, in the order named.
func TestSplitShared(t *testing.T) {
	all := []launcher.Status{{Service: "db", Shared: true}, {Service: "web"}}
	own, shared := SplitShared(all, []string{"web", "db", "x"})
	if !slices.Equal(own, []string{"web", "x"}) || !slices.Equal(shared, []string{"db"}) {
		t.Errorf("%v and %v", own, shared)
	}
}

// The run of shared services has a slot of its own: it is not
// the run of the checkout in the same directory.
func TestSharedSlot(t *testing.T) {
	runs := NewRuns(t.TempDir(), "")
	dir := t.TempDir()
	claim, err := runs.SharedSlot(dir).Claim(Note{Directory: dir, Project: "shop", Worktree: SharedLabel, Shared: true}, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := runs.SharedSlot(dir).Claim(Note{}, 0); !errors.As(err, new(*RunningError)) {
		t.Errorf("a second run of shared services: %v", err)
	}
	if i, ok := runs.RunningShared(dir); !ok || i.Note.ID != claim.Note.ID {
		t.Errorf("%+v, %v", i, ok)
	}
	if i, ok := runs.Running(dir, ""); ok {
		t.Errorf("it is the run of the checkout: %+v", i)
	}
	if err := claim.Release(); err != nil {
		t.Error(err)
	}
	if _, ok := runs.RunningShared(dir); ok {
		t.Error("it runs after its end")
	}
}
