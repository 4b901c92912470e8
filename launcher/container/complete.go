package container

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/devports/devports/procfile"
)

// Options configure [Complete].
type Options struct {
	Program  string   // devports itself
	Checkout Checkout // of the run
	Lock     string   // see Spec
	Needed   []string // the services that start: for them, an engine is required
}

// Finding is a problem or a note about a service.
type Finding struct {
	Service, Text, Hint string
	Fatal               bool // the service cannot start
}

// queryTimeout is how long an engine may take to answer before anything starts.
const queryTimeout = 30 * time.Second

// Complete gives the processes in containers their commands, and those of
// compose files the dependencies that these declare. It requires an engine only
// for the needed services. plan is not changed.
func Complete(ctx context.Context, plan procfile.Plan, o Options) (procfile.Plan, []Finding) {
	plan.Services = slices.Clone(plan.Services)
	c := completion{Options: o, plan: &plan, models: map[[2]string]resolved{}}
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	if !c.prepare(ctx) {
		return plan, nil
	}
	for i := range plan.Services {
		if p := &plan.Services[i]; p.Container != nil {
			c.complete(ctx, p)
		}
	}
	return plan, c.findings
}

type completion struct {
	Options
	plan     *procfile.Plan
	engine   Engine
	failed   error // why there is no engine
	models   map[[2]string]resolved
	findings []Finding
}

// resolved is a compose file, or why it cannot be read.
type resolved struct {
	model model
	err   error
}

func hostOf(p procfile.Process) host { return host{p.Env.List(), p.Dir} }

func (c *completion) needs(service string) bool { return slices.Contains(c.Needed, service) }

// prepare finds the engine, and reports whether there are containers at all.
func (c *completion) prepare(ctx context.Context) bool {
	var first *procfile.Process
	compose, needed := false, false
	for i, p := range c.plan.Services {
		if p.Container != nil {
			if first == nil {
				first = &c.plan.Services[i]
			}
			compose = compose || p.Container.Compose != ""
			needed = needed || c.needs(p.Service)
		}
	}
	if first == nil {
		return false
	}
	h := hostOf(*first)
	if c.engine, c.failed = h.find(ctx, compose); c.failed == nil && needed {
		c.failed = h.check(ctx, c.engine)
	}
	if c.failed != nil {
		c.engine = Engine{}
		for _, p := range c.plan.Services {
			if p.Container != nil && c.needs(p.Service) {
				c.fatal(p.Service, c.failed)
				break // one line is enough
			}
		}
	}
	return true
}

func (c *completion) fatal(service string, err error) {
	f := Finding{Service: service, Text: err.Error(), Fatal: true}
	if known, ok := isFailure(err); ok {
		f.Hint = known.Hint
	}
	c.findings = append(c.findings, f)
}

func (c *completion) note(service, hint, format string, args ...any) {
	c.findings = append(c.findings, Finding{Service: service, Text: fmt.Sprintf(format, args...), Hint: hint})
}

func (c *completion) complete(ctx context.Context, p *procfile.Process) {
	spec := Spec{Service: p.Service, Container: *p.Container, Checkout: c.Checkout.Label(), Lock: c.Lock, Engine: c.engine}
	if p.Container.Compose != "" && c.failed == nil {
		spec.Model = c.compose(ctx, p)
	}
	p.Argv = append([]string{c.Program}, spec.Arguments()...)
}

// compose completes the service of a compose file, and returns its hash.
func (c *completion) compose(ctx context.Context, p *procfile.Process) string {
	key := [2]string{p.Container.ComposeFile, p.Dir}
	r, known := c.models[key]
	if !known {
		r.model, r.err = hostOf(*p).readModel(ctx, c.engine, p.Container.Project, p.Container.ComposeFile)
		c.models[key] = r
	}
	if r.err != nil {
		if c.needs(p.Service) && !known {
			c.fatal(p.Service, r.err)
		}
		return ""
	}
	declared, err := r.model.find(p.Container.Compose)
	if err != nil {
		c.fatal(p.Service, err)
		return ""
	}
	_, dropped, err := publish(portsOf(declared), p.Container.Publish)
	if err != nil {
		c.fatal(p.Service, err)
		return ""
	}
	for _, d := range dropped {
		if d.published == "" {
			continue
		}
		hint := `add ports = ["p` + strconv.Itoa(d.target) + `"]`
		if p.Port == 0 {
			hint = "remove port = false"
		}
		if d.protocol != "tcp" {
			hint = ""
		}
		c.note(p.Service, hint, "%s does not publish port %d/%s of the compose file, which two checkouts cannot share", p.Service, d.target, d.protocol)
	}
	for _, name := range r.model.sharedVolumes(p.Container.Project, p.Container.Compose) {
		c.note(p.Service, "remove its name in the compose file to give each checkout its own", "all checkouts share the volume %s of %s", name, p.Service)
	}
	c.depend(p, dependencies(declared))
	return r.model.hash(p.Container.Compose)
}

// depend adds the dependencies of a compose service.
func (c *completion) depend(p *procfile.Process, on map[string]string) {
	if p.Container.DependsOn {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(on)) {
		i := slices.IndexFunc(c.plan.Services, func(other procfile.Process) bool {
			return other.Container != nil && other.Container.Compose == name && other.Container.ComposeFile == p.Container.ComposeFile && other.Dir == p.Dir
		})
		if i < 0 {
			c.note(p.Service, "declare it: [services."+name+`] with compose = "`+name+`"`,
				"%s depends on %s in the compose file, which the Portfile does not declare: devports does not start it", p.Service, name)
			continue
		}
		other := &c.plan.Services[i]
		if c.reaches(other.Service, p.Service) {
			c.note(p.Service, "", "%s does not wait for %s, as the compose file has it: %[2]s waits for %[1]s in the Portfile", p.Service, other.Service)
			continue
		}
		p.DependsOn = append(slices.Clip(p.DependsOn), other.Service)
		if on[name] == "service_completed_successfully" && other.Ready.Kind == procfile.Healthy {
			other.Ready = procfile.Check{Kind: procfile.Done}
		}
	}
}

// reaches reports whether a service depends on another one, directly or not.
func (c *completion) reaches(from, to string) bool {
	seen := map[string]bool{}
	var visit func(string) bool
	visit = func(name string) bool {
		if name == to {
			return true
		}
		if seen[name] {
			return false
		}
		seen[name] = true
		p, _ := c.plan.Service(name)
		return slices.ContainsFunc(p.DependsOn, visit)
	}
	return visit(from)
}

// LockFile is the lock of a checkout in a directory.
func LockFile(directory string, c Checkout) string {
	return filepath.Join(directory, c.Name+".containers.lock")
}
