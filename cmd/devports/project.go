package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/devports/devports/allocator"
	"github.com/devports/devports/allocator/envvar"
	"github.com/devports/devports/allocator/text"
	"github.com/devports/devports/procfile"
	"github.com/devports/devports/registry"
	"github.com/devports/devports/registry/checkout"
)

// project is a project file with the checkout that it lies in and the registry
// that keeps its ports.
type project struct {
	session  session
	file     procfile.File
	checkout checkout.Checkout
	registry registry.Registry
	scale    map[string]int // how many replicas of services, where the file is not to say that
}

// openProject reads the project file that the command line names or that is
// found from the working directory. Without one the error is
// *procfile.NotFoundError.
func (s session) openProject(c *cli.Context) (project, error) {
	scale, _ := c.Generic("replicas").(replicas) // of up alone
	return s.projectAt(c.String("file"), c.String("registry"), scale)
}

// projectAt is openProject with the values of --file, --registry and --replicas;
// each may be empty.
func (s session) projectAt(path, registryPath string, scale map[string]int) (project, error) {
	if path == "" {
		wd, err := os.Getwd()
		if err != nil {
			return project{}, err
		}
		if path, err = procfile.Find(wd); err != nil {
			return project{}, err
		}
	}
	r, err := s.registryAt(registryPath)
	if err != nil {
		return project{}, err
	}
	return project{session: s, registry: r, scale: scale}.read(path)
}

// replicas is the value of -m: how many replicas of which services.
type replicas map[string]int

// Set takes "web=3", or "web=3,worker=2".
func (r replicas) Set(text string) error {
	for part := range strings.SplitSeq(text, ",") {
		name, number, _ := strings.Cut(part, "=")
		n, err := strconv.Atoi(number)
		if err != nil || name == "" || n < 1 || n > procfile.MaxReplicas {
			return fmt.Errorf("want SERVICE=NUMBER, from 1 to %d", procfile.MaxReplicas)
		}
		r[name] = n
	}
	return nil
}

func (r replicas) String() string { return "" }

// read returns the project with the file at path.
func (p project) read(path string) (project, error) {
	var err error
	if p.file, err = procfile.Read(path, p.session.stdin); err != nil {
		if info, e := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return p, fail(exitInvalid, "", "there is no file %s", path)
		} else if e == nil && info.IsDir() {
			return p, fail(exitInvalid, "name the file in it", "%s is a directory", path)
		}
		return p, p.file.Problems(p.context(leased{}), err)
	}
	if p.file, err = p.file.Scaled(p.scale); err != nil {
		return p, err
	}
	p.checkout, err = checkout.Find(p.file.Dir, p.file.Project, p.session.getenv)
	return p, err
}

// reread returns the project with its file as it is now.
func (p project) reread() (project, error) { return p.read(p.file.Path) }

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

// leased are the ports of a project.
type leased struct {
	scope  registry.Scope
	leases []registry.Lease
	ports  map[allocator.PortName]int
}

// lease has every port that the file asks for leased, in one update. move says
// which leases are to move to another port; nil moves none.
func (p project) lease(ctx context.Context, move func(registry.Lease) bool) (leased, error) {
	var wants []registry.Want
	for _, w := range p.file.Ports() {
		wants = append(wants, registry.Want{Name: w.Name, Pin: w.Pin})
	}
	scope, leases, err := p.registry.Lease(ctx, p.checkout, wants, registry.Options{
		Choose: p.session.chooser(p.file.Range),
		Move:   move,
	})
	if err != nil {
		return leased{}, err
	}
	ports := make(map[allocator.PortName]int, len(leases))
	for _, l := range leases {
		ports[l.Name] = l.Port
	}
	return leased{scope, leases, ports}, nil
}

// plan resolves the file with these ports.
func (p project) plan(l leased) (procfile.Plan, error) {
	return p.file.Resolve(p.context(l))
}

// check resolves the file without ports, for its problems alone.
func (p project) check() (procfile.Plan, error) {
	return p.file.Resolve(p.context(leased{}))
}

func (p project) context(l leased) procfile.Context {
	return procfile.Context{
		Environ: p.session.environ,
		Project: l.scope.Project, Worktree: l.scope.Worktree,
		Ports: l.ports,
	}
}

// resolve leases the ports of the file and resolves it. Nothing is leased for
// a file that has problems.
func (p project) resolve(ctx context.Context) (procfile.Plan, leased, error) {
	if _, err := p.check(); err != nil {
		return procfile.Plan{}, leased{}, err
	}
	l, err := p.lease(ctx, nil)
	if err != nil {
		return procfile.Plan{}, leased{}, err
	}
	plan, err := p.plan(l)
	return plan, l, err
}

// knows makes sure that the file declares these services.
func (p project) knows(names []string) error {
	f := failure{status: exitUsage}
	for _, name := range names {
		if _, ok := p.file.Service(name); !ok {
			f.lines = append(f.lines, p.unknown(name, p.file.ServiceNames()))
		}
	}
	if len(f.lines) > 0 {
		return f
	}
	return nil
}

// unknown words that name is none of candidates.
func (p project) unknown(name string, candidates []string) errorLine {
	hint := "it declares " + list(candidates)
	if near, ok := text.Nearest(name, candidates); ok {
		hint = "did you mean " + near + "?"
	}
	return errorLine{p.file.Name + " declares no service " + name, hint}
}

// chooser chooses ports that nothing on this machine wants.
func (s session) chooser(allow allocator.Set) registry.Chooser {
	var pool *allocator.Pool // made when the first port is chosen
	var handedOut map[int]bool
	return func(scope registry.Scope, n allocator.PortName, usable func(int) bool) (int, error) {
		if pool == nil {
			made, err := s.pool(allow)
			if err != nil {
				return 0, err
			}
			pool, handedOut = &made, s.handedOutPorts()
		}
		var unsure error
		port, err := pool.Choose(
			allocator.Key{Project: scope.Project, Worktree: scope.Worktree, PortName: n},
			func(port int) bool {
				if !usable(port) || handedOut[port] || unsure != nil {
					return false
				}
				free, err := allocator.Free(port)
				if err != nil {
					unsure = err
				}
				return free
			})
		if unsure != nil {
			return 0, unsure
		}
		return port, err
	}
}

// pool is where ports are chosen from. DEVPORTS_RANGE beats the Portfile, as
// the environment always does.
func (s session) pool(allow allocator.Set) (allocator.Pool, error) {
	if own := s.getenv(envvar.Range); own != "" {
		set, err := allocator.ParseSet(own)
		if err != nil {
			return allocator.Pool{}, usage("DEVPORTS_RANGE=20000-29999", "DEVPORTS_RANGE is not a range of ports: %v", err)
		}
		allow = set
	}
	local, err := allocator.LocalPorts()
	if err != nil {
		s.note("%v", err)
	}
	pool := allocator.NewPool(allow, local)
	if left, widened := pool.Widened(); widened {
		s.note("the usual rules leave only %d ports of the range on this machine: others are chosen from, too", left)
	}
	return pool, nil
}
