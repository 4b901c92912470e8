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

	"github.com/devports/devports/allocator/text"
)

// Names are the files that a project may have, in the order of preference.
var Names = []string{"Portfile", "Portfile.toml", "Procfile.dev", "Procfile"}

// NotFoundError says that no folder on the way holds one of [Names].
type NotFoundError struct {
	Looked []string // the folders, from the working directory up
}

func (e *NotFoundError) Error() string {
	return "no Portfile or Procfile in " + strings.Join(e.Looked, ", ")
}

// Find returns the path of the project file for the directory dir: the first
// of [Names] in it or in the nearest folder above it, no higher than the root
// of the repository that holds dir, if one does. It returns a *NotFoundError
// when there is none.
func Find(dir string) (string, error) {
	var looked []string
	for {
		looked = append(looked, dir)
		for _, name := range Names {
			path := filepath.Join(dir, name)
			if info, err := os.Stat(path); err == nil && !info.IsDir() {
				return path, nil
			} else if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) {
				return "", err
			}
		}
		_, err := os.Lstat(filepath.Join(dir, ".git"))
		up := filepath.Dir(dir)
		if err == nil || up == dir {
			return "", &NotFoundError{looked}
		}
		dir = up
	}
}

// Read reads the project file at path, which is "-" for stdin. Problems name
// it by its path from the working directory, if that is shorter. The errors
// are [Problems], or those of reading the file.
func Read(path string, stdin io.Reader) (File, error) {
	wd, err := os.Getwd()
	if err != nil {
		return File{}, err
	}
	if path == "-" {
		src, err := io.ReadAll(stdin)
		if err != nil {
			return File{}, fmt.Errorf("standard input: %w", err)
		}
		f, err := Parse("<stdin>", src)
		f.Dir = wd
		return f, err
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		return File{}, err
	}
	src, err := os.ReadFile(absolute)
	if err != nil {
		return File{}, err
	}
	f, err := Parse(shorter(wd, absolute), src)
	f.Path, f.Dir = absolute, filepath.Dir(absolute)
	return f, err
}

// shorter is path as seen from the folder wd, where that is the shorter way to
// say it.
func shorter(wd, path string) string {
	if rel, err := filepath.Rel(wd, path); err == nil && len(rel) < len(path) {
		return rel
	}
	return path
}

// Parse reads a Portfile or a Procfile; which of the two, the name tells, and
// where it does not, the first line that is neither blank nor a comment. The
// error is [Problems]: all of them, in the order of the file.
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
