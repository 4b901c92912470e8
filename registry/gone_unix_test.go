//go:build unix

package registry

import (
	"os"
	"path/filepath"
	"testing"
)

func TestUnmounted(t *testing.T) {
	dir := resolved(t)
	for _, path := range []string{"mnt/empty", "mnt/disk/shop", "media/ann/disk/shop"} {
		if err := os.MkdirAll(filepath.Join(dir, path), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	writeTo(t, filepath.Join(dir, "mnt", "file"), "")
	places := map[string]int{dir + "/mnt": 1, dir + "/media": 2}
	for path, want := range map[string]bool{
		"mnt/empty/shop":          true, // an empty mount point
		"mnt/empty/work/shop":     true,
		"mnt/none/shop":           true, // none, as where it is made when it is needed
		"mnt/disk/gone":           false,
		"mnt/file/gone":           true,
		"mnt/gone":                false, // no volume, but a folder beside them
		"media/ann/disk/gone":     false,
		"media/ann/stick/shop":    true,
		"media/ann/gone":          false,
		"mnt2/empty/shop":         false,
		"elsewhere/mnt/none/shop": false,
	} {
		if unmounted(filepath.Join(dir, path), places) != want {
			t.Errorf("%s: unmounted %v", path, !want)
		}
	}
}

// TestGoneUnseen has a directory that another user cannot look at.
func TestGoneUnseen(t *testing.T) {
	needRoot(t)
	r := scratch(t)
	open(t, filepath.Dir(r.path), 0o755)
	shop := filepath.Join(resolved(t), "secret", "shop")
	if err := os.MkdirAll(shop, 0o755); err != nil {
		t.Fatal(err)
	}
	open(t, filepath.Dir(filepath.Dir(shop)), 0o755)
	put(t, r, find(t, shop, ""), "web")
	if err := os.Chmod(r.path, 0o644); err != nil {
		t.Fatal(err)
	}
	secret := filepath.Dir(shop)
	if err := os.Chmod(secret, 0); err != nil {
		t.Fatal(err)
	}
	if got := printed(t, "gone", r.path, "61001"); got != "gone:" {
		t.Errorf("unseen: %q", got)
	}
	if err := os.RemoveAll(secret); err != nil {
		t.Fatal(err)
	}
	if got := printed(t, "gone", r.path, "61001"); got != "gone: web=20000" {
		t.Errorf("removed: %q", got)
	}
}
