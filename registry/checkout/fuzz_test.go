package checkout

import (
	"os"
	"os/exec"
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
	dir := filepath.Join(f.TempDir(), "x")
	f.Fuzz(func(t *testing.T, content string) {
		path, found := parseLink(content, "gitdir: ", dir)
		if found != (path != "") || found && (!filepath.IsAbs(path) || filepath.Clean(path) != path) {
			t.Errorf("%q: %q, %t", content, path, found)
		}
	})
}

func TestParseConfig(t *testing.T) {
	for content, want := range map[string]config{
		"":                                {},
		"[core]\n\tbare = true\n":         {bare: true},
		"[core]\nBARE=TRUE":               {bare: true},
		"[core] bare":                     {bare: true},
		"[core]\nbare = false\n":          {},
		"[remote]\nbare = true\n":         {},
		"[remote]\n[core]\nx = y\nbare=1": {bare: true},
		"bare = true":                     {},
		"[remote \"origin\"]\n\turl = git@github.com:acme/shop.git\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n": {origin: "git@github.com:acme/shop.git"},
		"[remote \"up\"]\nurl=a\n[remote \"origin\"] url = b # c\nurl = d":                                           {origin: "b"},
		"[REMOTE \"origin\"]\r\nURL = \"a # b\" ; c\r\n":                                                             {origin: "a # b"},
		"[remote \"Origin\"]\nurl = a":                                                                               {},
		"[remote.ORIGIN]\nurl = a":                                                                                   {origin: "a"},
		"[remote \"or\\igin\"]\nurl = a\\\nb c  \n":                                                                  {origin: "ab c"},
		"# [core]\n;bare\n[core \"x]\nbare\n[core]\n\\":                                                              {},
	} {
		if got := parseConfig(content); got != want {
			t.Errorf("%q: %+v, want %+v", content, got, want)
		}
	}
}

// FuzzConfig compares with git, if git can parse the file.
func FuzzConfig(f *testing.F) {
	f.Add("[core]\n\trepositoryformatversion = 0\n\tbare = true\n")
	f.Add("[remote \"origin\"]\n\turl = \"a\\tb\" c # d\n[branch.x]\ny")
	file := filepath.Join(f.TempDir(), "config")
	f.Fuzz(func(t *testing.T, content string) {
		got := parseConfig(content)
		if strings.ContainsAny(content, "\x00") || os.WriteFile(file, []byte(content), 0o600) != nil {
			return
		}
		out, err := exec.Command("git", "config", "--file", file, "--no-includes", "--get-all", "remote.origin.url").Output()
		first, _, _ := strings.Cut(string(out), "\n")
		if err == nil && !strings.Contains(got.origin, "\n") && got.origin != first && first != "" {
			t.Errorf("%q: origin %q, git says %q", content, got.origin, first)
		}
	})
}

func TestNormalizeRemote(t *testing.T) {
	for want, urls := range map[string][]string{
		"github.com/acme/shop": {
			"https://github.com/acme/shop", "https://ann:secret@GitHub.com/acme/shop.git", "ssh://git@github.com/acme/shop.git/",
			"ssh://git@github.com:22/acme/shop", "git@github.com:acme/shop.git", "github.com:/acme/shop", "git://github.com//acme/shop.git",
			"https://github.com:443/acme/shop", "git+ssh://git@github.com/acme/shop",
		},
		"github.com/Acme/shop":      {"git@github.com:Acme/shop"},
		"github.com:2222/acme/shop": {"ssh://git@github.com:2222/acme/shop"},
		"[::1]/shop":                {"git@[::1]:shop.git", "ssh://[::1]/shop"},
		"":                          {""},
	} {
		for _, url := range urls {
			if got := NormalizeRemote(url); got != want {
				t.Errorf("%s: %s, want %s", url, got, want)
			}
		}
	}
}
