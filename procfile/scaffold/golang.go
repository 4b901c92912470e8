package scaffold

import (
	"io/fs"
	"path"
	"slices"
	"strings"
)

// golang adds the main packages of a Go module: the one in its root, and those
// in cmd.
func (d *detector) golang(dir string) {
	src, ok := d.read(path.Join(dir, "go.mod"))
	if !ok {
		return
	}
	if file, ok := d.mainPackage(dir); ok {
		d.addGo(d.service(dir, file), ".", names(dir, moduleName(src), "web")...)
	}
	if file, ok := d.mainPackage(path.Join(dir, "cmd")); ok {
		d.addGo(d.service(dir, "cmd/"+file), "./cmd", names(dir, moduleName(src), "web")...)
	}
	entries, _ := fs.ReadDir(d.fs, path.Join(dir, "cmd"))
	entries = slices.DeleteFunc(entries, func(e fs.DirEntry) bool {
		_, ok := d.mainPackage(path.Join(dir, "cmd", e.Name()))
		return !ok || !e.IsDir() || !printable(e.Name())
	})
	for _, e := range entries {
		below := path.Join("cmd", e.Name())
		if isTool(e.Name()) {
			d.project.leaveOut(path.Join(dir, below), "its name suggests a tool, not a service")
			continue
		}
		s := d.service(dir, below)
		s.Worker = isWorker(e.Name(), "")
		s.NoPort = s.Worker
		for _, other := range entries { // programs do not import each other
			if other != e {
				s.Watch = append(s.Watch, patternsIn(path.Join(dir, "cmd", other.Name()), "!**")...)
			}
		}
		d.addGo(s, "./"+below, e.Name(), path.Base(dir)+"-"+e.Name())
	}
}

// addGo adds a program of the module in the service's directory. It uses go
// build instead of go run, so that the old process serves during compilation.
func (d *detector) addGo(s Service, pkg string, names ...string) {
	name := d.project.freeName(names)
	s.Command = d.binaries(s.Dir) + "/" + name
	s.Build = "go build -o " + s.Command + " " + quoteSh(pkg)
	s.Watch = append(patternsIn(s.Dir, "**/*.go", "!**/*_test.go"), s.Watch...)
	d.project.add(s, name)
}

// patternsIn returns patterns in a directory as patterns from the project's
// root. A directory whose name contains pattern characters gets none.
func patternsIn(dir string, patterns ...string) (all []string) {
	if strings.ContainsAny(dir, `*?[]{}\!`) {
		return nil
	}
	for _, p := range patterns {
		p, excluded := strings.CutPrefix(p, "!")
		if p = path.Join(dir, p); excluded {
			p = "!" + p
		}
		all = append(all, p)
	}
	return all
}

// binaries returns the directory in dir for built programs: one that git
// ignores, or .bin, which it adds to Ignore.
func (d *detector) binaries(dir string) string {
	here, _ := d.read(path.Join(dir, ".gitignore"))
	above, _ := d.read(".gitignore")
	for _, output := range []string{".bin", "bin", "tmp"} {
		if ignores(here, output, "/"+output) || ignores(above, output, "/"+path.Join(dir, output)) {
			return output
		}
	}
	if !slices.Contains(d.project.Ignore, ".bin/") {
		d.project.Ignore = append(d.project.Ignore, ".bin/")
	}
	return ".bin"
}

// ignores reports whether a .gitignore lists one of the names.
func ignores(gitignore []byte, names ...string) bool {
	for line := range strings.Lines(string(gitignore)) {
		line = strings.TrimSuffix(strings.TrimSpace(line), "*")
		if slices.Contains(names, strings.TrimSuffix(line, "/")) {
			return true
		}
	}
	return false
}

// isTool reports whether a program's name suggests that it runs once, or only
// by hand.
func isTool(name string) bool {
	for _, n := range notServices {
		if name == n || strings.HasPrefix(name, n+"-") || strings.HasSuffix(name, "-"+n) || strings.HasPrefix(name, n+"_") || strings.HasSuffix(name, "_"+n) {
			return true
		}
	}
	return strings.HasSuffix(name, "ctl")
}

// mainPackage returns the first file of a main package in a directory, if there
// is one.
func (d *detector) mainPackage(dir string) (file string, ok bool) {
	entries, _ := fs.ReadDir(d.fs, dir)
	i := slices.IndexFunc(entries, func(e fs.DirEntry) bool {
		name := e.Name()
		if e.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") || !printable(name) {
			return false
		}
		src, err := fs.ReadFile(d.fs, path.Join(dir, name))
		return err == nil && packageClause(string(src)) == "main"
	})
	if i < 0 {
		return "", false
	}
	return entries[i].Name(), true
}

// packageClause returns the package name of a Go file, or "" for a file that
// builds ignore.
func packageClause(src string) string {
	for src != "" {
		line, rest, _ := strings.Cut(strings.TrimSpace(src), "\n")
		switch {
		case strings.HasPrefix(line, "//go:build ") && strings.Contains(line, "ignore"):
			return ""
		case strings.HasPrefix(line, "/*"):
			_, rest, _ = strings.Cut(src, "*/")
		case strings.HasPrefix(line, "package "):
			return strings.Fields(line)[1]
		case line != "" && !strings.HasPrefix(line, "//"):
			return ""
		}
		src = rest
	}
	return ""
}

// moduleName returns the last element of a module's path that is not a version.
func moduleName(mod []byte) string {
	for line := range strings.Lines(string(mod)) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "module" {
			name := strings.Trim(fields[1], `"`)
			if base := path.Base(name); len(base) > 1 && base[0] == 'v' && strings.Trim(base[1:], "0123456789") == "" {
				name = path.Dir(name)
			}
			return path.Base(name)
		}
	}
	return ""
}
