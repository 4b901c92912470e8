//go:build unix

package registry

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/devports/devports/allocator"
	"github.com/devports/devports/allocator/lockfile"
	"github.com/devports/devports/registry/checkout"
)

func TestModeKept(t *testing.T) {
	r := scratch(t)
	put(t, r, checkout.Checkout{}, "auth")
	if err := os.Chmod(r.path, 0o664); err != nil {
		t.Fatal(err)
	}
	put(t, r, checkout.Checkout{}, "db")
	if mode := stat(t, r.path).Mode().Perm(); mode != 0o664 {
		t.Errorf("mode %v", mode)
	}
}

// printed returns the only line that a process prints; the process must
// succeed.
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

// open makes a directory of the testing package accessible to other users.
func open(t *testing.T, dir string, mode fs.FileMode) {
	t.Helper()
	if err := errors.Join(os.Chmod(filepath.Dir(dir), 0o755), os.Chmod(dir, mode)); err != nil {
		t.Fatal(err)
	}
}

// TestGroup has two users who share a group.
func TestGroup(t *testing.T) {
	needRoot(t)
	r := scratch(t)
	dir := filepath.Dir(r.path)
	if err := os.Chown(dir, 0, 61000); err != nil {
		t.Skip("no other groups:", err)
	}
	open(t, dir, 0o775|fs.ModeSetgid)
	for i, user := range []string{"61001", "61002", "61001"} {
		if got, want := printed(t, "as", r.path, user, "61000", "n"+string(rune('0'+i))), "n"+string(rune('0'+i))+" 2000"+string(rune('0'+i)); got != want {
			t.Errorf("user %s: %q, want %q", user, got, want)
		}
	}
	// Without setgid on the directory, the package keeps the group itself.
	open(t, dir, 0o775)
	if got := printed(t, "as", r.path, "61002", "61000", "n3"); got != "n3 20003" {
		t.Errorf("without setgid: %q", got)
	}
	if info := stat(t, r.path); info.Mode().Perm() != 0o660 || info.Sys().(*syscall.Stat_t).Gid != 61000 {
		t.Errorf("mode %v, %+v", info.Mode(), info.Sys())
	}
	// Root keeps the owner of a user's registry.
	put(t, r, checkout.Checkout{}, "root")
	if info := stat(t, r.path); info.Sys().(*syscall.Stat_t).Uid != 61002 {
		t.Errorf("after root: %+v", info.Sys())
	}
	checkLeftovers(t, dir)
}

// TestReadOnlyFolder has a directory that another user may only read.
func TestReadOnlyDirectory(t *testing.T) {
	needRoot(t)
	r := scratch(t)
	put(t, r, checkout.Checkout{}, "auth")
	open(t, filepath.Dir(r.path), 0o755)
	if err := os.Chmod(r.path, 0o644); err != nil {
		t.Fatal(err)
	}
	if got := printed(t, "as", r.path, "61001", "61001", "auth"); got != "auth 20000" {
		t.Errorf("a known name: %q", got)
	}
	if got := printed(t, "refused", r.path, "61001", "61001", "db"); !strings.HasSuffix(got, "permission denied") {
		t.Errorf("a new name: %q", got)
	}
	if got := show(all(t, r)); got != "auth=20000" {
		t.Errorf("leases: %s", got)
	}
}

// TestOthersFile has a registry of another user in a directory that all users
// may write.
func TestOthersFile(t *testing.T) {
	needRoot(t)
	r := scratch(t)
	dir := filepath.Dir(r.path)
	put(t, r, checkout.Checkout{}, "auth")
	open(t, dir, 0o777|fs.ModeSticky)
	content := contentOf(t, r.path)
	for _, mode := range []fs.FileMode{0o600, 0o644, 0o666} { // unreadable, readable, and writable but not replaceable
		if err := errors.Join(os.Chmod(r.path, mode), os.Chmod(r.path+".lock", mode)); err != nil {
			t.Fatal(err)
		}
		got := printed(t, "refused", r.path, "61001", "61001", "db")
		if !strings.Contains(got, r.path) || !strings.HasSuffix(got, "permission denied") && !strings.HasSuffix(got, "not permitted") {
			t.Errorf("mode %v: %q", mode, got)
		}
		if contentOf(t, r.path) != content {
			t.Errorf("mode %v: the content changed", mode)
		}
		checkLeftovers(t, dir)
	}
}

// TestGroupAtOnce has two users lease in one registry at the same moment.
func TestGroupAtOnce(t *testing.T) {
	needRoot(t)
	r := scratch(t)
	if err := os.Chown(filepath.Dir(r.path), 0, 61000); err != nil {
		t.Skip("no other groups:", err)
	}
	open(t, filepath.Dir(r.path), 0o775|fs.ModeSetgid)
	var results []func() string
	for i := range 16 {
		cmd, _, stdout := process(t, "as", r.path, []string{"61001", "61002"}[i%2], "61000", fmt.Sprint("name", i), "common")
		results = append(results, func() string {
			var lines []string
			for stdout.Scan() {
				lines = append(lines, strings.Replace(stdout.Text(), " ", "=", 1))
			}
			if err := cmd.Wait(); err != nil {
				t.Errorf("process %d: %v", i, err)
			}
			return strings.Join(lines, " ")
		})
	}
	said := make([]string, len(results))
	for i, result := range results {
		said[i] = result()
	}
	leases := all(t, r)
	if len(leases) != 17 {
		t.Errorf("leases: %s", show(leases))
	}
	for i, s := range said {
		own := slices.IndexFunc(leases, func(l Lease) bool { return l.Name.Service == fmt.Sprint("name", i) })
		common := slices.IndexFunc(leases, func(l Lease) bool { return l.Name.Service == "common" })
		if own < 0 || common < 0 || s != show([]Lease{leases[common], leases[own]}) {
			t.Errorf("process %d printed %q", i, s)
		}
	}
	checkLeftovers(t, filepath.Dir(r.path))
}

// TestFullDisk limits the size of files, which looks like a full disk to a
// writer and needs no mount.
func TestFullDisk(t *testing.T) {
	r := scratch(t)
	put(t, r, checkout.Checkout{}, "auth db web")
	content := contentOf(t, r.path)
	for _, size := range []string{"0", "10", "250"} {
		if got := printed(t, "full", r.path, size, "more"); !strings.Contains(got, "registry.json.new: file too large") {
			t.Errorf("at %s bytes: %q", size, got)
		}
		if contentOf(t, r.path) != content {
			t.Fatalf("at %s bytes the content changed", size)
		}
		checkLeftovers(t, filepath.Dir(r.path))
	}
}

// TestStoppedHolder has a stopped process that holds the lock.
func TestStoppedHolder(t *testing.T) {
	r := scratch(t)
	put(t, r, checkout.Checkout{}, "auth")
	cmd, stdin, stdout := process(t, "hold", r.path)
	if !stdout.Scan() {
		t.Fatal("the holder did not start")
	}
	if err := cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	if r.wait > 10*time.Second {
		t.Errorf("an update waits for %v", r.wait)
	}
	r.wait = 50 * time.Millisecond
	_, _, err := r.Lease(t.Context(), checkout.Checkout{}, wantAll("db"), Options{Choose: upFrom(20000)})
	var held *lockfile.HeldError
	if !errors.As(err, &held) || held.PID != cmd.Process.Pid || !strings.Contains(held.Command, filepath.Base(os.Args[0])) || held.Since.IsZero() {
		t.Errorf("error: %v", err)
	}
	put(t, r, checkout.Checkout{}, "auth") // known names need no lock

	r.wait = time.Hour
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		_, err := r.Remove(ctx, Scope{}, allocator.PortName{Service: "auth"})
		ended <- err
	}()
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("error: %v", err)
	}

	go func() {
		_, _, err := r.Lease(t.Context(), checkout.Checkout{}, wantAll("web"), Options{Choose: upFrom(20000)})
		ended <- err
	}()
	if err := errors.Join(cmd.Process.Signal(syscall.SIGCONT), stdin.Close(), <-ended); err != nil {
		t.Error(err)
	}
	if got := show(all(t, r)); got != "auth=20000 web=20001" {
		t.Errorf("leases: %s", got)
	}
}

// TestReaders reads while other processes write.
func TestReaders(t *testing.T) {
	r := scratch(t)
	put(t, r, checkout.Checkout{}, "auth")
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
