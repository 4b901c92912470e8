package registry

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/devports/devports/registry/checkout"
)

// mount mounts a file system of 64 KB on dir until the function is called or
// the test ends.
func mount(t *testing.T, dir string) (unmount func()) {
	t.Helper()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k,mode=755"); err != nil {
		t.Skip("cannot mount file systems:", err)
	}
	unmount = sync.OnceFunc(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(unmount)
	return unmount
}

// TestFullFileSystem writes to a disk with less and less free space.
func TestFullFileSystem(t *testing.T) {
	dir := t.TempDir()
	mount(t, dir)
	r := Open(filepath.Join(dir, "registry.json"))
	put(t, r, checkout.Checkout{}, "auth db web "+strings.Repeat("a", 5000))
	put(t, r, checkout.Checkout{}, "more")
	content, before := contentOf(t, r.path), contentOf(t, r.path+".bak")
	filler := filepath.Join(dir, "filler")
	f, err := os.Create(filler)
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range []int{4096, 1} {
		for err == nil {
			_, err = f.Write(make([]byte, block))
		}
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
		err = nil
	}
	for free := 0; ; free += 4096 {
		if free > 0 {
			size := stat(t, filler).Size()
			if err := f.Truncate(size - 4096); err != nil {
				t.Fatal(err)
			}
		}
		_, _, err := r.Lease(t.Context(), checkout.Checkout{}, wantAll("new"), Options{Choose: upFrom(20000)})
		if err == nil {
			if free == 0 {
				t.Error("the disk was not full")
			}
			break
		}
		if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "registry.json.new") {
			t.Fatalf("with %d bytes left: %v", free, err)
		}
		if contentOf(t, r.path) != content || contentOf(t, r.path+".bak") != before {
			t.Fatalf("with %d bytes left the content changed", free)
		}
		put(t, r, checkout.Checkout{}, "auth") // known names need no space
	}
	if got := show(all(t, r)); !strings.HasSuffix(got, "new=20005 web=20003") {
		t.Errorf("leases: %s", got)
	}
	if contentOf(t, r.path+".bak") != content {
		t.Error("the previous version has changed")
	}
	if err := errors.Join(f.Close(), os.Remove(filler)); err != nil {
		t.Fatal(err)
	}
	checkLeftovers(t, dir)
}

func TestReadOnlyFileSystem(t *testing.T) {
	dir := t.TempDir()
	mount(t, dir)
	r := Open(filepath.Join(dir, "registry.json"))
	put(t, r, checkout.Checkout{}, "auth")
	content := contentOf(t, r.path)
	if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	put(t, r, checkout.Checkout{}, "auth") // known names write nothing
	for what, path := range map[string]string{"a file": r.path, "a new file": dir + "/new.json", "a new directory": dir + "/new/registry.json"} {
		_, _, err := Open(path).Lease(t.Context(), checkout.Checkout{}, wantAll("db"), Options{Choose: upFrom(20000)})
		if !errors.Is(err, syscall.EROFS) || !strings.Contains(err.Error(), dir) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if contentOf(t, r.path) != content {
		t.Error("the content changed")
	}
	checkLeftovers(t, dir)
}

// A project on a removable volume keeps its ports.
func TestUnmountedProject(t *testing.T) {
	needRoot(t)
	volume, err := os.MkdirTemp("/mnt", "devports-test-")
	if err != nil {
		t.Skip("cannot create mount points:", err)
	}
	t.Cleanup(func() { os.Remove(volume) })
	unmount := mount(t, volume)
	r := scratch(t)
	for _, project := range []string{"shop", "blog"} {
		if err := os.Mkdir(filepath.Join(volume, project), 0o755); err != nil {
			t.Fatal(err)
		}
		put(t, r, find(t, filepath.Join(volume, project), ""), "web")
	}
	gone := func(want string) {
		t.Helper()
		if leases, err := r.Gone(checkout.Checkout{}); err != nil || show(leases) != want {
			t.Errorf("gone: %s %v, want %s", show(leases), err, want)
		}
	}
	if err := os.Remove(filepath.Join(volume, "blog")); err != nil {
		t.Fatal(err)
	}
	gone("web=20001")
	unmount()
	gone("")
	elsewhere := filepath.Join(t.TempDir(), "shop")
	if err := os.Mkdir(elsewhere, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, leases := put(t, r, find(t, elsewhere, ""), "web"); show(leases) != "web=20002" {
		t.Errorf("the ports of an unmounted project were reused: %s", show(leases))
	}
}
