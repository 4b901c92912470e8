package main

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/devports/devports/launcher/system"

	"github.com/urfave/cli/v2"

	"github.com/devports/devports/cmd/devports/internal/project"
	"github.com/devports/devports/procfile"
	"github.com/devports/devports/registry"
)

// The exit statuses of `run` when there is no command's to pass on, as those of
// env, nice and nohup (POSIX.1-2024, XCU).
const (
	exitRunFailed     = 125
	exitNotExecutable = 126
	exitNotFound      = 127
)

var runCommand = command{
	name:  "run",
	usage: "run one command with the variables of a service",
	args:  "-- COMMAND [ARG…]",
	help: `
Runs COMMAND with the environment of a service. PORT is that of SERVICE, else of
the service whose dir holds the working directory, else of a name made from the
working directory's. Outside projects that port is the folder's for as long as
the folder is there, in a project until devports prune. devports replaces itself
with the command: signals, terminal and exit status are the command's own.

Example:
  devports run -- go test ./...
  devports run -s auth -- sh -c 'curl localhost:$PORT/healthz'`,
	flags: []cli.Flag{
		&cli.StringFlag{Name: "service", Aliases: []string{"s"}, Usage: "take PORT and the environment of `SERVICE`"},
		fileFlag, registryFlag,
	},
	completes: commandLine,
	verbatim:  true,
	run: func(s session, c *cli.Context) error {
		argv := c.Args().Slice()
		if len(argv) > 0 && argv[0] == "--" {
			argv = argv[1:]
		}
		if len(argv) == 0 {
			return fail(exitRunFailed, "devports run -- go test ./...", "run needs a command")
		}
		env, err := s.environment(c)
		if err != nil {
			f := s.explain(err)
			f.status = exitRunFailed // the others may be the command's own
			return f
		}
		path, err := system.LookPath(argv[0], "", env)
		if err == nil {
			err = replace(path, argv, env)
		}
		return notRun(argv[0], err)
	},
}

// notRun words why a command did not run; its own exit status needs no words.
func notRun(name string, err error) error {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return nil
	case name == "":
		return fail(exitNotFound, "devports run -- go test ./...", "the command is empty")
	case errors.As(err, &exit):
		return failure{status: exit.ExitCode()}
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, fs.ErrNotExist):
		return fail(exitNotFound, "", "%s: command not found", name)
	}
	return fail(exitNotExecutable, "", "%s cannot be run: %v", name, err)
}

// environment is that of section 4 of the design for the service that the
// command line or the working directory names.
func (s session) environment(c *cli.Context) ([]string, error) {
	wd, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	name := c.String("service")
	p, err := s.openProject(c)
	var missing *procfile.NotFoundError
	if errors.As(err, &missing) && name == "" {
		s.noteForeign(missing)
		return s.folderEnvironment(c, wd)
	}
	if err != nil {
		return nil, err
	}
	if name == "" {
		name = serviceAt(p.File, wd)
	} else if err := declares(p.File, []string{name}); err != nil {
		return nil, err
	}
	if name == "" {
		p.File, name = p.File.Plus(nameOf(wd))
	}
	plan, err := p.Resolve(c.Context)
	service, _ := plan.Service(name)
	return service.Env.List(), err
}

// nameOf makes a name of a directory's: what a name cannot hold becomes "-".
func nameOf(dir string) string {
	name := strings.Map(func(r rune) rune {
		if r == '=' || r == ':' || r == utf8.RuneError || unicode.IsControl(r) {
			return '-'
		}
		return r
	}, filepath.Base(dir))
	return strings.TrimSpace(name)
}

// folderEnvironment is the environment where there is no project: the folder
// keeps a port of its own, which has its name. A folder that has been renamed
// keeps that, too.
func (s session) folderEnvironment(c *cli.Context, dir string) ([]string, error) {
	r, err := s.openRegistry(c)
	if err != nil {
		return nil, err
	}
	p, err := project.None(s.host(), r, dir)
	if err != nil {
		return nil, err
	}
	scope, leases, err := r.SeenFrom(p.Checkout)
	if err != nil {
		return nil, err
	}
	name := nameOf(dir)
	own := slices.DeleteFunc(leases, func(l registry.Lease) bool { return l.Scope != scope })
	if len(own) == 1 {
		name = own[0].Name.Service
	}
	p.File, name = p.File.Plus(name)
	plan, err := p.Resolve(c.Context)
	service, _ := plan.Service(name)
	return service.Env.List(), err
}

// serviceAt is the service whose dir holds the directory wd, the innermost if
// there are several; "" if there is none.
func serviceAt(f procfile.File, wd string) string {
	name, depth := "", 0
	for _, n := range f.ServiceNames() {
		sv, _ := f.Service(n)
		dir := filepath.Join(f.Dir, sv.Dir.Value)
		if dir == f.Dir || strings.Contains(sv.Dir.Value, "$") {
			continue
		}
		if (wd == dir || strings.HasPrefix(wd, dir+string(filepath.Separator))) && len(dir) > depth {
			name, depth = n, len(dir)
		}
	}
	return name
}
