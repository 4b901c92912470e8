package main

import (
	"cmp"
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
	usage: "write a Portfile from what is in the folder",
	args:  "[FOLDER]",
	help: `
Looks for what the folder can start, and writes a Portfile of it, with comments:
from Procfile.dev or Procfile; else from package.json and its workspaces, Go and
Rust programs, Django, Flask, FastAPI, Rails, Rack and others, here and in the
folders below. The services of a compose file come to it. Nothing is started.

It says what it has found, and what it has left out and why. A dev server that
ignores PORT is told its port with a flag. Go and Rust programs are built, so that
the old one serves while the next is compiled; where git does not ignore what is
built, a line in .gitignore has it do so. A Portfile that is there already is
left alone.

Example:
  devports init
  devports init --stdout
  devports init --force backend`,
	flags: []cli.Flag{
		boolean("stdout", "", "print the Portfile instead of writing it"),
		boolean("force", "", "overwrite the Portfile that is there"),
	},
	run: func(s session, c *cli.Context) error {
		dir := filepath.Clean(c.Args().First()) // "." where none is named
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			return usage("", "there is no folder %s", dir)
		}
		found := scaffold.Detect(os.DirFS(dir))
		if c.Bool("stdout") {
			tellFound(s.stderr, found)
			_, err := s.stdout.Write(found.Portfile())
			return err
		}
		path := portfileIn(dir)
		if exists(path) && !c.Bool("force") {
			return fail(exitFailed, "devports init --stdout prints what it would write, devports init --force overwrites it",
				"%s is here already: nothing was changed", path)
		}
		if err := atomicfile.Write(path, found.Portfile(), atomicfile.Options{Mode: 0o666, Unlocked: true}); err != nil {
			return fail(exitFailed, "devports init --stdout prints it instead", "%s cannot be written: %v", path, err)
		}
		return s.tellWritten(path, found)
	},
}

// portfileIn is the Portfile in dir: the one that is read there, or is to be.
func portfileIn(dir string) string {
	for _, name := range []string{"Portfile", "Portfile.toml"} {
		path := filepath.Join(dir, name)
		if _, err := os.Lstat(path); err == nil {
			return path
		}
	}
	return filepath.Join(dir, "Portfile")
}

// tellWritten says what stands in the Portfile, and what to do next.
func (s session) tellWritten(path string, found scaffold.Project) error {
	if len(found.Services) == 0 {
		fmt.Fprintf(s.stdout, "%s written, with an example to replace: nothing was found to start.\n", path)
		fmt.Fprintf(s.stdout, "Looked for %s and others, here and in the folders below.\n", strings.Join(scaffold.Looked, ", "))
	} else {
		fmt.Fprintf(s.stdout, "%s written:\n", path)
	}
	tellFound(s.stdout, found)
	if added, err := ignore(filepath.Dir(path), found.Ignore); err != nil {
		s.note("let git ignore what is built, %s: %v", strings.Join(found.Ignore, ", "), err)
	} else if len(added) > 0 {
		fmt.Fprintf(s.stdout, "Added to .gitignore, for what is built: %s\n", strings.Join(added, ", "))
	}
	up := "devports up"
	if filepath.Dir(path) != "." {
		up = "cd " + text.QuoteSh(filepath.Dir(path)) + " && " + up
	}
	fmt.Fprintln(s.stdout, "Next:", up)
	return s.noteTroubles(path)
}

// ignore adds patterns to the .gitignore of a folder in a git repository, those
// that it has not, and returns them.
func ignore(dir string, patterns []string) (added []string, err error) {
	if len(patterns) == 0 || !inRepository(dir) {
		return nil, nil
	}
	path := filepath.Join(dir, ".gitignore")
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
	return added, atomicfile.Write(path, text, atomicfile.Options{Mode: 0o666, Unlocked: true})
}

// inRepository reports whether a folder is in a git repository.
func inRepository(dir string) bool {
	dir, err := filepath.Abs(dir)
	for err == nil {
		if _, err := os.Lstat(filepath.Join(dir, ".git")); err == nil {
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

// tellFound lists what was found, and what of it was left out.
func tellFound(w io.Writer, found scaffold.Project) {
	var t table
	for _, sv := range found.Services {
		t.add("  "+sv.Name, cmp.Or(sv.Build, sv.Command), sv.Origin)
	}
	_ = t.write(w)
	if len(found.LeftOut) > 0 {
		fmt.Fprintln(w, "Left out:")
	}
	for _, l := range found.LeftOut {
		fmt.Fprintf(w, "  %s: %s\n", text.OneLine(l.Name), text.OneLine(l.Reason))
	}
}

// noteTroubles notes what stands in the way of the new Portfile although it is
// valid: env files with mistakes.
func (s session) noteTroubles(path string) error {
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
