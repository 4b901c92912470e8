package procfile

import (
	"errors"
	"io/fs"
	"os"
	"slices"

	"github.com/devports/devports/allocator/ownership"
)

func (r *resolver) watch(path string) {
	if !slices.Contains(r.watched, path) {
		r.watched = append(r.watched, path)
	}
}

func (r *resolver) dir(s Service, get lookup) string {
	dir := r.file.path(r.expand(s.Dir, get))
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

// envFiles returns the paths of the env files for s, in order. A listed file
// must exist.
func (r *resolver) envFiles(s Service) []string {
	var paths []string
	if r.file.EnvFiles == nil {
		path := r.file.path(".env")
		if r.exists(path) {
			paths = append(paths, path)
		}
	}
	for _, t := range slices.Concat(r.file.EnvFiles, s.EnvFiles) {
		path := r.file.path(t.Value)
		if !r.exists(path) {
			r.fail(t.Pos, "", "the env file %s does not exist", path)
			continue
		}
		paths = append(paths, path)
	}
	return paths
}

// exists watches an env file, and reports whether it exists.
func (r *resolver) exists(path string) bool {
	exists, known := r.exist[path]
	if !known {
		r.watch(path)
		_, err := os.Stat(path)
		exists = !errors.Is(err, fs.ErrNotExist)
		r.exist[path] = exists
	}
	return exists
}

// envFile reads an env file. It reads each file only once.
func (r *resolver) envFile(path string) []Variable {
	if vars, ok := r.read[path]; ok {
		return vars
	}
	name := shorterFile(r.file, path)
	src, err := r.readEnvFile(path)
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
	trust := ownership.From(r.file.Dir, func(name string) string { return r.inherited[name] })
	if info, err := os.Stat(r.file.Path); err == nil {
		trust = trust.And(info)
	}
	if err := trust.File(path); err != nil {
		return nil, err
	}
	return readRegular(path)
}
