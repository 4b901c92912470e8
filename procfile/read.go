package procfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/devports/devports/allocator/ownership"
	"github.com/devports/devports/allocator/text"
)

// Names are the names of project files, in the order of preference.
var Names = []string{"Portfile", "Portfile.toml", "Procfile.dev", "Procfile"}

// NotFoundError reports that no searched directory has a trusted project file.
type NotFoundError struct {
	Looked  []string                  // the directories, from the working directory up
	Foreign []*ownership.ForeignError // files found there that are not trusted
}

func (e *NotFoundError) Error() string {
	return "no Portfile or Procfile in " + strings.Join(e.Looked, ", ")
}

// Find returns the path of the project file for the directory dir: the first of
// [Names] in it or in its nearest parent, up to the root of the repository that
// contains dir. If a Portfile further up includes it, Find returns that one:
// the project is the same in all of its directories. Above dir it takes only
// files that [ownership] trusts, for which it needs getenv. If there is none and
// dir is reached through a symlink, it searches above the target, as git does.
// The error is a *NotFoundError if there is no such file.
func Find(dir string, getenv func(string) string) (string, error) {
	path, err := find(dir, getenv)
	if errors.As(err, new(*NotFoundError)) {
		if real, unresolved := filepath.EvalSymlinks(dir); unresolved == nil && real != dir {
			if path, err := find(real, getenv); err == nil {
				return path, nil
			}
		}
	}
	return path, err
}

// find is Find without following symlinks.
func find(dir string, getenv func(string) string) (string, error) {
	trust := ownership.NewTrust(dir, getenv)
	none := &NotFoundError{}
	found := ""
	for at := dir; ; at = filepath.Dir(at) {
		none.Looked = append(none.Looked, at)
		trusted := func(path string) bool {
			var foreign *ownership.ForeignError
			if at != dir && errors.As(trust.File(path), &foreign) {
				none.Foreign = append(none.Foreign, foreign)
				return false
			}
			return true
		}
		for _, name := range Names {
			path := filepath.Join(at, name)
			info, err := os.Stat(path)
			switch {
			case err == nil && !info.IsDir() && found == "" && trusted(path):
				if err := checkRegular(path, info); err != nil || !hasLocal(path) {
					return path, err // a pipe, or a Procfile, which nothing includes
				}
				found = path
			case err == nil && info.Mode().IsRegular() && found != "" && filepath.Dir(found) != at && trust.File(path) == nil:
				if includesFile(path, found, getenv) {
					found = path
				}
			case err != nil && found == "" && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission):
				return "", err
			default:
				continue
			}
			break
		}
		git := filepath.Join(at, ".git")
		_, err := os.Lstat(git)
		if err == nil && (at == dir || trust.File(git) == nil) || at == filepath.Dir(at) || at != dir && trust.Closed(at) {
			if found != "" {
				return found, nil
			}
			return "", none
		}
	}
}

// Including returns the project file that includes the Portfile at path; "" if
// there is none.
func Including(path string, getenv func(string) string) string {
	path, err := filepath.Abs(path)
	if err != nil || !hasLocal(path) {
		return ""
	}
	if found, err := Find(filepath.Dir(path), getenv); err == nil && found != path && includesFile(found, path, getenv) {
		return found
	}
	return ""
}

// includesFile reports whether a Portfile includes another file, directly or
// not. One with syntax errors may include it.
func includesFile(path, other string, getenv func(string) string) bool {
	const key = "include"
	src, err := readRegular(path)
	if err != nil || !hasLocal(path) {
		return false
	}
	local, _ := readRegular(filepath.Join(filepath.Dir(path), LocalName))
	if !hasLine(src, key) && !hasLine(local, key) {
		return false
	}
	root, problems := tomlTree(path, nil, src)
	if root == nil || len(problems) > 0 {
		return true
	}
	a := newAssembly(Loader{Getenv: getenv}, filepath.Dir(path), path, path, filepath.Dir(path))
	a.portfile(root)
	other = resolvedPath(other)
	return slices.ContainsFunc(a.parts, func(p *includedFile) bool { return resolvedPath(p.source.path) == other })
}

// hasLine reports whether a line of a text begins with a word.
func hasLine(src []byte, word string) bool {
	for line := range bytes.Lines(src) {
		if bytes.HasPrefix(bytes.TrimLeft(line, " \t"), []byte(word)) {
			return true
		}
	}
	return false
}

// Loader reads project files with the files that belong to them. It is a value.
type Loader struct {
	Stdin  io.Reader
	Getenv func(string) string // decides whose files are trusted: see [ownership]; nil: no variables

	// Main returns the directory that corresponds to dir in the main checkout; ""
	// if dir is in the main checkout. nil: there is none.
	Main func(dir string) string
}

func (l Loader) getenv(name string) string {
	if l.Getenv == nil {
		return ""
	}
	return l.Getenv(name)
}

// Read reads the project file at path, the files that it includes, and the
// Portfile.local of each; "-" is stdin. Stdin and pipes can be read only once:
// the File then has no Path. Problems use paths relative to the working
// directory, if those are shorter. The error is [Problems], a *[FileTypeError],
// or an error from reading the file.
func (l Loader) Read(path string) (File, error) {
	wd, err := os.Getwd()
	if err != nil {
		return File{}, err
	}
	once := func(name string, src []byte, err error) (File, error) {
		if err != nil {
			return File{}, fmt.Errorf("%s: %w", name, err)
		}
		f, err := parse(name, src, newAssembly(l, wd, name, "", wd))
		f.Dir = wd
		return f, err
	}
	if path == "-" {
		src, err := readLimited(l.Stdin)
		return once("<stdin>", src, err)
	}
	if info, err := os.Stat(path); err == nil && info.Mode()&fs.ModeNamedPipe != 0 {
		src, err := readPipe(path)
		return once(path, src, err)
	}
	return l.read(wd, path)
}

// Read is [Loader.Read] without variables and without a main checkout.
func Read(path string, stdin io.Reader) (File, error) { return Loader{Stdin: stdin}.Read(path) }

// Reread reads again the file that f was read from, which must be a regular
// file, and all others.
func (f File) Reread() (File, error) {
	wd, err := os.Getwd()
	if err != nil {
		return File{}, err
	}
	return f.loader.read(wd, f.Path)
}

// read reads a regular file.
func (l Loader) read(wd, path string) (File, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return File{}, err
	}
	name := shorter(wd, absolute)
	src, err := readRegular(absolute)
	switch {
	case errors.Is(err, errTooLarge):
		return File{}, fmt.Errorf("%s %w", name, err)
	case err != nil:
		return File{}, err
	}
	f, err := parse(name, src, newAssembly(l, wd, name, absolute, filepath.Dir(absolute)))
	f.Path, f.Dir, f.loader = absolute, filepath.Dir(absolute), l
	return f, err
}

// shorter returns path relative to the directory wd, if that is shorter.
func shorter(wd, path string) string {
	if rel, err := filepath.Rel(wd, path); err == nil && len(rel) < len(path) {
		return rel
	}
	return path
}

// Parse parses a Portfile or a Procfile. The name decides which of the two it
// is, or else the first line that is neither blank nor a comment. It reads no
// other files. The error is [Problems]: all of them, in the order of the file.
func Parse(name string, src []byte) (File, error) { return parse(name, src, nil) }

func parse(name string, src []byte, a *assembly) (File, error) {
	src, problems := textOf(name, src)
	if problems != nil {
		return File{Name: name}, problems
	}
	parse := parsePortfile
	if isProcfile(name, src) {
		parse = parseProcfile
	}
	f, problems := parse(name, src, a)
	problems = append(problems, f.check()...)
	return f, problems.err()
}

// textOf returns the text of a file without its byte order mark, and with \n for
// each \r\n: the shell would take a carriage return in a command of several lines
// for a part of a word.
func textOf(name string, src []byte) ([]byte, Problems) {
	src = bytes.TrimPrefix(src, []byte("\ufeff"))
	if i := text.InvalidUTF8(string(src)); i >= 0 {
		return nil, Problems{problemf(name, endOf(src[:i]), "", "not UTF-8 text")}
	}
	return bytes.ReplaceAll(src, []byte("\r\n"), []byte("\n")), nil
}

func isProcfile(name string, src []byte) bool {
	base := filepath.Base(name)
	switch {
	case strings.HasPrefix(base, "Portfile"), filepath.Ext(base) == ".toml":
		return false
	case strings.HasPrefix(base, "Procfile"), filepath.Ext(base) == ".procfile":
		return true
	}
	for line := range bytes.Lines(src) {
		line = bytes.TrimSpace(line)
		if len(line) > 0 && line[0] != '#' {
			return isEntry(string(line))
		}
	}
	return false
}
