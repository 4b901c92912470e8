package checkout

import (
	"path/filepath"
	"strings"
	"testing"
)

func FuzzHead(f *testing.F) {
	for _, s := range []string{"", "ref: refs/heads/main\n", "ref: ../../x", "3e2c1a0b\n", "ref: ", "\n3e2c", "ref:refs\r\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, content string) {
		ref, head := parseHead(content)
		for _, s := range []string{ref, head.Branch, head.Commit} {
			if strings.Contains(s, "\n") || s != "" && !strings.Contains(content, s) {
				t.Errorf("%q: ref %q, %+v", content, ref, head)
			}
		}
		if ref != "" && head.Commit != "" || ref == "" && head.Branch != "" {
			t.Errorf("%q: ref %q, %+v", content, ref, head)
		}
	})
}

func FuzzPacked(f *testing.F) {
	f.Add("# pack-refs with: peeled fully-peeled sorted \n3e2c refs/heads/main\n^77\n", "refs/heads/main")
	f.Fuzz(func(t *testing.T, content, ref string) {
		if commit := parsePacked(content, ref); !strings.Contains(content, commit) || strings.ContainsAny(commit, " \n") {
			t.Errorf("%q, %q: %q", content, ref, commit)
		}
	})
}

// The content of a .git or commondir file.
func FuzzLink(f *testing.F) {
	for _, s := range []string{"", "gitdir: /a/.git/worktrees/b\n", "gitdir: ../b\r\n", "gitdir: ", "gitdir: \n\n"} {
		f.Add(s)
	}
	folder := filepath.Join(f.TempDir(), "x")
	f.Fuzz(func(t *testing.T, content string) {
		path, found := parseLink(content, "gitdir: ", folder)
		if found != (path != "") || found && (!filepath.IsAbs(path) || filepath.Clean(path) != path) {
			t.Errorf("%q: %q, %t", content, path, found)
		}
	})
}

func TestParseBare(t *testing.T) {
	for config, want := range map[string]bool{
		"": false, "[core]\n\tbare = true\n": true, "[core]\nBARE=TRUE": true, "[core]\nbare = false\n": false,
		"[remote]\nbare = true\n": false, "[remote]\n[core]\nx = y\nbare = true": true, "bare = true": false,
	} {
		if parseBare(config) != want {
			t.Errorf("%q: %t", config, !want)
		}
	}
}

func FuzzBare(f *testing.F) {
	f.Add("[core]\n\trepositoryformatversion = 0\n\tbare = true\n")
	f.Fuzz(func(t *testing.T, config string) {
		lower := strings.ToLower(config)
		if parseBare(config) && !(strings.Contains(lower, "[core]") && strings.Contains(lower, "bare") && strings.Contains(lower, "true")) {
			t.Errorf("%q is bare", config)
		}
	})
}
