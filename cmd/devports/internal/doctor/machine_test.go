package doctor

import (
	"strings"
	"testing"
)

func TestWatchedFiles(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		files     int
		level     Level
		what, why string
	}{
		{100, Fine, "up opens 100 files to watch for edits; the limit of open files per process is 10240", ""},
		{3000, Warning, "watching for edits requires 3000 open files; the limit per process is 10240", "with twice as many files, "},
		{6000, Warning, "watching for edits requires 6000 open files; the limit per process is 10240", "up opens at most 5120 files for watching: "},
	} {
		found := watchedFiles(tt.files, 10240)
		if len(found) != 1 || found[0].Level != tt.level || found[0].What != tt.what || !strings.HasPrefix(found[0].Why, tt.why) {
			t.Errorf("%d files: %+v", tt.files, found)
		}
		if narrower := strings.Contains(found[0].Fix, `watch fewer directories ("!generated/**"), or raise the limit: `); narrower != (tt.level == Warning) {
			t.Errorf("%d files: the fix is %q", tt.files, found[0].Fix)
		}
	}
}
