package procfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/devports/devports/allocator/ownership"
	"github.com/devports/devports/allocator/text"
)

// assembly puts the tree of a project together: of the project file, the files
// that it includes, and the Portfile.local beside each of them. Everything that
// checks and decodes a Portfile then sees one tree, whose positions name their
// files.
type assembly struct {
	loader    Loader
	wd        string // names of files are relative to it
	name      string // of the project file, as messages print it
	path      string // its absolute path; "" for standard input
	dir       string // of the project file
	root      string // no file outside of it is included; "" if not known yet
	real      string // root without symbolic links; "" if not known yet
	main      string // the directory of the project file in the main checkout; "" if dir is that
	mainKnown bool
	trust     ownership.Trust // of files beside and below the project file
	order     int
	parts     []*includedFile
	locals    []string            // the names of each Portfile.local
	watched   []string            // files, patterns and missing files that decide what is read
	removed   map[string]Position // services and steps, by their names in the file that is read
	notes     Problems
	problems  Problems
}

func (a *assembly) fail(pos Position, hint, format string, args ...any) {
	a.problems = append(a.problems, problemf(a.name, pos, hint, format, args...))
}

func newAssembly(l Loader, wd, name, path, dir string) *assembly {
	a := &assembly{loader: l, wd: wd, name: name, path: path, dir: dir, removed: map[string]Position{}}
	a.trust = ownership.NewTrust(dir, l.getenv)
	if info, err := os.Stat(path); err == nil {
		a.trust = a.trust.And(info)
	}
	return a
}

// portfile completes the tree of the project file.
func (a *assembly) portfile(root *value) {
	local := a.local(a.path, nil)
	if local != nil {
		if e := local.find("include"); e != nil {
			only := &value{kind: kindTable}
			only.add(e)
			mergeTable(a, root, only, levelProject)
		}
	}
	if e := root.find("include"); e != nil {
		a.include(e, root, a.dir, nil, []string{resolvedPath(a.path)})
	}
	if local != nil {
		local.remove("include")
		mergeTable(a, root, local, levelProject)
	}
	a.dropRemoved(root)
}

// read reads another file. A missing one is not a problem: its contents are nil.
// The owner of the file must be one whose files are trusted.
func (a *assembly) read(path string, s *source) []byte {
	a.watched = append(a.watched, path)
	src, err := readTrusted(path, a.trust)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	hint := ""
	var foreign *ownership.ForeignError
	if errors.As(err, &foreign) {
		hint = "to use it, make it yours: sudo chown $USER " + text.QuoteSh(path)
	}
	if err != nil {
		a.fail(s.at(0, 0), hint, "%s", reasonOf(err))
		return nil
	}
	if src == nil {
		src = []byte{}
	}
	return src
}

// readTrusted reads a file, unless the owner of the file that it opens is not
// trusted.
func readTrusted(path string, trust ownership.Trust) ([]byte, error) {
	return readChecked(path, func(opened fs.FileInfo) error {
		if err := trust.File(path); err != nil {
			return err
		}
		if now, err := os.Stat(path); err == nil && !os.SameFile(now, opened) {
			return errors.New("was replaced while it was read")
		}
		return nil
	})
}

// tree parses a file; nil if it has syntax errors.
func (a *assembly) tree(src []byte, s *source) *value {
	src, problems := textOf(s.name, src)
	var root *value
	if problems == nil {
		root, problems = tomlTree(s.name, s, src)
	}
	a.problems = append(a.problems, problems...)
	return root
}

// source returns a new source for a path.
func (a *assembly) source(path, dir string, p *includedFile) *source {
	a.order++
	return &source{name: shorter(a.wd, path), path: path, dir: dir, order: a.order, included: p}
}

// LocalName is the name of the file whose keys override those of the Portfile
// beside it, for one user.
const LocalName = "Portfile.local"

// hasLocal reports whether a project file may have a Portfile.local.
func hasLocal(path string) bool {
	base := filepath.Base(path)
	return base == Names[0] || base == Names[1]
}

// local reads the Portfile.local beside a file, else the one that the main
// checkout has there; nil: there is none.
func (a *assembly) local(path string, p *includedFile) *value {
	if path == "" || !hasLocal(path) {
		return nil
	}
	dir := filepath.Dir(path)
	s := a.source(filepath.Join(dir, LocalName), dir, p)
	s.local = true
	src := a.read(s.path, s)
	if src == nil && a.loader.Main != nil {
		if main := a.mainOf(dir); main != "" {
			s.path, s.main = filepath.Join(main, LocalName), true
			s.name = shorter(a.wd, s.path)
			if src = a.read(s.path, s); src != nil {
				a.notes = append(a.notes, Problem{
					File: s.name, Text: "this file of the main checkout is used here, too",
					Hint: "for settings of this checkout only, create " + shorter(a.wd, filepath.Join(dir, LocalName)), Once: true,
				})
			}
		}
	}
	if src == nil {
		return nil
	}
	a.locals = append(a.locals, s.name)
	return a.tree(src, s)
}

// unusedLocal is a note about a Portfile.local beside a Procfile, which it does
// not override.
func (a *assembly) unusedLocal(name string) Problems {
	path := filepath.Join(a.dir, LocalName)
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		return nil
	}
	return Problems{{
		File: shorter(a.wd, path), Text: "this file has no effect beside a Procfile: it overrides a Portfile",
		Hint: "devports init writes a Portfile with the services of " + name, Once: true,
	}}
}

// mainOf returns the directory of the main checkout that corresponds to a
// directory of this one; "" if this is the main checkout.
func (a *assembly) mainOf(dir string) string {
	if !a.mainKnown {
		a.main, a.mainKnown = a.loader.Main(a.dir), true
	}
	rel, err := filepath.Rel(a.dir, dir)
	if a.main == "" || err != nil {
		return ""
	}
	return filepath.Join(a.main, rel)
}

// resolvedPath returns a path without symbolic links, as far as it exists.
func resolvedPath(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	return path
}

// isBelow reports whether path is dir or below it.
func isBelow(path, dir string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}

// repositoryRoot returns the nearest directory from dir upwards that contains
// .git; dir itself if there is none.
func (a *assembly) repositoryRoot() string {
	if a.root != "" {
		return a.root
	}
	a.root = a.dir
	for at := a.dir; ; at = filepath.Dir(at) {
		git := filepath.Join(at, ".git")
		if _, err := os.Lstat(git); err == nil && (at == a.dir || a.trust.File(git) == nil) {
			a.root = at
			return at
		}
		if at == filepath.Dir(at) || at != a.dir && a.trust.Closed(at) {
			return a.root
		}
	}
}

// realRoot returns the repository's root without symbolic links.
func (a *assembly) realRoot() string {
	if a.real == "" {
		a.real = resolvedPath(a.repositoryRoot())
	}
	return a.real
}

// unique returns the list without repetitions.
func unique(list []string) []string {
	seen := make(map[string]bool, len(list))
	return slices.DeleteFunc(list, func(s string) bool {
		before := seen[s]
		seen[s] = true
		return before
	})
}
