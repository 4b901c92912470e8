//go:build unix

package registry

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/devports/devports/registry/lockfile"
)

func TestModeKept(t *testing.T) {
	r := scratch(t)
	put(t, r, Checkout{}, "auth")
	if err := os.Chmod(r.path, 0o664); err != nil {
		t.Fatal(err)
	}
	put(t, r, Checkout{}, "db")
	if mode := stat(t, r.path).Mode().Perm(); mode != 0o664 {
		t.Errorf("mode %v", mode)
	}
}

// printed is the one line that a process prints before it ends well.
func printed(t *testing.T, role, path string, args ...string) string {
	t.Helper()
	cmd, _, stdout := process(t, role, path, args...)
	stdout.Scan()
	if err := cmd.Wait(); err != nil {
		t.Errorf("%s %v: %v", role, args, err)
	}
	return stdout.Text()
}

func needRoot(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can become other users")
	}
}

// open lets other users into a folder that the testing package keeps to itself.
func open(t *testing.T, dir string, mode fs.FileMode) {
	t.Helper()
	if err := errors.Join(os.Chmod(filepath.Dir(dir), 0o755), os.Chmod(dir, mode)); err != nil {
		t.Fatal(err)
	}
}

// TestGroup has two users and a third group that both are in.
func TestGroup(t *testing.T) {
	needRoot(t)
	r := scratch(t)
	dir := filepath.Dir(r.path)
	if err := os.Chown(dir, 0, 61000); err != nil {
		t.Skip("no other groups here:", err)
	}
	open(t, dir, 0o775|fs.ModeSetgid)
	for i, user := range []string{"61001", "61002", "61001"} {
		if got, want := printed(t, "as", r.path, user, "61000", "n"+string(rune('0'+i))), "n"+string(rune('0'+i))+" 2000"+string(rune('0'+i)); got != want {
			t.Errorf("user %s: %q, want %q", user, got, want)
		}
	}
	// Without setgid on the folder the group is kept by hand.
	open(t, dir, 0o775)
	if got := printed(t, "as", r.path, "61002", "61000", "n3"); got != "n3 20003" {
		t.Errorf("without setgid: %q", got)
	}
	if info := stat(t, r.path); info.Mode().Perm() != 0o660 || info.Sys().(*syscall.Stat_t).Gid != 61000 {
		t.Errorf("mode %v, %+v", info.Mode(), info.Sys())
	}
	// Root gives a user's registry back.
	put(t, r, Checkout{}, "root")
	if info := stat(t, r.path); info.Sys().(*syscall.Stat_t).Uid != 61002 {
		t.Errorf("after root: %+v", info.Sys())
	}
	tidyFolder(t, dir)
}

// TestReadOnlyFolder has a folder that another user may only look into.
func TestReadOnlyFolder(t *testing.T) {
	needRoot(t)
	r := scratch(t)
	put(t, r, Checkout{}, "auth")
	open(t, filepath.Dir(r.path), 0o755)
	if err := os.Chmod(r.path, 0o644); err != nil {
		t.Fatal(err)
	}
	if got := printed(t, "as", r.path, "61001", "61001", "auth"); got != "auth 20000" {
		t.Errorf("a known name: %q", got)
	}
	cmd, _, _ := process(t, "as", r.path, "61001", "61001", "db")
	if err := cmd.Wait(); err == nil {
		t.Error("a new name was leased")
	}
	if got := show(all(t, r)); got != "auth=20000" {
		t.Errorf("leases: %s", got)
	}
}

// TestFullDisk has files that cannot grow, which looks the same to a writer and needs no mount.
func TestFullDisk(t *testing.T) {
	r := scratch(t)
	put(t, r, Checkout{}, "auth db web")
	content := contentOf(t, r.path)
	for _, size := range []string{"0", "10", "250"} {
		if got := printed(t, "full", r.path, size, "more"); !strings.Contains(got, "registry.json.new: file too large") {
			t.Errorf("at %s bytes: %q", size, got)
		}
		if contentOf(t, r.path) != content {
			t.Fatalf("at %s bytes the content changed", size)
		}
		tidyFolder(t, filepath.Dir(r.path))
	}
}

// TestStoppedHolder has a process that holds the lock and does not go on.
func TestStoppedHolder(t *testing.T) {
	r := scratch(t)
	put(t, r, Checkout{}, "auth")
	cmd, stdin, stdout := process(t, "hold", r.path)
	if !stdout.Scan() {
		t.Fatal("the holder did not start")
	}
	if err := cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	r.wait = 50 * time.Millisecond
	_, _, err := r.Lease(t.Context(), Checkout{}, wantAll("db"), Options{Choose: upFrom(20000)})
	var held *lockfile.HeldError
	if !errors.As(err, &held) || held.PID != cmd.Process.Pid || !strings.Contains(held.Command, filepath.Base(os.Args[0])) || held.Since.IsZero() {
		t.Errorf("error: %v", err)
	}
	put(t, r, Checkout{}, "auth") // known names need no lock

	r.wait = time.Hour
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		_, err := r.Remove(ctx, Scope{}, Name{Service: "auth"})
		ended <- err
	}()
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("error: %v", err)
	}

	go func() {
		_, _, err := r.Lease(t.Context(), Checkout{}, wantAll("web"), Options{Choose: upFrom(20000)})
		ended <- err
	}()
	if err := errors.Join(cmd.Process.Signal(syscall.SIGCONT), stdin.Close(), <-ended); err != nil {
		t.Error(err)
	}
	if got := show(all(t, r)); got != "auth=20000 web=20001" {
		t.Errorf("leases: %s", got)
	}
}

// TestReaders has readers look while others write.
func TestReaders(t *testing.T) {
	r := scratch(t)
	put(t, r, Checkout{}, "auth")
	for range 2 {
		process(t, "churn", r.path)
	}
	for seen := 0; seen < 200; {
		leases := all(t, r)
		switch got := show(leases); got {
		case "auth=20000":
		case "auth=20000 churn=30000":
			seen++
		default:
			t.Fatalf("a reader saw %q", got)
		}
	}
}
