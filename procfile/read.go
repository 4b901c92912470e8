package procfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
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
// contains dir. Above dir it takes only files that [ownership] trusts, for
// which it needs getenv. The error is a *NotFoundError if there is no such
// file.
func Find(dir string, getenv func(string) string) (string, error) {
	trust := ownership.From(dir, getenv)
	none := &NotFoundError{}
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
			if info, err := os.Stat(path); err == nil && !info.IsDir() && trusted(path) {
				return path, checkRegular(path, info)
			} else if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) {
				return "", err
			}
		}
		git := filepath.Join(at, ".git")
		_, err := os.Lstat(git)
		if err == nil && (at == dir || trust.File(git) == nil) || at == filepath.Dir(at) || at != dir && trust.Closed(at) {
			return "", none
		}
	}
}

// Read reads the project file at path; "-" is stdin. Stdin and pipes can be
// read only once: the File then has no Path. Problems use the path relative to
// the working directory, if that is shorter. The error is [Problems], a
// *[FileTypeError], or an error from reading the file.
func Read(path string, stdin io.Reader) (File, error) {
	wd, err := os.Getwd()
	if err != nil {
		return File{}, err
	}
	once := func(name string, src []byte, err error) (File, error) {
		if err != nil {
			return File{}, fmt.Errorf("%s: %w", name, err)
		}
		f, err := Parse(name, src)
		f.Dir = wd
		return f, err
	}
	if path == "-" {
		src, err := readLimited(stdin)
		return once("<stdin>", src, err)
	}
	if info, err := os.Stat(path); err == nil && info.Mode()&fs.ModeNamedPipe != 0 {
		src, err := readPipe(path)
		return once(path, src, err)
	}
	return read(wd, path)
}

// Reread reads again the file that f was read from, which must be a regular
// file.
func (f File) Reread() (File, error) {
	wd, err := os.Getwd()
	if err != nil {
		return File{}, err
	}
	return read(wd, f.Path)
}

// read reads a regular file.
func read(wd, path string) (File, error) {
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
	f, err := Parse(name, src)
	f.Path, f.Dir = absolute, filepath.Dir(absolute)
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
// is, or else the first line that is neither blank nor a comment. The error is
// [Problems]: all of them, in the order of the file.
func Parse(name string, src []byte) (File, error) {
	src = bytes.TrimPrefix(src, []byte("\ufeff"))
	if i := text.InvalidUTF8(string(src)); i >= 0 {
		return File{Name: name}, Problems{problemf(name, endOf(src[:i]), "", "not UTF-8 text")}
	}
	parse := parsePortfile
	if isProcfile(name, src) {
		parse = parseProcfile
	}
	f, problems := parse(name, src)
	problems = append(problems, f.check()...)
	return f, problems.err()
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
			return entryLine().Match(line)
		}
	}
	return false
}
