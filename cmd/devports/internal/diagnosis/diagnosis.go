// Package diagnosis finds what a service needs and does not have: dependencies
// that are not installed, and programs.
package diagnosis

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/devports/devports/allocator/text"
	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/system"
	"github.com/devports/devports/procfile"
	"github.com/devports/devports/procfile/shell"
)

// Missing is something that a service needs. The zero Missing is nothing.
type Missing struct {
	What string // "node_modules is missing"
	Fix  string // a command for a shell in the project's directory; "" if not known
}

// String is What and Fix: "node_modules is missing: npm ci".
func (m Missing) String() string {
	if m.Fix == "" {
		return m.What
	}
	return m.What + ": " + m.Fix
}

// Explain returns why a process has failed, as far as its files and its last
// output show it; "" if they do not. base is the project's directory.
func Explain(base string, p procfile.Process, exit launcher.Exit, output func() string) string {
	if exit.Status == 0 || exit.Signal != "" || exit.Requested {
		return ""
	}
	programs := programsOf(p)
	if runtime.GOOS == "windows" && len(p.Argv) == 0 && (exit.Status == 1 || exit.Status == 9009) && notFound(p, programs) != (Missing{}) {
		exit.Status = 127 // cmd.exe has other statuses for that
	}
	if exit.Status == 126 {
		return notExecutable(base, p.Dir, programs).String()
	}
	if m := python(base, p, programs, exit.Status, output); m != (Missing{}) {
		return m.String()
	}
	if m := dependencies(base, p, programs, exit.Status, output); m != (Missing{}) {
		return m.String()
	}
	if m := docker(programs, exit.Status, output); m != (Missing{}) {
		return m.String()
	}
	if exit.Status == 127 && exit.Err == nil { // else the error names it
		return notFound(p, programs).String()
	}
	return ""
}

// Check returns what a process that has not run lacks.
func Check(base string, p procfile.Process) Missing {
	programs := programsOf(p)
	if m := noEnvironment(base, p, programs); m != (Missing{}) {
		return m
	}
	if m := dependencies(base, p, programs, 0, nil); m != (Missing{}) {
		return m
	}
	if m := notExecutable(base, p.Dir, programs); m != (Missing{}) {
		return m
	}
	if len(programs) != 1 { // one of several may be optional
		return Missing{}
	}
	return notFound(p, programs)
}

// programsOf are the programs of a process.
func programsOf(p procfile.Process) []shell.Program {
	if len(p.Argv) > 0 {
		return []shell.Program{{Name: p.Argv[0], Args: p.Argv[1:]}}
	}
	return shell.Programs(p.Shell)
}

// notExecutable finds a script that lacks its x bit.
func notExecutable(base, dir string, programs []shell.Program) Missing {
	for _, program := range programs {
		if !strings.Contains(program.Name, "/") || runtime.GOOS == "windows" { // without x bits
			continue
		}
		file := in(dir, program.Dir, program.Name)
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 == 0 {
			return Missing{program.Name + " is not executable", "chmod +x " + text.QuoteSh(relative(base, file))}
		}
	}
	return Missing{}
}

// notFound finds a program that is not there.
func notFound(p procfile.Process, programs []shell.Program) Missing {
	for _, program := range programs {
		if found(p, program) {
			continue
		}
		dir := in(p.Dir, program.Dir)
		switch local := filepath.Join(dir, "node_modules", ".bin", program.Name); {
		case strings.Contains(program.Name, "/"):
			return Missing{What: program.Name + " does not exist"}
		case exists(local):
			return Missing{What: program.Name + " is not on PATH", Fix: "use npx " + program.Name}
		}
		return Missing{What: program.Name + " is not on PATH"}
	}
	return Missing{}
}

// found reports whether a program of a process is there.
func found(p procfile.Process, program shell.Program) bool {
	if runtime.GOOS == "windows" && len(p.Argv) == 0 && shell.IsCmdCommand(program.Name) {
		return true
	}
	_, err := system.LookPath(program.Name, in(p.Dir, program.Dir), p.Env.List())
	return err == nil || os.IsPermission(err)
}

// in joins the directory of a process with a path that a command uses in it.
func in(dir string, paths ...string) string {
	for _, path := range paths {
		if filepath.IsAbs(path) {
			dir = path
		} else {
			dir = filepath.Join(dir, path)
		}
	}
	return dir
}

// relative is a path as one types it in base.
func relative(base, path string) string {
	rel, err := filepath.Rel(base, path)
	if err != nil || rel == ".." || strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
		return path
	}
	return rel
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// isFilled reports whether path is a file, or a directory that has anything in it.
func isFilled(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	names, err := f.ReadDir(1)
	return err != nil && !errors.Is(err, io.EOF) || len(names) > 0
}
