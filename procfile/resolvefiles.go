package procfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/devports/devports/allocator/ownership"
)

func (r *resolver) watch(path string) {
	if !slices.Contains(r.watched, path) {
		r.watched = append(r.watched, path)
	}
}

func (r *resolver) dir(s Service, get lookup) string {
	pos := s.Dir.Pos
	if s.Dir.Value == "" {
		pos = s.Pos
	}
	dir := r.file.path(Text{r.expand(s.Dir, get), pos})
	if s.Dir.Value == "" || s.Shared && r.context.SharedElsewhere {
		return dir
	}
	if info, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		r.fail(s.Dir.Pos, "", "the directory %s does not exist", dir)
	} else if err != nil {
		r.fail(s.Dir.Pos, "", "%v", err)
	} else if !info.IsDir() {
		r.fail(s.Dir.Pos, "", "%s is not a directory", dir)
	}
	return dir
}

// envFiles returns the env files for s, in order, with absolute paths. A listed
// file must exist. A directory .env that is not listed is no env file: it may be a
// virtual environment of Python.
func (r *resolver) envFiles(s Service) (files []Text) {
	var listed []Text
	add := func(base string, files []Text) {
		if path := filepath.Join(base, ".env"); files == nil && r.envFileAt(path) == isFile {
			listed = append(listed, Text{Value: path})
		}
		listed = append(listed, files...)
	}
	add(r.file.Dir, r.file.EnvFiles)
	for _, p := range s.Pos.included().chain() {
		if p.envFiles == nil && p.source.dir == r.file.Dir {
			continue // listed
		}
		add(p.source.dir, p.envFiles)
	}
	for _, t := range slices.Concat(listed, s.EnvFiles) {
		path := r.file.path(t)
		if r.envFileAt(path) == isMissing {
			r.fail(t.Pos, "", "the env file %s does not exist", path)
			continue
		}
		files = append(files, Text{path, t.Pos})
	}
	return files
}

// existence is what is at the path of an env file.
type existence int

const (
	isMissing existence = iota
	isFile              // or what cannot be read
	isDirectory
)

// envFileAt watches an env file, and reports whether it exists.
func (r *resolver) envFileAt(path string) existence {
	at, known := r.exist[path]
	if !known {
		r.watch(path)
		info, err := os.Stat(path)
		if errors.Is(err, fs.ErrNotExist) {
			if from := r.copiedFrom(path); from != "" {
				info, err = os.Stat(from)
			}
		}
		switch {
		case err == nil && info.IsDir():
			at = isDirectory
		case !errors.Is(err, fs.ErrNotExist):
			at = isFile
		}
		r.exist[path] = at
	}
	return at
}

// envFile reads an env file. It reads each file only once.
func (r *resolver) envFile(path string) []Variable {
	if vars, ok := r.read[path]; ok {
		return vars
	}
	name := shorterFile(r.file, path)
	at := path
	if from := r.copiedFrom(path); from != "" {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) { // until it is copied
			at = from
		}
	}
	src, err := r.readEnvFile(at)
	if err != nil {
		r.problems = append(r.problems, problemf(name, Position{}, "", "%s", reasonOf(err)))
	}
	vars, problems := parseEnvFile(name, src)
	r.problems = append(r.problems, problems...)
	r.read[path] = vars
	return vars
}

// readEnvFile reads an env file unless it belongs to another user: a user who
// may create files beside the Portfile, for example in /tmp, must not control
// the environment of a service.
func (r *resolver) readEnvFile(path string) ([]byte, error) {
	trust := ownership.NewTrust(r.file.Dir, func(name string) string { return r.inherited[name] })
	if info, err := os.Stat(r.file.Path); err == nil {
		trust = trust.And(info)
	}
	return readTrusted(path, trust)
}
