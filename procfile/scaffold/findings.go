package scaffold

import (
	"fmt"
	"path"
	"strings"
)

// ecosystem finds the services that the files of one language or framework in a
// directory declare. It only reads: merging is the caller's.
type ecosystem func(t tree, dir string) findings

// ecosystems are run on every directory, in this order.
var ecosystems = []ecosystem{
	ruby, php, sites, python, phoenix, spring, dotnet, golang, cargo, deno, node,
}

// candidate is a proposed service with its possible names, the best first.
type candidate struct {
	Service
	names []string
}

// findings are the candidates that an ecosystem has found, and what it left out.
type findings struct {
	candidates []candidate
	leftOut    []LeftOut
	env        []Variable // for every service
	ignore     []string   // build output, for .gitignore
	visited    []string   // directories that these findings already cover
	packages   []string   // the names of the packages, as images have them
}

func (f *findings) add(s Service, names ...string) {
	f.candidates = append(f.candidates, candidate{s, names})
}

func (f *findings) leaveOut(name, reason string, args ...any) {
	f.leftOut = append(f.leftOut, LeftOut{name, fmt.Sprintf(reason, args...)})
}

func (f *findings) include(g findings) {
	f.candidates = append(f.candidates, g.candidates...)
	f.leftOut = append(f.leftOut, g.leftOut...)
	f.env = append(f.env, g.env...)
	f.ignore = append(f.ignore, g.ignore...)
	f.visited = append(f.visited, g.visited...)
	f.packages = append(f.packages, g.packages...)
}

// origins returns the files that the candidates come from, each once.
func (f findings) origins() []string {
	var files []string
	for _, c := range f.candidates {
		files = append(files, c.Origin)
	}
	return unique(files)
}

// serviceIn returns a service with the origin and directory where it was found.
func serviceIn(dir, file string) Service {
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

// partNames returns candidate names for a further service in dir, such as a
// worker beside the server.
func partNames(dir, part string) []string {
	if dir == "." {
		return []string{part}
	}
	return []string{path.Base(dir) + "-" + part, strings.ReplaceAll(dir, "/", "-") + "-" + part}
}
