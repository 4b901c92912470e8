//go:build unix

package checkout

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/devports/devports/registry/internal/gittest"
)

func TestUnmounted(t *testing.T) {
	dir := gittest.TempDir(t)
	for _, path := range []string{"mnt/empty", "mnt/disk/shop", "media/ann/disk/shop"} {
		if err := os.MkdirAll(filepath.Join(dir, path), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	gittest.Write(t, filepath.Join(dir, "mnt", "file"), "")
	places := map[string]int{dir + "/mnt": 1, dir + "/media": 2}
	for path, want := range map[string]bool{
		"mnt/empty/shop":          true, // an empty mount point
		"mnt/empty/work/shop":     true,
		"mnt/none/shop":           true, // none, as with automatic mount points
		"mnt/disk/gone":           false,
		"mnt/file/gone":           true,
		"mnt/gone":                false, // not a volume, but a directory beside them
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
