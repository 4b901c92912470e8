package scaffold

import (
	"bytes"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
	"unicode/utf8"
)

// tree reads the files of the project. Files that it cannot read, or that are
// not text, are findings, each once.
type tree struct {
	fs     fs.FS
	unread *findings
}

func newTree(fsys fs.FS) tree { return tree{fsys, &findings{}} }

func (t tree) exists(name string) bool {
	info, err := fs.Stat(t.fs, name)
	return err == nil && !info.IsDir()
}

func (t tree) isDir(name string) bool {
	info, err := fs.Stat(t.fs, name)
	return err == nil && info.IsDir()
}

// read returns the text of a file without a byte order mark, and whether it
// exists. A file that cannot be read, or is not text, is left out.
func (t tree) read(name string) ([]byte, bool) {
	src, err := fs.ReadFile(t.fs, name)
	switch {
	case errors.Is(err, fs.ErrNotExist) || t.isDir(name):
		return nil, false
	case err != nil:
		t.unreadable(name, "cannot read it: "+err.Error())
		return nil, false
	case !utf8.Valid(src):
		t.unreadable(name, "not UTF-8 text")
		return nil, false
	}
	return bytes.TrimPrefix(src, []byte("\ufeff")), true
}

func (t tree) unreadable(name, reason string) {
	if l := (LeftOut{name, reason}); !slices.Contains(t.unread.leftOut, l) {
		t.unread.leftOut = append(t.unread.leftOut, l)
	}
}

// text returns the text of a file, or "" without one.
func (t tree) text(name string) string {
	src, _ := t.read(name)
	return string(src)
}

// below returns the file system of a directory.
func (t tree) below(dir string) fs.FS {
	if sub, err := fs.Sub(t.fs, dir); err == nil {
		return sub
	}
	return t.fs
}

// present returns those of the files that exist.
func (t tree) present(files []string) []string {
	return slices.DeleteFunc(slices.Clone(files), func(f string) bool { return !t.exists(f) })
}

// files returns the names of the files in a directory that match a pattern.
func (t tree) files(dir, pattern string) []string {
	entries, _ := fs.ReadDir(t.fs, dir)
	var found []string
	for _, e := range entries {
		if ok, err := path.Match(pattern, e.Name()); ok && err == nil && !e.IsDir() && printable(e.Name()) {
			found = append(found, e.Name())
		}
	}
	return found
}

// ignoredDirs are directories that do not belong to the project, or contain no
// services for development.
var ignoredDirs = []string{
	"node_modules", "vendor", "dist", "build", "out", "target", "tmp", "log", "coverage", "venv", "env", "public",
	"test", "tests", "testdata", "e2e", "fixtures", "example", "examples", "bin", "scripts", "script", "tools", "infra",
	"templates", "third_party", "storage", "locale", "locales",
}

// serviceRoots are directories whose subdirectories hold one service each.
var serviceRoots = []string{"services", "apps", "src", "packages", "projects", "microservices", "servers", "backend"}

// maxDirs limits the search.
const maxDirs = 100

// directories returns the directories that may contain services: the project's
// own, its subdirectories, and those of services, apps, src and the like.
func (t tree) directories() []string {
	dirs := []string{"."}
	for _, dir := range t.subdirectories(".") {
		dirs = append(dirs, dir)
		if slices.Contains(serviceRoots, dir) {
			dirs = append(dirs, t.subdirectories(dir)...)
		}
	}
	return dirs[:min(len(dirs), maxDirs)]
}

// subdirectories returns the immediate subdirectories that may contain
// services.
func (t tree) subdirectories(dir string) []string {
	entries, _ := fs.ReadDir(t.fs, dir)
	var dirs []string
	for _, e := range entries {
		name := e.Name()
		if e.IsDir() && name[0] != '.' && !slices.Contains(ignoredDirs, name) && printable(name) && !strings.Contains(name, "{{") {
			dirs = append(dirs, path.Join(dir, name))
		}
	}
	return dirs
}

// upward returns a directory and those above it, up to the project's.
func upward(dir string) []string {
	dirs := []string{dir}
	for dir != "." && dir != "/" {
		dir = path.Dir(dir)
		dirs = append(dirs, dir)
	}
	return dirs
}

// sources calls yield with the text of the files of a language below dir, until
// it returns false. It reads a bounded number of them.
func (t tree) sources(dir, extension string, yield func(name, text string) bool) {
	left := 600
	_ = fs.WalkDir(t.fs, dir, func(p string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return fs.SkipDir
		case e.IsDir() && p != dir && (e.Name()[0] == '.' || slices.Contains(ignoredDirs, e.Name()) && e.Name() != "bin" || strings.Count(p, "/") > 7):
			return fs.SkipDir
		case e.IsDir() || !strings.HasSuffix(p, extension):
			return nil
		}
		if left--; left < 0 {
			return fs.SkipAll
		}
		src, err := fs.ReadFile(t.fs, p)
		if err == nil && !yield(p, string(src)) {
			return fs.SkipAll
		}
		return nil
	})
}
