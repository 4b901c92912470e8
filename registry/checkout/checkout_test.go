package checkout

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

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

func find(t *testing.T, dir, project string, env ...string) Checkout {
	t.Helper()
	c, err := Find(dir, project, environment(env...))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func expect(t *testing.T, dir, project, wantProject, wantWorktree string) {
	t.Helper()
	if c := find(t, dir, project); c.Project != wantProject || c.Worktree != wantWorktree || c.Directory != dir {
		t.Errorf("%s is %s, worktree %q, in %s; want %s, %q", dir, c.Project, c.Worktree, c.Directory, wantProject, wantWorktree)
	}
}

func TestOutsideGit(t *testing.T) {
	dir := filepath.Join(gittest.TempDir(t), "shop")
	gittest.Write(t, filepath.Join(dir, ".git", "description"), "not a repository")
	expect(t, dir, "", "shop", "")
	expect(t, dir, "store", "store", "")
	var path *fs.PathError
	if _, err := Find(filepath.Join(dir, "missing"), "", environment()); !errors.As(err, &path) {
		t.Errorf("error: %v", err)
	}
}

func TestWorktrees(t *testing.T) {
	dir := gittest.TempDir(t)
	shop := gittest.Init(t, dir, "shop")
	gittest.Run(t, shop, "worktree", "add", "-q", "../shop-feature")
	gittest.Run(t, shop, "worktree", "add", "-q", "../elsewhere/fix")
	gittest.Run(t, shop, "worktree", "add", "-q", "./inside")
	expect(t, shop, "", "shop", "")
	expect(t, filepath.Join(shop, "backend"), "", "backend", "")
	expect(t, filepath.Join(dir, "shop-feature"), "", "shop", "feature")
	expect(t, filepath.Join(dir, "shop-feature"), "store", "store", "shop-feature")
	expect(t, filepath.Join(dir, "shop-feature", "backend"), "", "backend", "shop-feature")
	expect(t, filepath.Join(dir, "elsewhere", "fix"), "", "shop", "fix")
	expect(t, filepath.Join(shop, "inside"), "", "shop", "inside")

	// After a move without git worktree repair, the links are broken. They
	// still contain the name of the worktree.
	if err := os.Rename(shop, filepath.Join(dir, "moved")); err != nil {
		t.Fatal(err)
	}
	expect(t, filepath.Join(dir, "shop-feature"), "", "shop", "feature")
}

func TestBareRepositories(t *testing.T) {
	dir := gittest.TempDir(t)
	seed := gittest.Init(t, dir, "seed")
	for bare, worktree := range map[string]string{
		"a/shop.git":   "a/shop-feature",
		"b/shop/.bare": "b/shop/feature",
		"c/shop/.git":  "c/shop/feature",
		"d/shop":       "d/feature",
	} {
		bare, worktree = filepath.Join(dir, filepath.FromSlash(bare)), filepath.Join(dir, filepath.FromSlash(worktree))
		gittest.Run(t, dir, "clone", "-q", "--bare", seed, bare)
		gittest.Run(t, bare, "worktree", "add", "-q", worktree)
		expect(t, worktree, "", "shop", "feature")
		expect(t, filepath.Join(worktree, "backend"), "store", "store", filepath.Base(worktree))

		// The worktree of the default branch is the main checkout, whatever its
		// name.
		if c := find(t, worktree, ""); !c.NoDefaultWorktree {
			t.Errorf("the default branch of %s is checked out somewhere", bare)
		}
		main := filepath.Join(filepath.Dir(worktree), "first")
		gittest.Run(t, bare, "worktree", "add", "-q", main, "trunk")
		expect(t, main, "", "shop", "")
		expect(t, worktree, "", "shop", "feature")
		if c := find(t, worktree, ""); c.NoDefaultWorktree {
			t.Errorf("the default branch of %s is not checked out", bare)
		}
		expectMain := func() {
			t.Helper()
			for _, below := range []string{"", "backend"} {
				if got, want := find(t, filepath.Join(worktree, below), "").MainDirectory(), filepath.Join(main, below); got != want {
					t.Errorf("the main directory of %s is %q, want %q", filepath.Join(worktree, below), got, want)
				}
			}
		}
		expectMain()
		gittest.Run(t, main, "checkout", "-q", "--detach")
		expect(t, main, "", "shop", "first")
		if c := find(t, main, ""); !c.NoDefaultWorktree {
			t.Errorf("the default branch of %s is still checked out", bare)
		}
		gittest.Run(t, main, "checkout", "-q", "trunk")
		gittest.Run(t, bare, "config", "extensions.worktreeConfig", "true")
		gittest.Run(t, bare, "config", "--file", "config.worktree", "core.bare", "true")
		gittest.Run(t, bare, "config", "--unset", "core.bare")
		expect(t, main, "", "shop", "")
		expectMain()
	}
}

func TestSubmodule(t *testing.T) {
	dir := gittest.TempDir(t)
	lib := gittest.Init(t, dir, "lib")
	shop := gittest.Init(t, dir, "shop")
	gittest.Run(t, shop, "submodule", "add", "-q", lib, "vendor/auth")
	sub := filepath.Join(shop, "vendor", "auth")
	expect(t, sub, "", "auth", "")
	gittest.Run(t, sub, "worktree", "add", "-q", filepath.Join(dir, "auth-feature"))
	expect(t, filepath.Join(dir, "auth-feature"), "", "auth", "feature")
	gittest.Run(t, dir, "init", "-q", "--separate-git-dir="+filepath.Join(dir, "store"), "apart")
	expect(t, filepath.Join(dir, "apart"), "", "apart", "")
}

func TestSymlinkedPath(t *testing.T) {
	dir := gittest.TempDir(t)
	shop := filepath.Join(dir, "shop")
	gittest.Write(t, filepath.Join(shop, "Portfile"), "")
	link := filepath.Join(dir, "link")
	if err := os.Symlink("shop", link); err != nil {
		t.Skip("no symlinks:", err)
	}
	if c := find(t, link, ""); c != find(t, shop, "") || c.Directory != shop {
		t.Errorf("through the link: %+v", c)
	}
	t.Chdir(link)
	if c := find(t, ".", ""); c.Directory != shop {
		t.Errorf("as the working directory: %+v", c)
	}
}
