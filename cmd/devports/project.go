package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/devports/devports/allocator"
	"github.com/devports/devports/allocator/text"
	"github.com/devports/devports/cmd/devports/internal/project"
	"github.com/devports/devports/cmd/devports/internal/wording"
	"github.com/devports/devports/procfile"
	"github.com/devports/devports/registry"
)

// openProject reads the project file that the command line names, or that it
// finds from the working directory. If there is none, the error is
// *procfile.NotFoundError.
func (s session) openProject(c *cli.Context) (project.Project, error) {
	scale, _ := c.Generic("replicas").(replicas) // only up has it
	return s.projectAt(c.String("file"), c.String("registry"), scale)
}

// projectAt is openProject with the values of --file, --registry and
// --replicas; each may be empty.
func (s session) projectAt(path, registryPath string, scale map[string]int) (project.Project, error) {
	dir := ""
	if path == "" {
		dir, _ = os.Getwd()
	}
	return s.projectIn(dir, path, registryPath, scale)
}

// projectIn is projectAt for names that are typed in the directory dir; "": they
// are those of the project.
func (s session) projectIn(dir, path, registryPath string, scale map[string]int) (project.Project, error) {
	host := s.host()
	host.Dir = dir
	path, err := s.projectFile(path)
	if err != nil {
		return project.Project{}, err
	}
	r, err := s.registryAt(registryPath)
	if err != nil {
		return project.Project{}, err
	}
	return project.Open(host, r, path, scale)
}

// projectOf is projectAt for the options of a run.
func (s session) projectOf(o upOptions) (project.Project, error) {
	if o.Proposed == nil && o.Named {
		return s.projectIn("", o.File, o.Registry, o.Replicas)
	}
	if o.Proposed == nil {
		return s.projectAt(o.File, o.Registry, o.Replicas)
	}
	dir := o.Dir
	if dir == "" {
		wd, err := os.Getwd()
		if err != nil {
			return project.Project{}, err
		}
		dir = wd
	}
	r, err := s.registryAt(o.Registry)
	if err != nil {
		return project.Project{}, err
	}
	return project.OpenProposed(s.host(), r, dir, o.Proposed, o.Replicas)
}

// openWithoutRegistry is openProject for commands that lease no ports.
func (s session) openWithoutRegistry(c *cli.Context) (project.Project, error) {
	path, err := s.projectFile(c.String("file"))
	if err != nil {
		return project.Project{}, err
	}
	host := s.host()
	if c.String("file") == "" {
		host.Dir, _ = os.Getwd()
	}
	return project.Open(host, registry.Registry{}, path, nil)
}

// projectFile is the named project file, else the one found from the working
// directory.
func (s session) projectFile(named string) (string, error) {
	if named != "" {
		return named, nil
	}
	wd, err := os.Getwd()
	if err != nil {
		return "", err
	}
	return procfile.Find(wd, s.getenv)
}

// replicas is the value of -m: numbers of replicas by service.
type replicas map[string]int

// Set parses "web=3" or "web = 3, worker = 2".
func (r replicas) Set(text string) error {
	for part := range strings.SplitSeq(text, ",") {
		name, number, _ := strings.Cut(part, "=")
		name = strings.TrimSpace(name)
		n, err := strconv.Atoi(strings.TrimSpace(number))
		if err != nil || name == "" || n < 1 || n > procfile.MaxReplicas {
			return fmt.Errorf("expected SERVICE=NUMBER, with a number from 1 to %d", procfile.MaxReplicas)
		}
		r[name] = n
	}
	return nil
}

func (r replicas) String() string { return "" }

// host is the process and machine for projects.
func (s session) host() project.Host {
	return project.Host{Stdin: s.stdin, Environ: s.environ, Getenv: s.getenv, Choose: s.chooser, Note: s.note, Changed: s.noteChange, Listening: s.listening, Front: s.frontPort, Points: s.points, SharedHome: s.sharedHome, Containers: s.completeContainers}
}

func (s session) openRegistry(c *cli.Context) (registry.Registry, error) {
	return s.registryAt(c.String("registry"))
}

// registryAt is openRegistry with the value of --registry, which may be empty.
func (s session) registryAt(path string) (registry.Registry, error) {
	if path == "" {
		var err error
		if path, err = registry.Path(s.getenv); err != nil {
			return registry.Registry{}, err
		}
	}
	absolute, err := filepath.Abs(path)
	return registry.Open(absolute), err
}

// declares returns an error unless each name is that of a service of the file, or
// one of groups.
func declares(file procfile.File, names []string, groups ...string) error {
	f := failure{status: exitUsage}
	for _, name := range names {
		if _, ok := file.Service(name); !ok && !slices.Contains(groups, name) {
			f.lines = append(f.lines, undeclared(file, name, append(file.ServiceNames(), groups...)))
		}
	}
	if len(f.lines) > 0 {
		return f
	}
	return nil
}

// namedService returns the service that is the argument of a command; "" for
// none.
func namedService(p project.Project, c *cli.Context) (string, error) {
	if c.NArg() == 0 {
		return "", nil
	}
	name := p.ResolveNames(c.Args().First())[0]
	return name, declares(p.File, []string{name})
}

// undeclared is the error that name is none of the candidates.
func undeclared(file procfile.File, name string, candidates []string) errorLine {
	hint := "available services: " + wording.List(candidates)
	if len(candidates) == 0 {
		hint = "none of its services has a port"
	}
	if near, ok := text.Nearest(name, candidates); ok {
		hint = "did you mean " + near + "?"
	} else if _, err := allocator.ParsePort(name); err == nil {
		hint = "to pin a port, set port = " + name + " in the table of the service; " + hint
	} else if strings.Contains(strings.ToLower(filepath.Base(name)), "file") && isRegular(name) {
		hint = "devports up -f " + text.QuoteArg(name)
	}
	return errorLine{file.Name + " has no service " + name, hint}
}

// isRegular reports whether a path is a regular file.
func isRegular(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
