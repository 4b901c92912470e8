package registry

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/devports/devports/allocator"
	"github.com/devports/devports/registry/checkout"
	"github.com/devports/devports/registry/internal/gittest"
)

func TestMissing(t *testing.T) {
	r := Open(filepath.Join(t.TempDir(), "a", "b", "registry.json"))
	if leases := all(t, r); len(leases) != 0 {
		t.Errorf("leases of a missing file: %s", show(leases))
	}
	put(t, r, checkout.Checkout{}, "")
	if _, err := os.Stat(filepath.Dir(r.path)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a call without names created the directory: %v", err)
	}
	put(t, r, checkout.Checkout{}, "auth")
	if got := show(all(t, r)); got != "auth=20000" {
		t.Errorf("leases: %s", got)
	}
	if runtime.GOOS == "windows" {
		return
	}
	for path, want := range map[string]fs.FileMode{r.path: 0o600, r.path + ".lock": 0o600, filepath.Dir(r.path): 0o700} {
		if mode := stat(t, path).Mode().Perm(); mode != want {
			t.Errorf("%s: mode %v", path, mode)
		}
	}
}

func TestUnchanged(t *testing.T) {
	r := scratch(t)
	put(t, r, checkout.Checkout{}, "auth db=5432")
	before := stat(t, r.path)
	if err := os.Remove(r.path + ".lock"); err != nil {
		t.Fatal(err)
	}
	put(t, r, checkout.Checkout{}, "db=5432 auth")
	if _, err := os.Stat(r.path + ".lock"); !errors.Is(err, fs.ErrNotExist) {
		t.Error("a known name took the lock")
	}
	stay := Options{Choose: upFrom(20000), Move: func(Lease) bool { return false }}
	if _, _, err := r.Lease(t.Context(), checkout.Checkout{}, wantAll("auth"), stay); err != nil {
		t.Fatal(err)
	}
	if !os.SameFile(before, stat(t, r.path)) {
		t.Error("a known name wrote the file")
	}
}

func TestPreviousVersion(t *testing.T) {
	r := scratch(t)
	put(t, r, checkout.Checkout{}, "auth")
	first := contentOf(t, r.path)
	put(t, r, checkout.Checkout{}, "db")
	second := contentOf(t, r.path)
	if got := contentOf(t, r.path+".bak"); got != first {
		t.Errorf("previous version: %s", got)
	}
	// A crash between the two renames leaves one file with both names.
	if err := errors.Join(os.Remove(r.path+".bak"), os.Link(r.path, r.path+".bak")); err != nil {
		t.Skip("no hard links:", err)
	}
	put(t, r, checkout.Checkout{}, "web")
	if got := contentOf(t, r.path+".bak"); got != second {
		t.Errorf("previous version: %s", got)
	}
	checkLeftovers(t, filepath.Dir(r.path))
}

// TestLeftovers has files of a crash, and symlinks, in the place of temporary
// files.
func TestLeftovers(t *testing.T) {
	r := scratch(t)
	put(t, r, checkout.Checkout{}, "auth")
	victim := filepath.Join(t.TempDir(), "victim")
	gittest.Write(t, victim, "precious")
	if err := os.Symlink(victim, r.path+".new"); err != nil {
		t.Skip("no symlinks:", err)
	}
	gittest.Write(t, r.path+".bak.new", "half a")
	put(t, r, checkout.Checkout{}, "db")
	if contentOf(t, victim) != "precious" {
		t.Error("the temp file was written through a symlink")
	}
	checkLeftovers(t, filepath.Dir(r.path))
}

func TestSymlink(t *testing.T) {
	real := filepath.Join(t.TempDir(), "shared", "registry.json")
	gittest.Write(t, real, contentOfNew(t))
	dir := t.TempDir()
	for _, link := range []struct{ at, to string }{
		{filepath.Join(dir, "folder"), filepath.Dir(real)},
		{filepath.Join(dir, "second.json"), filepath.Join("folder", "registry.json")},
		{filepath.Join(dir, "first.json"), "second.json"},
		{filepath.Join(dir, "dangling.json"), filepath.Join("new", "registry.json")},
	} {
		if err := os.Symlink(link.to, link.at); err != nil {
			t.Skip("no symlinks:", err)
		}
	}
	for _, name := range []string{"first.json", "dangling.json"} {
		r := Open(filepath.Join(dir, name))
		put(t, r, checkout.Checkout{}, "via-link")
		if mode := stat(t, r.path).Mode(); mode.Type() != fs.ModeSymlink {
			t.Errorf("%s is no longer a symlink: mode %v", name, mode)
		}
	}
	if got := show(all(t, Open(real))); got != "old=20000 via-link=20001" {
		t.Errorf("behind the link: %s", got)
	}
	checkLeftovers(t, filepath.Dir(real))
	checkLeftovers(t, filepath.Join(dir, "new"))

	loop := filepath.Join(dir, "loop.json")
	if err := os.Symlink("loop.json", loop); err != nil {
		t.Fatal(err)
	}
	var path *fs.PathError
	if _, _, err := Open(loop).Lease(t.Context(), checkout.Checkout{}, wantAll("x"), Options{}); !errors.As(err, &path) {
		t.Errorf("a loop: %v", err)
	}
}

// contentOfNew returns the content of a registry with one lease, old=20000.
func contentOfNew(t *testing.T) string {
	r := scratch(t)
	put(t, r, checkout.Checkout{}, "old")
	return contentOf(t, r.path)
}

func TestDirectoryInItsPlace(t *testing.T) {
	r := scratch(t)
	if err := os.Mkdir(r.path, 0o700); err != nil {
		t.Fatal(err)
	}
	var path *fs.PathError
	if _, err := r.Leases(); !errors.As(err, &path) {
		t.Errorf("Leases: %v", err)
	}
	if _, _, err := r.Lease(t.Context(), checkout.Checkout{}, wantAll("auth"), Options{Choose: upFrom(1)}); !errors.As(err, &path) {
		t.Errorf("Lease: %v", err)
	}
}

// TestRefused has files that no call may change.
func TestRefused(t *testing.T) {
	good := contentOfNew(t)
	const one = `{"name": "old", "port": 20000, "since": "2026-08-17T10:00:00Z"}`
	for name, content := range map[string]string{
		"empty": "",
		"blank": "\n",
		"half":  good[:len(good)/2],
		"newer": `{"format": "other", "version": 3, "leases": {}}`,
		"twice": good + good,
		"port":  strings.Replace(good, "]}\n", "]},\n{\"directory\": \"/x\", \"project\": \"x\", \"leases\": ["+one+"]}\n", 1),
	} {
		t.Run(name, func(t *testing.T) {
			r := scratch(t)
			gittest.Write(t, r.path, content)
			refused := func(what string, err error) {
				t.Helper()
				var damaged *DamagedError
				var newer *NewerError
				if name == "newer" {
					if !errors.As(err, &newer) || newer.Path != r.path || newer.Version != 3 {
						t.Errorf("%s: %v", what, err)
					}
				} else if !errors.As(err, &damaged) || damaged.Path != r.path {
					t.Errorf("%s: %v", what, err)
				} else if name == "port" && !strings.Contains(err.Error(), "port 20000 has two leases") {
					t.Errorf("%s: %v", what, err)
				}
			}
			_, err := r.Leases()
			refused("Leases", err)
			_, err = r.Scope(checkout.Checkout{})
			refused("Scope", err)
			_, _, err = r.Lease(t.Context(), checkout.Checkout{}, wantAll("auth"), Options{Choose: upFrom(20000)})
			refused("Lease", err)
			_, err = r.Remove(t.Context(), Scope{}, allocator.PortName{Service: "old"})
			refused("Remove", err)
			_, err = r.Import(t.Context(), claims("auth=1234"))
			refused("Import", err)
			_, err = r.Gone(checkout.Checkout{})
			refused("Gone", err)
			_, err = r.Prune(t.Context(), []Lease{{Name: allocator.PortName{Service: "old"}, Port: 20000}})
			refused("Prune", err)
			if contentOf(t, r.path) != content {
				t.Error("the file was changed")
			}
			if _, err := os.Stat(r.path + ".bak"); err == nil {
				t.Error("a backup was made")
			}
		})
	}
}

func TestCancelled(t *testing.T) {
	r := scratch(t)
	put(t, r, checkout.Checkout{}, "auth")
	ctx, cancel := context.WithCancel(t.Context())
	_, _, err := r.Lease(ctx, checkout.Checkout{}, wantAll("db"), Options{Choose: func(Scope, allocator.PortName, func(int) bool) (int, error) {
		cancel()
		return 20001, nil
	}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error: %v", err)
	}
	if got := show(all(t, r)); got != "auth=20000" {
		t.Errorf("leases: %s", got)
	}
}
