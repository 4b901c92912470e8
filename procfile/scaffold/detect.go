package scaffold

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
	"unicode/utf8"
)

// Detect finds the services of the directory fsys. Files that it cannot read or
// parse are in LeftOut with the reason, like everything else that it skips.
func Detect(fsys fs.FS) Project {
	d := detector{fs: fsys}
	if !d.procfile() {
		d.guess()
	}
	d.compose()
	if len(d.project.Services) == 0 && d.exists("index.html") {
		d.project.add(Service{Origin: "index.html", Command: PortFlag("python3 -m http.server").Command}, "web")
	}
	d.project.resolveConflicts()
	return d.project
}

// Looked lists the best-known files that Detect looks for.
var Looked = []string{
	"Procfile.dev", "Procfile", "package.json", "compose.yaml", "go.mod", "Cargo.toml",
	"manage.py", "app.py", "bin/rails", "config.ru",
}

type detector struct {
	fs      fs.FS
	project Project
	visited []string // directories of workspaces, which are not searched again
}

// guess looks for the files of languages and frameworks, in the directory and
// in its subdirectories.
func (d *detector) guess() {
	d.directory(".")
	for _, dir := range d.subdirectories() {
		if !slices.Contains(d.visited, dir) {
			d.directory(dir)
		}
	}
}

func (d *detector) directory(dir string) {
	d.marks(dir)
	d.python(dir)
	if dir == "." || !d.exists("go.mod") {
		d.golang(dir)
	}
	if dir == "." || !d.exists("Cargo.toml") {
		d.cargo(dir)
	}
	d.node(dir)
}

// ignoredDirs are directories that do not belong to the project, or contain no
// services for development.
var ignoredDirs = []string{
	"node_modules", "vendor", "dist", "build", "out", "target", "tmp", "log", "coverage", "venv", "env", "public",
	"test", "tests", "testdata", "e2e", "fixtures", "example", "examples", "bin", "scripts", "script", "tools", "infra",
}

// subdirectories returns the immediate subdirectories that may contain
// services.
func (d *detector) subdirectories() []string {
	entries, _ := fs.ReadDir(d.fs, ".")
	var dirs []string
	for _, e := range entries {
		if name := e.Name(); e.IsDir() && name[0] != '.' && !slices.Contains(ignoredDirs, name) && printable(name) {
			dirs = append(dirs, name)
		}
	}
	return dirs
}

// service returns a service with the origin and directory where it was found.
func (d *detector) service(dir, file string) Service {
	s := Service{Origin: path.Join(dir, file)}
	if dir != "." {
		s.Dir = dir
	}
	return s
}

// names returns candidate names for a service found in dir: the defaults, or in
// a subdirectory names with the directory's.
func names(dir string, defaults ...string) []string {
	if dir == "." {
		return defaults
	}
	list := []string{path.Base(dir), strings.ReplaceAll(dir, "/", "-")}
	for _, name := range defaults {
		list = append(list, path.Base(dir)+"-"+name)
	}
	return list
}

func (d *detector) exists(name string) bool {
	info, err := fs.Stat(d.fs, name)
	return err == nil && !info.IsDir()
}

func (d *detector) isDir(name string) bool {
	info, err := fs.Stat(d.fs, name)
	return err == nil && info.IsDir()
}

// read returns the text of a file, and whether it exists. A file that cannot be
// read, or is not text, is left out.
func (d *detector) read(name string) ([]byte, bool) {
	src, err := fs.ReadFile(d.fs, name)
	switch {
	case errors.Is(err, fs.ErrNotExist) || d.isDir(name):
		return nil, false
	case err != nil:
		d.project.leaveOut(name, "cannot read it: %v", err)
		return nil, false
	case !utf8.Valid(src):
		d.project.leaveOut(name, "not UTF-8 text")
		return nil, false
	}
	return src, true
}
