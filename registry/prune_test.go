package registry

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/devports/devports/registry/checkout"
	"github.com/devports/devports/registry/internal/gittest"
)

func TestPrune(t *testing.T) {
	dir := gittest.TempDir(t)
	r := scratch(t)
	shop := gittest.Init(t, dir, "shop")
	gittest.Run(t, shop, "worktree", "add", "-q", "../shop-feature")
	gittest.Run(t, shop, "worktree", "add", "-q", "../shop-fix")
	put(t, r, checkout.Checkout{}, "jupyter pg=5432")
	put(t, r, find(t, shop, ""), "db=5432 web")
	fixed := filepath.Join(dir, "shop-fix")
	put(t, r, find(t, fixed, ""), "web")
	put(t, r, find(t, filepath.Join(dir, "shop-feature"), ""), "db=5432 web")
	put(t, r, find(t, filepath.Join(dir, "shop-feature"), "", "DEVPORTS_WORKTREE=mine"), "web")
	gone := func() []Lease {
		t.Helper()
		leases, err := r.Gone(checkout.Checkout{})
		if err != nil {
			t.Fatal(err)
		}
		return leases
	}
	if leases := gone(); len(leases) > 0 {
		t.Errorf("gone while all exist: %s", show(leases))
	}
	gittest.Run(t, shop, "worktree", "remove", "../shop-feature")
	shown := gone()
	if show(shown) != "db=20003 web=20004 web=20005" || shown[1].Scope.Worktree != "feature" || shown[2].Scope.Worktree != "mine" {
		t.Errorf("gone: %v", shown)
	}

	// Leases that were not shown stay, even if their directory is gone now.
	gittest.Run(t, shop, "worktree", "remove", "../shop-fix")
	living := all(t, r)[:4]
	pruned, err := r.Prune(t.Context(), append(living, shown...))
	if err != nil || show(pruned) != show(shown) {
		t.Errorf("pruned %s: %v", show(pruned), err)
	}
	if got := show(all(t, r)); got != "jupyter=20000 pg=5432! db=5432! web=20001 web=20002" {
		t.Errorf("leases: %s", got)
	}
	if got := show(gone()); got != "web=20002" {
		t.Errorf("gone: %s", got)
	}

	// Leases that have changed stay, too: the worktree is back, or has moved.
	before := stat(t, r.path)
	shown = gone()
	gittest.Run(t, shop, "worktree", "add", "-q", "../shop-fix", "shop-fix")
	if pruned, err := r.Prune(t.Context(), shown); err != nil || len(pruned) > 0 {
		t.Errorf("pruned %s: %v", show(pruned), err)
	}
	if !os.SameFile(before, stat(t, r.path)) {
		t.Error("the file was written")
	}
	gittest.Run(t, shop, "worktree", "move", "../shop-fix", "../fix")
	shown = gone()
	put(t, r, find(t, filepath.Join(dir, "fix"), ""), "web")
	if pruned, err := r.Prune(t.Context(), shown); err != nil || len(shown) != 1 || len(pruned) > 0 {
		t.Errorf("pruned %s: %v", show(pruned), err)
	}
	if pruned, err := r.Prune(t.Context(), nil); err != nil || pruned != nil {
		t.Errorf("pruned %s: %v", show(pruned), err)
	}
	if got := show(all(t, r)); got != "jupyter=20000 pg=5432! web=20002 db=5432! web=20001" {
		t.Errorf("leases: %s", got)
	}
}

// TestPrunePart prunes one lease of a scope.
func TestPrunePart(t *testing.T) {
	r := scratch(t)
	dir := filepath.Join(gittest.TempDir(t), "shop")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	put(t, r, find(t, dir, ""), "a b c")
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	gone, err := r.Gone(checkout.Checkout{})
	if err != nil {
		t.Fatal(err)
	}
	gone[2].Port++
	if pruned, err := r.Prune(t.Context(), gone[1:]); err != nil || show(pruned) != "b=20001" {
		t.Errorf("pruned %s: %v", show(pruned), err)
	}
	if got := show(all(t, r)); got != "a=20000 c=20002" {
		t.Errorf("leases: %s", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Prune(ctx, all(t, r)); !errors.Is(err, context.Canceled) {
		t.Errorf("error: %v", err)
	}
}

func TestGone(t *testing.T) {
	dir := gittest.TempDir(t)
	file := filepath.Join(dir, "file")
	gittest.Write(t, file, "")
	for path, want := range map[string]bool{
		dir: false, file: true, filepath.Join(dir, "no"): true, filepath.Join(dir, "no", "more"): true, filepath.Join(file, "below"): true,
		"bad\x00path": false,
	} {
		if checkout.IsGone(path) != want {
			t.Errorf("gone(%q) = %v", path, !want)
		}
	}
}
