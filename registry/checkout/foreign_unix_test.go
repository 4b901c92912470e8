//go:build unix

package checkout

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/devports/devports/registry/internal/gittest"
)

// Another user's .git in a parent directory does not decide the project of a
// directory: it is not even read.
func TestForeignRepository(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give files to others")
	}
	const stranger, me = 2002, 2001
	shared := filepath.Join(gittest.TempDir(t), "shared")
	work := filepath.Join(shared, "work")
	dot := filepath.Join(shared, ".git")
	gittest.Write(t, filepath.Join(work, "Portfile"), "")
	gittest.Write(t, filepath.Join(dot, "HEAD"), "ref: refs/heads/main\n")
	chmod := func(mode os.FileMode) {
		t.Helper()
		if err := os.Chmod(shared, mode); err != nil {
			t.Fatal(err)
		}
	}
	chown := func(uid int, paths ...string) {
		t.Helper()
		for _, path := range paths {
			if err := os.Lchown(path, uid, -1); err != nil {
				t.Fatal(err)
			}
		}
	}
	expectIn := func(what, repository string, env ...string) {
		t.Helper()
		if c := find(t, work, "", env...); c.Repository != repository {
			t.Errorf("%s: the repository is %q, want %q", what, c.Repository, repository)
		}
		branch := ""
		if repository != "" {
			branch = "main"
		}
		if head := HeadOf(work, environment(env...)); head.Branch != branch {
			t.Errorf("%s: the branch is %q, want %q", what, head.Branch, branch)
		}
	}

	expectIn("one's own", dot)
	chmod(0o777 | os.ModeSticky)
	expectIn("one's own in a sticky folder", dot)
	chown(stranger, dot)
	expectIn("a stranger's in a sticky folder", "")
	chown(0, dot)
	chmod(0o777)
	expectIn("in a folder in which everyone may write", "")
	chmod(0o755)
	chown(stranger, shared, dot)
	expectIn("in a stranger's home", "")
	chown(me, shared, dot)
	expectIn("root in a user's repository", "")
	expectIn("the same with sudo", dot, "SUDO_UID=2001")
	chown(me, work)
	expectIn("root in a folder of the repository's owner", dot)

	chown(0, work, shared)
	chmod(0o777 | os.ModeSticky)
	if err := os.RemoveAll(dot); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(dot, 0o644); err != nil {
		t.Fatal(err)
	}
	chown(stranger, dot)
	expectIn("a stranger's pipe", "")
}
