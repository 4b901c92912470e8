package scaffold

import (
	"cmp"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/pelletier/go-toml/v2"
)

// golang finds the main packages of a Go module: the one in its root, and those
// in cmd. The programs of a module below another one belong to that one.
func golang(t tree, dir string) (f findings) {
	src, ok := t.read(path.Join(dir, "go.mod"))
	if !ok || dir != "." && t.exists("go.mod") {
		return f
	}
	if f.packages = append(f.packages, moduleName(src)); t.isGoTool(dir, string(src)) {
		f.leaveOut(path.Join(dir, "go.mod"), "nothing in this module listens: it seems to be a command-line tool")
		return f
	}
	if g, ok := air(t, dir, src); ok {
		return g
	}
	if file, ok := t.mainPackage(dir); ok {
		f.addGo(t, serviceIn(dir, file), ".", names(dir, moduleName(src), "web")...)
	}
	if file, ok := t.mainPackage(path.Join(dir, "cmd")); ok {
		f.addGo(t, serviceIn(dir, "cmd/"+file), "./cmd", names(dir, moduleName(src), "web")...)
	}
	entries, _ := fs.ReadDir(t.fs, path.Join(dir, "cmd"))
	entries = slices.DeleteFunc(entries, func(e fs.DirEntry) bool {
		_, ok := t.mainPackage(path.Join(dir, "cmd", e.Name()))
		return !ok || !e.IsDir() || !printable(e.Name())
	})
	for _, e := range entries {
		below := path.Join("cmd", e.Name())
		if isTool(e.Name()) {
			f.leaveOut(path.Join(dir, below), "its name suggests a tool, not a service")
			continue
		}
		s := serviceIn(dir, below)
		s.Worker = isWorker(e.Name(), "")
		s.NoPort = s.Worker
		for _, other := range entries { // programs do not import each other
			if other != e {
				s.Watch = append(s.Watch, patternsIn(path.Join(dir, "cmd", other.Name()), "!**")...)
			}
		}
		f.addGo(t, s, "./"+below, e.Name(), path.Base(dir)+"-"+e.Name())
	}
	if len(f.candidates)+len(f.leftOut) == 0 {
		f.leaveOut(path.Join(dir, "go.mod"), "no main package in this directory or in cmd")
	}
	return f
}

// addGo adds a program of the module in the service's directory. It uses go
// build instead of go run, so that the old process serves during compilation.
// Go chooses the program's name, if it is simple, because on Windows the name
// ends in .exe.
func (f *findings) addGo(t tree, s Service, pkg string, names ...string) {
	dir := path.Clean(s.Dir)
	base := "app"
	for _, n := range names {
		if n = serviceName(n); n != "" {
			base = n
			break
		}
	}
	output, ignored := t.binaries(dir)
	if !ignored {
		f.ignore = append(f.ignore, output+"/")
	}
	s.Command = output + "/" + base
	taken := func() bool {
		return slices.ContainsFunc(f.candidates, func(c candidate) bool {
			return c.Dir == s.Dir && (c.Command == s.Command || strings.HasPrefix(c.Command, s.Command+" "))
		})
	}
	chosen := path.Base(pkg)
	if chosen == "." {
		chosen = f.packages[len(f.packages)-1] // the module
	}
	own := ""
	if s.Command = output + "/" + chosen; serviceName(chosen) != chosen || taken() {
		s.Command, own = output+"/"+base, base
		for n := 2; taken(); n++ {
			own = fmt.Sprintf("%s-%d", base, n)
			s.Command = output + "/" + own
		}
	}
	s.Build = "go build -o " + output + "/" + own + " " + quoteSh(pkg)
	if flag := t.goPortFlag(path.Join(dir, pkg)); flag != "" && !s.NoPort {
		s.Command += " " + flag
		s.Note = "it needs its port as an argument"
	}
	s.Watch = append(patternsIn(s.Dir, "**/*.go", "!**/*_test.go"), s.Watch...)
	f.add(s, names...)
}

// goPortFlags matches the definition of a flag for the port, with the standard
// library or pflag.
var goPortFlags = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`\b(?:Int|Uint|String)(?:16|32|64)?(?:Var)?P?\((?:&[\w.]+,\s*)?"port"`)
})

// goPortFlag returns the flag that sets the port of a program, unless it reads
// PORT.
func (t tree) goPortFlag(dir string) string {
	flag := ""
	for _, file := range t.files(dir, "*.go") {
		text := t.text(path.Join(dir, file))
		if strings.Contains(text, `"PORT"`) || strings.Contains(text, `ListenAndServe(":8`) {
			return ""
		}
		if !strings.HasSuffix(file, "_test.go") && goPortFlags().MatchString(text) {
			flag = "--port=$PORT"
		}
	}
	return flag
}

// isGoTool reports whether a module parses a command line, and nothing in it
// listens.
func (t tree) isGoTool(dir, mod string) bool {
	parses := slices.ContainsFunc([]string{"spf13/cobra", "urfave/cli", "alecthomas/kong", "alexflint/go-arg", "jessevdk/go-flags"}, func(module string) bool {
		return strings.Contains(mod, "github.com/"+module)
	})
	if !parses {
		return false
	}
	listens := false
	t.sources(dir, ".go", func(_, text string) bool {
		listens = slices.ContainsFunc([]string{"ListenAndServe", "net.Listen(", "http.Server{", "gin.Default(", "gin.New(", "echo.New(", "fiber.New(", "grpc.NewServer("}, func(call string) bool {
			return strings.Contains(text, call)
		})
		return !listens
	})
	return !listens
}

// air finds the program that the live reloader air builds and runs: its build
// becomes the service's build (https://github.com/air-verse/air).
func air(t tree, dir string, mod []byte) (f findings, ok bool) {
	for _, file := range []string{".air.toml", "air.toml"} {
		src, exists := t.read(path.Join(dir, file))
		if !exists {
			continue
		}
		var config struct {
			Build struct {
				Cmd     string   `toml:"cmd"`
				Bin     string   `toml:"bin"`
				FullBin string   `toml:"full_bin"`
				Args    []string `toml:"args_bin"`
				Exts    []string `toml:"include_ext"`
				Exclude []string `toml:"exclude_dir"`
			} `toml:"build"`
		}
		if err := toml.Unmarshal(src, &config); err != nil {
			f.leaveOut(path.Join(dir, file), "cannot parse it: %s", firstLine(err))
			return f, false
		}
		s := serviceIn(dir, file)
		s.Build, s.Command = strings.TrimSpace(config.Build.Cmd), strings.TrimSpace(cmp.Or(config.Build.FullBin, config.Build.Bin))
		if s.Build == "" || s.Command == "" || strings.ContainsRune(s.Build+s.Command, 0) {
			return f, false
		}
		for _, arg := range config.Build.Args {
			s.Command += " " + quoteSh(arg)
		}
		s.adopt(PortFlag(s.Command), s.Origin)
		s.Note = cmp.Or(s.Note, "devports builds and restarts in place of air")
		for _, ext := range config.Build.Exts {
			s.Watch = append(s.Watch, patternsIn(dir, "**/*."+plainName(ext))...)
		}
		for _, excluded := range config.Build.Exclude {
			if plainName(excluded) == excluded {
				s.Watch = append(s.Watch, patternsIn(dir, "!"+excluded+"/**")...)
			}
		}
		if len(s.Watch) == 0 || s.Watch[0][0] == '!' {
			s.Watch = append(patternsIn(s.Dir, "**/*.go", "!**/*_test.go"), s.Watch...)
		}
		f.packages = append(f.packages, moduleName(mod))
		f.add(s, names(dir, moduleName(mod), "web")...)
		return f, true
	}
	return f, false
}

// plainName returns the part of s that has no meaning in a pattern.
func plainName(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x80 && (isNameByte(byte(r)) || r == '-' || r == '.') {
			return r
		}
		return -1
	}, s)
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

// binaries returns the directory in dir for built programs, and whether git
// ignores it: the first of bin and tmp that it ignores, else .bin.
func (t tree) binaries(dir string) (output string, ignored bool) {
	here, _ := t.read(path.Join(dir, ".gitignore"))
	above, _ := t.read(".gitignore")
	for _, output := range []string{".bin", "bin", "tmp"} {
		if ignores(here, output, "/"+output) || ignores(above, output, "/"+path.Join(dir, output)) {
			return output, true
		}
	}
	return ".bin", false
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
	parts := strings.FieldsFunc(name, func(r rune) bool { return r == '-' || r == '_' })
	return strings.HasSuffix(name, "ctl") || slices.ContainsFunc(parts, func(p string) bool { return p == "util" || p == "utils" })
}

// mainPackage returns the first file of a main package in a directory, if there
// is one.
func (t tree) mainPackage(dir string) (file string, ok bool) {
	entries, _ := fs.ReadDir(t.fs, dir)
	i := slices.IndexFunc(entries, func(e fs.DirEntry) bool {
		name := e.Name()
		if e.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") || !printable(name) {
			return false
		}
		src, err := fs.ReadFile(t.fs, path.Join(dir, name))
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
