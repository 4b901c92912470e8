package registry

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/devports/devports/registry/checkout"
	"github.com/devports/devports/registry/internal/gittest"
)

func environment(pairs ...string) func(string) string {
	return func(key string) string {
		for _, p := range pairs {
			if value, ok := strings.CutPrefix(p, key+"="); ok {
				return value
			}
		}
		return ""
	}
}

func find(t *testing.T, dir, project string, env ...string) checkout.Checkout {
	t.Helper()
	c, err := checkout.Find(dir, project, environment(env...))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestLifeOfAProject leases for checkouts that are created, moved and removed.
func TestLifeOfAProject(t *testing.T) {
	dir := gittest.TempDir(t)
	r := scratch(t)
	scope := func(path string, env ...string) (string, string) {
		t.Helper()
		c := find(t, filepath.Join(dir, path), "", env...)
		predicted, err := r.Scope(c)
		if err != nil {
			t.Fatal(err)
		}
		got, leases := put(t, r, c, "web=3000")
		if predicted != got {
			t.Errorf("Scope returns %v, Lease %v", predicted, got)
		}
		return got.String(), show(leases)
	}
	step := func(path, want, ports string, env ...string) {
		t.Helper()
		if s, p := scope(path, env...); s != want || p != ports {
			t.Errorf("%s is %s with %s, want %s with %s", path, s, p, want, ports)
		}
	}
	move := func(from, to string) {
		t.Helper()
		from, to = filepath.Join(dir, from), filepath.Join(dir, to)
		if err := errors.Join(os.MkdirAll(filepath.Dir(to), 0o755), os.Rename(from, to)); err != nil {
			t.Fatal(err)
		}
	}
	shop := gittest.Init(t, dir, "shop")
	gittest.Run(t, shop, "worktree", "add", "-q", "../shop-feature")
	step("shop", "shop", "web=3000!")
	step("shop-feature", "shop (feature)", "web=20000")
	step("shop/backend", "backend", "web=3000!")

	gittest.Run(t, dir, "clone", "-q", shop, "clones/shop") // a second clone, of the same name
	step("clones/shop", "shop (shop)", "web=20001")
	if err := os.CopyFS(filepath.Join(dir, "copy", "shop"), os.DirFS(shop)); err != nil {
		t.Fatal(err)
	}
	step("copy/shop", "shop-2", "web=3000!") // has no remote

	step("shop", "shop (mine)", "web=20002", "DEVPORTS_WORKTREE=mine")
	step("shop", "shop", "web=3000!")
	step("shop", "shop", "web=3000!", "DEVPORTS_WORKTREE=feature", "DEVPORTS_PROJECT=shop")
	step("shop", "shop (mine)", "web=20002", "DEVPORTS_WORKTREE=mine", "DEVPORTS_PROJECT=shop")
	step("shop-feature", "shop (feature)", "web=20000", "DEVPORTS_WORKTREE=feature")
	step("clones/shop", "shop (shop)", "web=20001", "DEVPORTS_WORKTREE=shop")

	gittest.Run(t, shop, "worktree", "move", "../shop-feature", "../feature")
	step("feature", "shop (feature)", "web=20000")
	move("shop", "moved/shop")
	step("moved/shop", "shop", "web=3000!")
	step("moved/shop", "shop (mine)", "web=20002", "DEVPORTS_WORKTREE=mine")
	move("clones/shop", "again/shop")
	step("again/shop", "shop (shop)", "web=20001")
	if got := show(all(t, r)); len(all(t, r)) != 6 {
		t.Errorf("leases: %s", got)
	}
}
