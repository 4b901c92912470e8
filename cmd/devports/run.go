package main

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/urfave/cli/v2"

	"github.com/devports/devports/allocator/text"
	"github.com/devports/devports/cmd/devports/internal/project"
	"github.com/devports/devports/launcher/system"
	"github.com/devports/devports/procfile"
	"github.com/devports/devports/registry"
	"github.com/devports/devports/registry/checkout"
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

With --up, what does not run of SERVICE and the services that it depends on, or
without -s of the whole project, is started first, and the command runs once all
of them are ready. Ctrl-C and other signals reach it, and its exit status is that
of devports, or 125 where the services could not be started. In the end devports
stops what it has started: services, or the whole run if there was none. Several
such commands share what runs, and the last one stops it. --fresh restarts what
runs already, work such as migrations included, so that the command finds every
service as after its start.

Example:
  devports run -- go test ./...
  devports run -s auth -- sh -c 'curl localhost:$PORT/healthz'
  devports run -c 'psql "$DATABASE_URL"'
  devports run -s web --in-dir -- npm install
  devports run --up --fresh -- npm test`,
	flags: []cli.Flag{
		&cli.StringFlag{Name: "service", Aliases: []string{"s"}, Usage: "take PORT and the environment of `SERVICE`"},
		&cli.StringFlag{Name: "command", Aliases: []string{"c"}, Usage: "run `TEXT` in the shell that runs the commands of services"},
		boolean("in-dir", "", "run in the service's dir"),
		boolean("up", "", "start the services that do not run, and stop them afterwards"),
		boolean("fresh", "", "with --up, restart the services that run"),
		&cli.DurationFlag{Name: "timeout", Value: time.Minute, Usage: "with --up, wait at most for `TIME`", DefaultText: "1m"},
		noPinsFlag, fileFlag, registryFlag,
	},
	completes: commandLine,
	verbatim:  true,
	run: func(s session, c *cli.Context) error {
		switch {
		case c.Bool("fresh") && !c.Bool("up"):
			return fail(exitRunFailed, "devports run --up --fresh -- COMMAND", "--fresh needs --up")
		case c.Bool("up"):
			return s.runUp(c)
		}
		p, err := s.program(c)
		if err != nil {
			return err
		}
		if p.dir != "" {
			err = os.Chdir(p.dir)
		}
		if err == nil {
			err = p.replace()
		}
		return p.notRun(err)
	},
}

// program is what `run` runs. It has its environment from devports.
type program struct {
	path      string
	argv, env []string
	dir       string               // "" is the working directory
	attr      *syscall.SysProcAttr // nil, or how Windows is to start it
}

// program is the one that the command line names. The statuses of its errors are
// those of run.
func (s session) program(c *cli.Context) (p program, err error) {
	argv := c.Args().Slice()
	if len(argv) > 0 && argv[0] == "--" {
		argv = argv[1:]
	}
	switch {
	case c.IsSet("command") && len(argv) > 0:
		return p, fail(exitRunFailed, "devports run -c "+text.QuoteSh(c.String("command")), "-c takes the whole command, and no arguments after it: %s", strings.Join(quoted(argv), " "))
	case c.IsSet("command"):
		p.argv, p.attr = system.ShellCommand(c.String("command"))
	case len(argv) == 0:
		return p, fail(exitRunFailed, "devports run -- go test ./...", "run needs a command")
	default:
		p.argv = argv
	}
	service, err := s.service(c)
	if err != nil {
		return p, s.runFailed(err)
	}
	p.env = service.Env.List()
	if c.Bool("in-dir") {
		p.dir = service.Dir
	}
	p.path, err = system.LookPath(p.argv[0], p.dir, p.env)
	return p, p.notRun(err)
}

// runFailed gives err the status of devports' own failures: others may be the
// command's own.
func (s session) runFailed(err error) error {
	f := s.explain(err)
	f.status = exitRunFailed
	return f
}

// notRun words why a command did not run; its own exit status needs no words.
func (p program) notRun(err error) error {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return nil
	case p.argv[0] == "":
		return fail(exitNotFound, "devports run -- go test ./...", "the command is empty")
	case errors.As(err, &exit):
		return failure{status: statusOf(exit)}
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, fs.ErrNotExist):
		return fail(exitNotFound, "", "%s: command not found", p.argv[0])
	}
	return fail(exitNotExecutable, "", "%s cannot be run: %v", p.argv[0], err)
}

// service is the one that the command line or the working directory names, with
// the environment of section 4 of the design.
func (s session) service(c *cli.Context) (procfile.Process, error) {
	wd, err := os.Getwd()
	if err != nil {
		return procfile.Process{}, err
	}
	name := c.String("service")
	p, err := s.openProject(c)
	var missing *procfile.NotFoundError
	none := errors.As(err, &missing) && name == ""
	if none {
		s.noteForeign(missing)
	}
	if none && !c.Bool("in-dir") {
		return s.folderService(c, wd)
	}
	if err != nil && !none {
		return procfile.Process{}, err
	}
	p = s.withPins(p, c)
	if name == "" {
		name = serviceAt(p.File, wd)
	} else if err := declares(p.File, []string{name}); err != nil {
		return procfile.Process{}, err
	}
	if name == "" && c.Bool("in-dir") {
		return procfile.Process{}, usage("devports run -s SERVICE --in-dir -- COMMAND", "--in-dir needs a service")
	}
	if name == "" {
		p.File, name = p.File.AddService(nameOf(wd))
	}
	plan, err := p.Resolve(c.Context)
	service, _ := plan.Service(name)
	return service, err
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

// folderService stands for a service where there is no project: the folder keeps a
// port of its own, which has its name. A folder that has been renamed keeps that,
// too.
func (s session) folderService(c *cli.Context, dir string) (procfile.Process, error) {
	r, err := s.openRegistry(c)
	if err != nil {
		return procfile.Process{}, err
	}
	p := project.None(s.host(), r, dir)
	if p.Checkout, err = checkout.Find(dir, "", s.getenv); err != nil {
		return procfile.Process{}, err
	}
	scope, leases, err := r.SeenFrom(p.Checkout)
	if err != nil {
		return procfile.Process{}, err
	}
	name := nameOf(dir)
	own := slices.DeleteFunc(leases, func(l registry.Lease) bool { return l.Scope != scope })
	if len(own) == 1 {
		name = own[0].Name.Service
	}
	p.File, name = p.File.AddService(name)
	plan, err := p.Resolve(c.Context)
	service, _ := plan.Service(name)
	return service, err
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
