package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/devports/devports/allocator/atomicfile"
	"github.com/devports/devports/allocator/text"
	"github.com/devports/devports/cmd/devports/internal/project"
	"github.com/devports/devports/procfile"
	"github.com/devports/devports/procfile/scaffold"
	"github.com/devports/devports/registry"
)

var initCommand = command{
	name:  "init",
	usage: "generate a Portfile for a directory",
	args:  "[DIRECTORY]",
	help: `
Writes a commented Portfile for the services that it finds: in Procfile.dev,
process-compose.yaml or mprocs.yaml; else in the scripts of package.json and
composer.json, Go and Rust programs, Django, Flask, FastAPI, Celery, Rails,
Laravel, Phoenix, Spring Boot, .NET, Deno and others, in the directory, those
below it and those in services, apps and src; else in a task named dev of a
Makefile, justfile or mise.toml. A Procfile for deployment adds only its
workers. Nothing is started.

The services of a compose file are added. One that the sources can start without
Docker runs as a process, with the environment of its container and localhost in
place of the other services' names. A container publishes the port that devports
chose, instead of a fixed one.

init prints what it has found, and what it has left out and why. Dev servers
that ignore PORT get a flag for their port. Go and Rust programs get a build, so
that the old process keeps serving while the new one is compiled; if git does
not ignore the build output, init adds it to .gitignore. It does not overwrite
an existing Portfile. Where there is a lock file, such as package-lock.json,
composer.lock or uv.lock, a step of [setup] installs what it lists.

With --local, it also writes a Portfile.local, whose keys override those of the
Portfile for you alone, and adds it to .gitignore; if there is a Portfile, it
writes only that.

Example:
  devports init
  devports init --stdout
  devports init --local
  devports init --force backend`,
	flags: []cli.Flag{
		&cli.BoolFlag{Name: "stdout", Usage: "print the Portfile instead of writing it"},
		&cli.BoolFlag{Name: "force", Usage: "overwrite an existing Portfile"},
		&cli.BoolFlag{Name: "local", Usage: "also write an example of Portfile.local, for your own settings"},
	},
	run: func(s session, c *cli.Context) error {
		dir := filepath.Clean(c.Args().First()) // "." without an argument
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			return usage("", "%s is not a directory", dir)
		}
		found := propose(dir)
		if c.Bool("stdout") {
			printFound(s.stderr, found)
			_, err := s.stdout.Write(found.Portfile())
			return err
		}
		path := portfileIn(dir)
		if c.Bool("local") && taken(path) && !c.Bool("force") {
			return s.writeLocal(dir)
		}
		if taken(path) && !c.Bool("force") {
			return fail(exitFailed, "devports init --force overwrites it, devports init --stdout only prints the new one",
				"%s already exists", path)
		}
		if err := s.writeProposal(path, found); err != nil || !c.Bool("local") {
			return err
		}
		return s.writeLocal(dir)
	},
}

// propose returns what init would write for a directory, and writes nothing. It
// has no services if init would write its example. Its Portfile method returns
// the text of the Portfile, and Summary of a service what init prints for it.
func propose(dir string) scaffold.Project { return scaffold.Detect(os.DirFS(dir)) }

// writeProposal writes a proposed Portfile, and reports what it has written.
func (s session) writeProposal(path string, found scaffold.Project) error {
	if err := atomicfile.Write(path, found.Portfile(), atomicfile.Options{Mode: 0o666, Unlocked: true}); err != nil {
		return fail(exitFailed, "to print it instead: devports init --stdout", "cannot write %s: %v", path, err)
	}
	return s.reportWritten(path, found)
}

// localExample is a Portfile.local without effect.
const localExample = `# Overrides the Portfile for you alone: git ignores this file. Tables merge, other
# values replace those of the Portfile, and false or [] empties a key.
# devports check --explain prints where each value comes from.
#
# [env]
# LOG_LEVEL = "debug"
#
# [services]
# docs = false              # this service does not exist here
# tunnel = "npx tunnel"     # a service of your own
#
# [services.web]
# autostart = false         # start it by name: devports start web
`

// writeLocal writes an example of a Portfile.local, which git ignores.
func (s session) writeLocal(dir string) error {
	path := filepath.Join(dir, procfile.LocalName)
	if taken(path) {
		return fail(exitFailed, "devports check --explain prints what it sets", "%s already exists", path)
	}
	if err := atomicfile.Write(path, []byte(localExample), atomicfile.Options{Mode: 0o666, Unlocked: true}); err != nil {
		return fail(exitFailed, "", "cannot write %s: %v", path, err)
	}
	fmt.Fprintf(s.stdout, "wrote %s with examples\n", path)
	added, err := ignore(dir, []string{procfile.LocalName})
	if err != nil {
		s.note("cannot add %s to .gitignore: %v", procfile.LocalName, err)
	} else if len(added) > 0 {
		fmt.Fprintf(s.stdout, "added to .gitignore: %s\n", procfile.LocalName)
	}
	return nil
}

// portfileIn is the path of the existing Portfile in dir, else of a new one.
func portfileIn(dir string) string {
	for _, name := range []string{"Portfile", "Portfile.toml"} {
		if path := filepath.Join(dir, name); taken(path) {
			return path
		}
	}
	return filepath.Join(dir, "Portfile")
}

// taken reports whether a path has a file, or a symlink that leads nowhere.
func taken(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// reportWritten prints the services of the new Portfile, and what to do next.
func (s session) reportWritten(path string, found scaffold.Project) error {
	if len(found.Services) == 0 {
		fmt.Fprintf(s.stdout, "found nothing to start: wrote %s with an example to replace\n", path)
		fmt.Fprintf(s.stdout, "searched for %s and others, here and in the directories below\n", strings.Join(scaffold.Looked, ", "))
	} else {
		fmt.Fprintf(s.stdout, "wrote %s:\n", path)
	}
	printFound(s.stdout, found)
	if added, err := ignore(filepath.Dir(path), found.Ignore); err != nil {
		s.note("cannot add %s to .gitignore: %v", strings.Join(found.Ignore, ", "), err)
	} else if len(added) > 0 {
		fmt.Fprintf(s.stdout, "added build output to .gitignore: %s\n", strings.Join(added, ", "))
	}
	up := "devports up"
	if filepath.Dir(path) != "." {
		up = "cd " + text.QuoteArg(filepath.Dir(path)) + " && " + up
	}
	fmt.Fprintln(s.stdout, "next:", up)
	return s.noteProblems(path)
}

// ignore adds missing patterns to the .gitignore of a directory in a git
// repository, and returns them.
func ignore(dir string, patterns []string) (added []string, err error) {
	if len(patterns) == 0 || !inRepository(dir) {
		return nil, nil
	}
	path := filepath.Join(dir, ".gitignore")
	options := atomicfile.Options{Mode: 0o666, Unlocked: true}
	if taken(path) {
		if path, err = filepath.EvalSymlinks(path); err != nil {
			return nil, err
		}
		options.Mode = 0 // it keeps its own
	}
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	lines := strings.Fields(string(text))
	if len(text) > 0 && text[len(text)-1] != '\n' {
		text = append(text, '\n')
	}
	for _, p := range patterns {
		if !slices.Contains(lines, p) {
			added, text = append(added, p), append(text, p+"\n"...)
		}
	}
	if len(added) == 0 {
		return nil, nil
	}
	return added, atomicfile.Write(path, text, options)
}

// inRepository reports whether a directory is in a git repository.
func inRepository(dir string) bool {
	dir, err := filepath.Abs(dir)
	for err == nil {
		if taken(filepath.Join(dir, ".git")) {
			return true
		}
		above := filepath.Dir(dir)
		if above == dir {
			break
		}
		dir = above
	}
	return false
}

// printFound lists the services that were found, and what was left out.
func printFound(w io.Writer, found scaffold.Project) {
	var t table
	for _, step := range found.Steps {
		t.add("  "+step.Name, step.Command, step.Lock)
	}
	for _, sv := range found.Services {
		t.add("  "+sv.Name, sv.Summary(), sv.Origin)
	}
	_ = t.write(w)
	if len(found.LeftOut) > 0 {
		fmt.Fprintln(w, "left out:")
	}
	for _, l := range found.LeftOut {
		fmt.Fprintf(w, "  %s: %s\n", text.OneLine(l.Name), text.OneLine(l.Reason))
	}
}

// noteProblems notes problems of the new Portfile, such as mistakes in env
// files.
func (s session) noteProblems(path string) error {
	p, err := project.Open(s.host(), registry.Registry{}, path, nil)
	if err == nil {
		_, err = p.Check()
	}
	var problems procfile.Problems
	if errors.As(err, &problems) {
		s.notes(problems)
		return nil
	}
	return err
}
