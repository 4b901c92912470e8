package scaffold

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
	"unicode/utf8"
)

// Detect finds what can be started in the folder fsys. Files that cannot be
// read or understood are left out with the reason, like all that is not taken.
func Detect(fsys fs.FS) Project {
	d := detector{fs: fsys}
	if !d.procfile() {
		d.guess()
	}
	d.compose()
	if len(d.project.Services) == 0 && d.exists("index.html") {
		d.project.add(Service{Origin: "index.html", Command: PortFlag("python3 -m http.server").Command}, "web")
	}
	d.project.settle()
	return d.project
}

// Looked are the files that Detect looks for, as one would tell somebody.
var Looked = []string{
	"Procfile.dev", "Procfile", "package.json", "compose.yaml", "go.mod", "Cargo.toml",
	"manage.py", "app.py", "bin/rails", "config.ru",
}

type detector struct {
	fs      fs.FS
	project Project
	visited []string // folders that a workspace has spoken for
}

// guess looks for what languages and frameworks leave in a folder, here and in
// the folders below.
func (d *detector) guess() {
	d.folder(".")
	for _, dir := range d.folders() {
		if !slices.Contains(d.visited, dir) {
			d.folder(dir)
		}
	}
}

func (d *detector) folder(dir string) {
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

// elsewhere are folders whose contents are no part of the project, or nothing
// that one starts to work on it.
var elsewhere = []string{
	"node_modules", "vendor", "dist", "build", "out", "target", "tmp", "log", "coverage", "venv", "env", "public",
	"test", "tests", "testdata", "e2e", "fixtures", "example", "examples", "bin", "scripts", "script", "tools", "infra",
}

// folders are the folders right below that may be parts of the project.
func (d *detector) folders() []string {
	entries, _ := fs.ReadDir(d.fs, ".")
	var dirs []string
	for _, e := range entries {
		if name := e.Name(); e.IsDir() && name[0] != '.' && !slices.Contains(elsewhere, name) && printable(name) {
			dirs = append(dirs, name)
		}
	}
	return dirs
}

// service fills in what follows from where a service was found.
func (d *detector) service(dir, file string) Service {
	s := Service{Origin: path.Join(dir, file)}
	if dir != "." {
		s.Dir = dir
	}
	return s
}

// names are what a service found in dir may be called: by the folder, if that
// is one below, else as given.
func names(dir string, otherwise ...string) []string {
	if dir == "." {
		return otherwise
	}
	list := []string{path.Base(dir), strings.ReplaceAll(dir, "/", "-")}
	for _, o := range otherwise {
		list = append(list, path.Base(dir)+"-"+o)
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

// read returns the text of a file, and whether there is one. One that cannot
// be read, or is no text, is left out.
func (d *detector) read(name string) ([]byte, bool) {
	src, err := fs.ReadFile(d.fs, name)
	switch {
	case errors.Is(err, fs.ErrNotExist) || d.isDir(name):
		return nil, false
	case err != nil:
		d.project.leaveOut(name, "it cannot be read: %v", err)
		return nil, false
	case !utf8.Valid(src):
		d.project.leaveOut(name, "it is not UTF-8 text")
		return nil, false
	}
	return src, true
}
