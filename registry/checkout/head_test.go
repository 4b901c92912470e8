package checkout

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/devports/devports/registry/internal/gittest"
)

// HeadOf agrees with git, whatever the storage of refs.
func TestHeadOf(t *testing.T) {
	dir := gittest.TempDir(t)
	main := gittest.Init(t, dir, "shop")
	expectHead := func(dir string) {
		t.Helper()
		ask := func(args ...string) string {
			out, _ := exec.Command("git", append([]string{"-C", dir}, args...)...).Output()
			return strings.TrimSpace(string(out))
		}
		want := Head{ask("symbolic-ref", "--short", "-q", "HEAD"), ask("rev-parse", "HEAD")}
		if got := HeadOf(dir, environment()); got != want || got.Commit == "" {
			t.Errorf("HeadOf(%s) = %+v, git says %+v", dir, got, want)
		}
	}
	expectHead(main)
	gittest.Run(t, main, "checkout", "-q", "-b", "feature/x")
	expectHead(main)
	gittest.Run(t, main, "pack-refs", "--all")
	expectHead(main)
	gittest.Run(t, main, "checkout", "-q", "--detach")
	expectHead(main)
	worktree := filepath.Join(dir, "shop-fix")
	gittest.Run(t, main, "worktree", "add", "-q", "-b", "fix", worktree)
	expectHead(worktree)
	below := filepath.Join(worktree, "a", "b")
	if err := os.MkdirAll(below, 0o755); err != nil {
		t.Fatal(err)
	}
	expectHead(below)

	empty := filepath.Join(dir, "empty")
	gittest.Run(t, dir, "init", "-q", "-b", "trunk", empty)
	if got := HeadOf(empty, environment()); got != (Head{Branch: "trunk"}) {
		t.Errorf("a repository without a commit: %+v", got)
	}
	if got := HeadOf(t.TempDir(), environment()); got != (Head{}) {
		t.Errorf("outside git: %+v", got)
	}
	t.Chdir(main)
	if got := HeadOf("", environment()); got != (Head{}) {
		t.Errorf("the user-wide scope, in a repository: %+v", got)
	}
}
