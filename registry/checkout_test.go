package registry

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// git runs git on its own: no configuration of the user's, no prompts.
func git(t *testing.T, dir string, args ...string) {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed")
	}
	cmd := exec.Command("git", append([]string{"-c", "protocol.file.allow=always"}, args...)...)
	cmd.Dir = dir
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "GIT_") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(cmd.Env, "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0",
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@b", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@b")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// repo makes the repository dir/name, with a commit that has a folder "backend".
func repo(t *testing.T, dir, name string) string {
	t.Helper()
	root := filepath.Join(dir, name)
	writeTo(t, filepath.Join(root, "backend", "Portfile"), "")
	git(t, root, "init", "-q", "-b", "trunk")
	git(t, root, "add", ".")
	git(t, root, "commit", "-q", "-m", "first")
	return root
}

// resolved is t.TempDir without symlinks.
func resolved(t *testing.T) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

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
	c, err := FindCheckout(dir, project, environment(env...))
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
	dir := filepath.Join(resolved(t), "shop")
	writeTo(t, filepath.Join(dir, ".git", "description"), "not a repository")
	expect(t, dir, "", "shop", "")
	expect(t, dir, "store", "store", "")
	var path *fs.PathError
	if _, err := FindCheckout(filepath.Join(dir, "missing"), "", environment()); !errors.As(err, &path) {
		t.Errorf("error: %v", err)
	}
}

func TestWorktrees(t *testing.T) {
	dir := resolved(t)
	shop := repo(t, dir, "shop")
	git(t, shop, "worktree", "add", "-q", "../shop-feature")
	git(t, shop, "worktree", "add", "-q", "../elsewhere/fix")
	git(t, shop, "worktree", "add", "-q", "./inside")
	expect(t, shop, "", "shop", "")
	expect(t, filepath.Join(shop, "backend"), "", "backend", "")
	expect(t, filepath.Join(dir, "shop-feature"), "", "shop", "feature")
	expect(t, filepath.Join(dir, "shop-feature"), "store", "store", "shop-feature")
	expect(t, filepath.Join(dir, "shop-feature", "backend"), "", "backend", "shop-feature")
	expect(t, filepath.Join(dir, "elsewhere", "fix"), "", "shop", "fix")
	expect(t, filepath.Join(shop, "inside"), "", "shop", "inside")

	// Moved without git worktree repair, the main checkout leaves links that lead nowhere. They still name the worktree.
	if err := os.Rename(shop, filepath.Join(dir, "moved")); err != nil {
		t.Fatal(err)
	}
	expect(t, filepath.Join(dir, "shop-feature"), "", "shop", "feature")
}

func TestBareRepositories(t *testing.T) {
	dir := resolved(t)
	seed := repo(t, dir, "seed")
	for bare, worktree := range map[string]string{
		"a/shop.git":   "a/shop-feature",
		"b/shop/.bare": "b/shop/feature",
		"c/shop/.git":  "c/shop/feature",
		"d/shop":       "d/feature",
	} {
		bare, worktree = filepath.Join(dir, filepath.FromSlash(bare)), filepath.Join(dir, filepath.FromSlash(worktree))
		git(t, dir, "clone", "-q", "--bare", seed, bare)
		git(t, bare, "worktree", "add", "-q", worktree)
		expect(t, worktree, "", "shop", "feature")
		expect(t, filepath.Join(worktree, "backend"), "store", "store", filepath.Base(worktree))
		if !Bare(worktree) || !Bare(filepath.Join(worktree, "backend")) {
			t.Errorf("%s is not known to be a worktree of a bare repository", worktree)
		}
	}
	git(t, seed, "worktree", "add", "-q", "../linked")
	for _, other := range []string{seed, filepath.Join(dir, "linked"), dir, filepath.Join(dir, "none")} {
		if Bare(other) {
			t.Errorf("%s is taken for a worktree of a bare repository", other)
		}
	}
}

func TestSubmodule(t *testing.T) {
	dir := resolved(t)
	lib := repo(t, dir, "lib")
	shop := repo(t, dir, "shop")
	git(t, shop, "submodule", "add", "-q", lib, "vendor/auth")
	sub := filepath.Join(shop, "vendor", "auth")
	expect(t, sub, "", "auth", "")
	git(t, sub, "worktree", "add", "-q", filepath.Join(dir, "auth-feature"))
	expect(t, filepath.Join(dir, "auth-feature"), "", "auth", "feature")
	git(t, dir, "init", "-q", "--separate-git-dir="+filepath.Join(dir, "store"), "apart")
	expect(t, filepath.Join(dir, "apart"), "", "apart", "")
}

func TestSymlinkedPath(t *testing.T) {
	dir := resolved(t)
	shop := filepath.Join(dir, "shop")
	writeTo(t, filepath.Join(shop, "Portfile"), "")
	link := filepath.Join(dir, "link")
	if err := os.Symlink("shop", link); err != nil {
		t.Skip("no symlinks here:", err)
	}
	if c := find(t, link, ""); c != find(t, shop, "") || c.Directory != shop {
		t.Errorf("through the link: %+v", c)
	}
	t.Chdir(link)
	if c := find(t, ".", ""); c.Directory != shop {
		t.Errorf("as the working directory: %+v", c)
	}
}

// TestLifeOfAProject leases for checkouts as they come, move and go.
func TestLifeOfAProject(t *testing.T) {
	dir := resolved(t)
	r := scratch(t)
	scope := func(path string, env ...string) (string, string) {
		t.Helper()
		c := find(t, filepath.Join(dir, path), "", env...)
		asked, err := r.Scope(c)
		if err != nil {
			t.Fatal(err)
		}
		got, leases := put(t, r, c, "web=3000")
		if asked != got {
			t.Errorf("Scope said %v, Lease %v", asked, got)
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
	shop := repo(t, dir, "shop")
	git(t, shop, "worktree", "add", "-q", "../shop-feature")
	step("shop", "shop", "web=3000!")
	step("shop-feature", "shop (feature)", "web=20000")
	step("shop/backend", "backend", "web=3000!")

	git(t, dir, "clone", "-q", shop, "clones/shop") // a second clone, of the same name
	step("clones/shop", "shop (shop)", "web=20001")
	if err := os.CopyFS(filepath.Join(dir, "copy", "shop"), os.DirFS(shop)); err != nil {
		t.Fatal(err)
	}
	step("copy/shop", "shop (shop-2)", "web=20002")

	step("shop", "shop (mine)", "web=20003", "DEVPORTS_WORKTREE=mine")
	step("shop", "shop", "web=3000!")
	step("shop", "shop", "web=3000!", "DEVPORTS_WORKTREE=feature", "DEVPORTS_PROJECT=shop")
	step("shop", "shop (mine)", "web=20003", "DEVPORTS_WORKTREE=mine", "DEVPORTS_PROJECT=shop")
	step("shop-feature", "shop (feature)", "web=20000", "DEVPORTS_WORKTREE=feature")
	step("clones/shop", "shop (shop)", "web=20001", "DEVPORTS_WORKTREE=shop")

	git(t, shop, "worktree", "move", "../shop-feature", "../feature")
	step("feature", "shop (feature)", "web=20000")
	move("shop", "moved/shop")
	step("moved/shop", "shop", "web=3000!")
	step("moved/shop", "shop (mine)", "web=20003", "DEVPORTS_WORKTREE=mine")
	move("clones/shop", "again/shop")
	step("again/shop", "shop (shop)", "web=20001")
	if got := show(all(t, r)); len(all(t, r)) != 6 {
		t.Errorf("leases: %s", got)
	}
}
