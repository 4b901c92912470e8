//go:build unix

package registry

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/devports/devports/registry/internal/gittest"
)

// A directory that another user cannot access is not gone.
func TestGoneUnseen(t *testing.T) {
	needRoot(t)
	r := scratch(t)
	open(t, filepath.Dir(r.path), 0o755)
	shop := filepath.Join(gittest.TempDir(t), "secret", "shop")
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
		t.Errorf("inaccessible: %q", got)
	}
	if err := os.RemoveAll(secret); err != nil {
		t.Fatal(err)
	}
	if got := printed(t, "gone", r.path, "61001"); got != "gone: web=20000" {
		t.Errorf("removed: %q", got)
	}
}
