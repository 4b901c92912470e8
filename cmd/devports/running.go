package main

import (
	"cmp"
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/devports/devports/allocator/envvar"
	"github.com/devports/devports/allocator/text"
	"github.com/devports/devports/launcher/control"
	"github.com/devports/devports/procfile"
	"github.com/devports/devports/registry"
)

// Options that select the run a command acts on.
var (
	dirFlag      = &cli.StringFlag{Name: "dir", Usage: "use the project running in directory `PATH`, even if that no longer exists"}
	checkoutFlag = &cli.StringFlag{Name: "checkout", Usage: "use the running project `PROJECT[/LABEL]`, as listed by ps --all"}
	runFlags     = []cli.Flag{dirFlag, checkoutFlag, registryFlag}
)

// running finds the `up` that the command line selects, or the one of the
// working directory. It needs no readable Portfile: a run knows its own
// services. It is an error if there is no run, or only one whose directory was
// replaced by another.
func (s session) running(c *cli.Context) (control.Instance, registry.Scope, error) {
	i, scope, err := s.runningOrReplaced(c)
	if err == nil && i.Replaced() {
		err = fail(exitRunning, "devports up stops it and starts this one, devports down stops it",
			"%s is not running: the run with pid %d belongs to another directory that used to be at %s", scope, i.Note.PID, i.Note.Directory)
	}
	return i, scope, err
}

// runningOrReplaced is like running, but also returns a run whose directory was
// replaced by another.
func (s session) runningOrReplaced(c *cli.Context) (control.Instance, registry.Scope, error) {
	var named []string
	for _, option := range []string{"dir", "checkout", "file"} {
		if c.String(option) != "" {
			named = append(named, option)
		}
	}
	if len(named) > 1 {
		return control.Instance{}, registry.Scope{}, usage("", "--%s and --%s cannot be used together", named[0], named[1])
	}
	runs, err := s.runs()
	if err != nil {
		return control.Instance{}, registry.Scope{}, err
	}
	live := slices.DeleteFunc(runs.Instances(), func(i control.Instance) bool { return !i.Runs() })
	switch {
	case c.String("checkout") != "":
		return runOfCheckout(c.Context, live, c.String("checkout"))
	case c.String("file") != "":
		i, scope, err := s.runOfFile(c, c.String("file"))
		if errors.As(err, new(failure)) || c.String("file") == "-" {
			return i, scope, err
		}
		if i, ok := s.runOfDirectory(runs, live, filepath.Dir(c.String("file"))); ok {
			return i, scopeOf(c.Context, i), nil
		}
		return i, scope, err
	}
	dir := c.String("dir")
	if dir == "" {
		if dir, err = os.Getwd(); err != nil {
			dir = s.getenv("PWD") // the directory is gone
		}
	}
	if runtime.GOOS == "windows" {
		dir = strings.TrimSuffix(dir, `"`) // of --dir "C:\my shop\", in which \" is a quote
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return control.Instance{}, registry.Scope{}, err
	}
	return s.runAround(c, runs, live, dir)
}

// runAround finds the run of a directory, or of the nearest directory above it that
// has a run or a Portfile.
func (s session) runAround(c *cli.Context, runs control.Runs, live []control.Instance, dir string) (control.Instance, registry.Scope, error) {
	path, err := procfile.Find(dir, s.getenv)
	var missing *procfile.NotFoundError
	if err != nil && !errors.As(err, &missing) {
		return control.Instance{}, registry.Scope{}, err
	}
	for directory := dir; ; directory = filepath.Dir(directory) {
		if err == nil && directory == filepath.Dir(path) {
			i, scope, err := s.runOfFile(c, path)
			if err == nil || errors.As(err, new(failure)) {
				return i, scope, err
			}
		}
		if i, ok := s.runOfDirectory(runs, live, directory); ok {
			return i, scopeOf(c.Context, i), nil
		}
		if err == nil && directory == filepath.Dir(path) || missing != nil && directory == missing.Looked[len(missing.Looked)-1] {
			break
		}
	}
	return control.Instance{}, registry.Scope{}, fail(exitRunning,
		"devports ps --all lists all runs, devports ps --dir PATH shows one", "nothing is running in %s", dir)
}

// runOfFile finds the run of a project file. The error is a failure if the file
// is valid and has no run.
func (s session) runOfFile(c *cli.Context, path string) (control.Instance, registry.Scope, error) {
	p, err := s.projectAt(path, c.String("registry"), nil)
	if err != nil {
		return control.Instance{}, registry.Scope{}, err
	}
	scope, err := p.Scope()
	if err != nil {
		return control.Instance{}, scope, err
	}
	i, ok, err := s.runningIn(scope)
	if err != nil {
		return i, scope, err
	}
	if !ok {
		return i, scope, notRunning(scope)
	}
	return i, scope, nil
}

// runOfDirectory finds the run of a directory, which may no longer exist. If there
// are several, which DEVPORTS_WORKTREE distinguishes, it returns the one with
// the label that is set here.
func (s session) runOfDirectory(runs control.Runs, live []control.Instance, directory string) (control.Instance, bool) {
	directory = resolved(directory)
	live = slices.DeleteFunc(slices.Clone(live), func(i control.Instance) bool { return i.Note.Shared })
	var here []control.Instance
	for _, i := range live {
		if i.IsIn(directory) {
			here = append(here, i)
		}
	}
	if len(here) == 0 { // runs of another directory that was here
		for _, i := range live {
			if i.Note.Directory == directory {
				here = append(here, i)
			}
		}
	}
	label := s.getenv(envvar.Worktree)
	for _, i := range here {
		if i.Lock() == runs.Slot(directory, label).Lock() || i.Note.Directory != directory && i.Note.Worktree == label {
			return i, true
		}
	}
	if len(here) != 1 || label != "" && !envvar.LabelInherited(s.getenv) { // the user has set the label
		return control.Instance{}, false
	}
	return here[0], true
}

// resolved makes a path absolute, and follows the symlinks of the part that
// exists.
func resolved(path string) string {
	path, _ = filepath.Abs(path)
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	if up := filepath.Dir(path); up != path {
		return filepath.Join(resolved(up), filepath.Base(path))
	}
	return path
}

// runOfCheckout finds the run of PROJECT or PROJECT/LABEL.
func runOfCheckout(ctx context.Context, live []control.Instance, name string) (control.Instance, registry.Scope, error) {
	var names []string
	for _, a := range control.QueryAll(ctx, live) {
		scope := scopeOfNote(a.Note)
		if a.Responded() {
			scope = scopeOfInfo(a.Info)
		}
		known := address(scope)
		if known == name {
			return a.Instance, scope, nil
		}
		names = append(names, known)
	}
	hint := "devports ps --all lists all runs"
	if near, ok := text.Nearest(name, names); ok {
		hint = "did you mean --checkout " + text.QuoteArg(near) + "?"
	}
	return control.Instance{}, registry.Scope{}, fail(exitRunning, hint, "%s is not running", name)
}

// scopeOf is the scope in the note of a run. A run of an older version is asked
// for it.
func scopeOf(ctx context.Context, i control.Instance) registry.Scope {
	if i.Note.Project != "" {
		return scopeOfNote(i.Note)
	}
	a := i.Query(ctx)
	if !a.Responded() {
		return scopeOfNote(i.Note)
	}
	return scopeOfInfo(a.Info)
}

// scopeOfNote is the scope in a note. For a run of an older version it is
// derived from the directory.
func scopeOfNote(n control.Note) registry.Scope {
	return registry.Scope{Directory: n.Directory, Project: cmp.Or(n.Project, filepath.Base(n.Directory)), Worktree: n.Worktree}
}

func scopeOfInfo(info control.Info) registry.Scope {
	return registry.Scope{Directory: info.Directory, Project: info.Project, Worktree: info.Worktree}
}

func notRunning(scope registry.Scope) error {
	return fail(exitRunning, "to start it: devports up", "%s is not running", scope)
}
