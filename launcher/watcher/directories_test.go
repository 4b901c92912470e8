package watcher

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestIgnoredAboveTheRoot(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	files(t, dir, map[string]string{
		".gitignore": "*.x", // outside of the repository
		"repo/.git":  "gitdir: elsewhere", "repo/.gitignore": "*.log\n/a/root/gen", "repo/a/.gitignore": "!b.log",
		"repo/a/root/gen/": "", "other/": "",
	})
	root := filepath.Join(dir, "repo", "a", "root")
	w := watch(t, slow, root, sets{"s": "**"})
	write(t, root, "a.log")
	write(t, root, "gen/a")
	write(t, root, "a.x")
	expect(t, w, "s:a.x")
	write(t, root, "b.log")
	expect(t, w, "s:b.log")
	if diff := cmp.Diff([]string{".", "a", "a/root"}, watched(t, w, filepath.Join(dir, "repo"))); diff != "" {
		t.Error("watched:", diff)
	}
	files(t, dir, map[string]string{"repo/a/.gitignore": ""})
	write(t, root, "c")
	expect(t, w, "s:c")
	write(t, root, "b.log")
	write(t, root, "c")
	expect(t, w, "s:c")
	files(t, dir, map[string]string{"repo/.gitignore": "/a/root\n*"}) // so the rules above the root do not apply
	expect(t, w, "s:a.log(3)")
}

func TestWatchedDirectories(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ patterns, want string }{
		{"**/*.go", ". api api/v1 web web/src web/src/deep web/test"},
		{"api/**/*.go", ". api api/v1"},
		{"api/*.go", ". api"},
		{"*.go", "."},
		{"web/*/x.go", ". web web/src web/test"},
		{"{api,web}/*.go", ". api web"},
		{"web/{src/deep,test}/*.go", ". web web/src web/src/deep web/test"}, // more than necessary
		{"**/*.go !web/**", ". api api/v1"},
		{"**/*.go !web/**/* !api/v1/*", ". api api/v1"},
		{"build/x.go api/x", ". api build"},
		{"build/*.go", "."},
		{"no/such/*.go", "."},
		{"", "."},
	} {
		dir := t.TempDir()
		files(t, dir, map[string]string{
			".gitignore": "build", "api/v1/": "", "web/src/deep/": "", "web/test/": "", "build/sub/": "",
			".git/objects/": "", "node_modules/a/b/": "", "web/node_modules/a/": "",
		})
		w := watch(t, quick, dir, sets{"s": test.patterns})
		if got := strings.Join(watched(t, w, dir), " "); got != test.want {
			t.Errorf("%s: watched %s, want %s", test.patterns, got, test.want)
		}
	}
}

func TestSymbolicLinks(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("needs a privilege")
	}
	t.Parallel()
	dir := t.TempDir()
	files(t, dir, map[string]string{"root/": "", "elsewhere/x.go": "", "elsewhere/sub/": ""})
	link := func(target, path string) { must(t, os.Symlink(target, filepath.Join(dir, path))) }
	link(".", "root/loop")
	link("../elsewhere", "root/folder")
	link("root", "way")
	w := watch(t, slow, filepath.Join(dir, "way"), sets{"s": "**/*.go"})
	if got := watched(t, w, filepath.Join(dir, "root")); !slices.Equal(got, []string{"."}) {
		t.Errorf("watched: %q", got)
	}
	write(t, dir, "elsewhere/x.go")
	link("../elsewhere/sub", "root/new")
	link("../elsewhere/x.go", "root/x.go")
	expect(t, w, "s:x.go")
	write(t, dir, "elsewhere/x.go")
	remove(t, dir, "root/x.go")
	expect(t, w, "s:x.go")
}

// A link to a file changes with its target.
func TestLinksToFiles(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("needs a privilege")
	}
	t.Parallel()
	dir := t.TempDir()
	files(t, dir, map[string]string{"root/": "", "a/x.go": "1", "b/x.go": "2"})
	link := func(target, path string) { must(t, os.Symlink(target, filepath.Join(dir, path))) }
	link("../a/x.go", "root/first.go")
	w := watch(t, slow, filepath.Join(dir, "root"), sets{"s": "**/*.go"})
	write(t, dir, "a/x.go")
	expect(t, w, "s:first.go")
	replace(t, dir, "a/x.go")
	expect(t, w, "s:first.go")
	write(t, dir, "a/other.go")
	remove(t, dir, "a/x.go")
	expect(t, w, "s:first.go")
	write(t, dir, "a/x.go")
	expect(t, w, "s:first.go")
	link("../../b/x.go", "root/second~")
	must(t, os.Mkdir(filepath.Join(dir, "root/sub"), 0o777))
	rename(t, dir, "root/second~", "root/sub/second.go")
	expect(t, w, "s:sub/second.go")
	write(t, dir, "b/x.go")
	expect(t, w, "s:sub/second.go")
	link("../b/x.go", "root/first~")
	rename(t, dir, "root/first~", "root/first.go")
	expect(t, w, "s:first.go")
	write(t, dir, "a/x.go")
	write(t, dir, "b/x.go")
	expect(t, w, "s:first.go(2)")
	remove(t, dir, "root/sub")
	expect(t, w, "s:sub/second.go")
	write(t, dir, "b/x.go")
	expect(t, w, "s:first.go")
}

// A change of a target that is in the set itself is one change.
func TestLinkBesideItsTarget(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("needs a privilege")
	}
	t.Parallel()
	dir := t.TempDir()
	files(t, dir, map[string]string{"x.go": "1"})
	must(t, os.Symlink("x.go", filepath.Join(dir, "link.go")))
	w := watch(t, slow, dir, sets{"s": "**/*.go"})
	for range 3 {
		write(t, dir, "x.go")
		expect(t, w, "s:x.go(2)|s:link.go(2)")
	}
}
