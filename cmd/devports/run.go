package main

import (
	"errors"
	"fmt"
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

// The exit statuses of `run` if the command did not run, as those of env, nice
// and nohup (POSIX.1-2024, XCU).
const (
	exitRunFailed     = 125
	exitNotExecutable = 126
	exitNotFound      = 127
)

var runCommand = command{
	name:  "run",
	usage: "run a command with the environment of a service",
	args:  "-- COMMAND [ARG…]",
	help: `
Runs COMMAND with the environment of a service. PORT is the port of SERVICE,
else of the service whose dir contains the working directory, else of a name
derived from the working directory. Outside of projects the directory keeps that
port as long as it exists, in a project until devports prune. devports replaces
itself with the command: signals, terminal and exit status are the command's.

With --up, devports first starts SERVICE and its dependencies, or without -s the
whole project, unless they are running, and runs the command once all are ready.
Signals are passed on to the command. The exit status is the command's, or 125
if the services failed to start. Then devports stops the services that it
started; if several such commands share services, the last one stops them.
--fresh also restarts services that are already running, including finished work
such as migrations, so that the command finds every service freshly started.

With --wait, devports first waits until a devports up of this checkout has made
SERVICE ready, and SERVICE listens on its port; it starts nothing. The exit
status is 125 if that takes longer than --timeout or SERVICE fails, and 4 if
another process listens on its port, so that tests never use the server of
another checkout.

Example:
  devports run -- go test ./...
  devports run -s auth -- sh -c 'curl localhost:$PORT/healthz'
  devports run -c 'psql "$DATABASE_URL"'
  devports run -s web --in-dir -- npm install
  devports run --up --fresh -- npm test
  devports run --wait web,api -- npm test`,
	flags: []cli.Flag{
		&cli.StringFlag{Name: "service", Aliases: []string{"s"}, Usage: "use PORT and the environment of `SERVICE`"},
		&cli.StringFlag{Name: "command", Aliases: []string{"c"}, Usage: "run `TEXT` in the shell, like the commands of services"},
		&cli.BoolFlag{Name: "in-dir", Usage: "run in the service's dir"},
		&cli.BoolFlag{Name: "up", Usage: "start services that are not running, and stop them afterwards"},
		&cli.StringSliceFlag{Name: "wait", Usage: "wait until `SERVICE` of this checkout answers; several: --wait web,api"},
		&cli.BoolFlag{Name: "fresh", Usage: "with --up, restart services that are running"},
		&cli.DurationFlag{Name: "timeout", Value: time.Minute, Usage: "with --up or --wait, wait at most `TIME`", DefaultText: "1m"},
		noPinsFlag, fileFlag, registryFlag,
	},
	completes: commandLine,
	verbatim:  true,
	run: func(s session, c *cli.Context) error {
		switch {
		case c.Bool("fresh") && !c.Bool("up"):
			return fail(exitRunFailed, runLine(c, "--up --fresh ")+" COMMAND", "--fresh requires --up")
		case c.Bool("up") && c.IsSet("wait"):
			return fail(exitRunFailed, runLine(c, "--up ")+" COMMAND", "--up waits by itself: --wait cannot be used with it")
		case c.Bool("up"):
			return s.runUp(c)
		case c.IsSet("wait"):
			if err := s.awaitServices(c); err != nil {
				return err
			}
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

// runLine is a command line with the options, which end in a blank, up to where
// the command follows, for hints: of exec, with the service that the user typed.
func runLine(c *cli.Context, options string) string {
	if c.Command.Name == "exec" {
		return "devports exec " + options + text.QuoteArg(c.String("service")) + " --"
	}
	return "devports run " + options + "--"
}

// program is a program for `run`, with its environment.
type program struct {
	line      string // the command line of devports before the program
	path      string
	argv, env []string
	dir       string               // "" is the working directory
	attr      *syscall.SysProcAttr // the command line on Windows; else nil
}

// program returns the program that the command line names. Its errors have the
// exit statuses of run.
func (s session) program(c *cli.Context) (p program, err error) {
	argv := c.Args().Slice()
	if len(argv) > 0 && argv[0] == "--" {
		argv = argv[1:]
	}
	switch {
	case c.IsSet("command") && len(argv) > 0:
		hint := strings.TrimSuffix(runLine(c, "-c "+text.QuoteArg(c.String("command"))+" "), " --")
		return p, fail(exitRunFailed, hint, "-c takes the whole command as one argument, not also %s", strings.Join(quoted(argv), " "))
	case len(argv) == 0 && !c.IsSet("command"):
		return p, fail(exitRunFailed, runLine(c, "")+" go test ./...", "%s requires a command", c.Command.Name)
	}
	p.line, p.argv = runLine(c, ""), argv
	service, err := s.service(c)
	if err != nil {
		return p, s.runFailed(err)
	}
	if c.IsSet("command") {
		p.argv, p.attr = system.ShellCommand(c.String("command"), service.Env)
	}
	p.env = service.Env.List()
	if c.Bool("in-dir") {
		p.dir = service.Dir
	}
	p.path, err = system.LookPath(p.argv[0], p.dir, p.env)
	if err = p.notRun(err); err != nil && len(argv) > 0 {
		err = s.meantService(c, argv[0], err)
	}
	return p, err
}

// meantService adds a hint to the error that there is no program, where a
// service has its name: foreman and its relatives would run its command.
func (s session) meantService(c *cli.Context, name string, err error) error {
	var f failure
	if !errors.As(err, &f) || f.status != exitNotFound {
		return err
	}
	p, unread := s.openProject(c)
	service, declared := p.File.Service(p.ResolveNames(name)[0])
	if unread != nil || !declared {
		return err
	}
	command := service.Command.Shell
	if command == "" {
		command = "COMMAND"
	}
	f.lines[0].hint = fmt.Sprintf("%s is a service: to start it, devports up %[1]s; to run its command alone, devports run -s %[1]s -c %s", name, text.QuoteArg(command))
	return f
}

// runFailed gives err the exit status of devports' own failures, as the command
// may use the others.
func (s session) runFailed(err error) error {
	f := s.describe(err)
	f.status = exitRunFailed
	return f
}

// notRun describes why a command did not run. The command's own exit status is
// a failure without a message.
func (p program) notRun(err error) error {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return nil
	case p.argv[0] == "":
		return fail(exitNotFound, p.line+" go test ./...", "the command is empty")
	case errors.As(err, &exit):
		return failure{status: statusOf(exit)}
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, fs.ErrNotExist):
		hint := ""
		if here := filepath.Join(p.dir, p.argv[0]); exists(here) && filepath.Base(p.argv[0]) == p.argv[0] {
			hint = "to run the file of that name here: " + p.line + " " + text.QuoteArg("."+string(filepath.Separator)+p.argv[0])
		}
		return fail(exitNotFound, hint, "%s: command not found", p.argv[0])
	}
	hint := ""
	if info, unknown := os.Stat(p.argv[0]); unknown == nil && info.Mode().IsRegular() && info.Mode()&0o111 == 0 && errors.Is(err, fs.ErrPermission) {
		hint = "make it executable: chmod +x " + text.QuoteSh(p.argv[0])
	}
	return fail(exitNotExecutable, hint, "cannot run %s: %v", p.argv[0], err)
}

// service returns the service that the command line names, or that belongs to
// the working directory, with its environment.
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
		return s.directoryService(c, wd)
	}
	if err != nil && !none {
		return procfile.Process{}, err
	}
	p = s.withPins(p, c)
	if name == "" {
		name = serviceAt(p.File, wd)
	} else if name = p.ResolveNames(name)[0]; declares(p.File, []string{name}) != nil {
		return procfile.Process{}, declares(p.File, []string{name})
	}
	if name == "" && c.Bool("in-dir") {
		return procfile.Process{}, usage("devports run -s SERVICE --in-dir -- COMMAND", "--in-dir requires a service")
	}
	if name == "" {
		p.File, name = p.File.AddService(nameOf(wd))
	}
	plan, err := p.Resolve(c.Context)
	service, _ := plan.Service(name)
	return service, err
}

// nameOf derives a name from a directory: characters that names cannot have
// become "-".
func nameOf(dir string) string {
	name := strings.Map(func(r rune) rune {
		if r == '=' || r == ':' || r == utf8.RuneError || unicode.IsControl(r) {
			return '-'
		}
		return r
	}, filepath.Base(dir))
	return strings.TrimSpace(name)
}

// directoryService is a service for a directory outside of projects, which has
// a port of its own under its name. A renamed directory keeps that port.
func (s session) directoryService(c *cli.Context, dir string) (procfile.Process, error) {
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

// serviceAt is the service whose dir contains wd, the innermost if there are
// several; "" if there is none.
func serviceAt(f procfile.File, wd string) string {
	name, depth := "", 0
	for _, n := range f.ServiceNames() {
		sv, _ := f.Service(n)
		if sv.Step {
			continue
		}
		dir, own := f.DirOf(sv)
		if !own || strings.Contains(sv.Dir.Value, "$") {
			continue
		}
		if (wd == dir || strings.HasPrefix(wd, dir+string(filepath.Separator))) && len(dir) > depth {
			name, depth = n, len(dir)
		}
	}
	return name
}
