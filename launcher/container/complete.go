package container

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/devports/devports/procfile"
)

// Loaded is the result of [Load]: the engine, and the compose files of a plan.
type Loaded struct {
	engine      Engine
	missing     error // why there is no engine; nil if there is one
	unavailable error // why it does not accept commands
	models      map[[2]string]resolved
}

// resolved is a compose file, or why it cannot be read.
type resolved struct {
	model model
	err   error
}

// queryTimeout is how long an engine may take to answer before anything starts.
const queryTimeout = 30 * time.Second

// Load queries the engine about the containers of a plan, which may take a
// second. What it returns does not depend on the numbers of ports. It is nil
// for a plan without containers.
func Load(ctx context.Context, plan procfile.Plan, project string) *Loaded {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	l := &Loaded{models: map[[2]string]resolved{}}
	files := map[[2]string]host{}
	var any *host
	for _, p := range plan.Services {
		if p.Container == nil {
			continue
		}
		h := host{withoutPorts(p.Env.List(), project), p.Dir}
		any = &h
		if _, known := files[fileOf(p)]; !known && p.Container.Compose != "" {
			files[fileOf(p)] = h
		}
	}
	if any == nil {
		return nil
	}
	if l.engine, l.missing = any.find(ctx, len(files) > 0); l.missing != nil {
		return l
	}
	l.unavailable = any.check(ctx, l.engine)
	for file, h := range files {
		var r resolved
		r.model, r.err = h.readModel(ctx, l.engine, project, file[0])
		l.models[file] = r
	}
	return l
}

// fileOf identifies the compose file of a process.
func fileOf(p procfile.Process) [2]string { return [2]string{p.Container.ComposeFile, p.Dir} }

// withoutPorts returns an environment in which all ports of services are 1.
func withoutPorts(env []string, project string) []string {
	env = slices.Clone(env)
	for i, entry := range env {
		name, _, _ := strings.Cut(entry, "=")
		switch {
		case name == "PORT", strings.HasPrefix(name, "PORT_"):
			env[i] = name + "=1"
		case strings.HasPrefix(name, "URL_"), strings.HasPrefix(name, "PUBLIC_URL_"):
			env[i] = name + "=http://localhost"
		case name == procfile.ComposeProject:
			env[i] = name + "=" + project
		}
	}
	return env
}

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

// Complete gives the processes in containers their commands, and those of
// compose files the dependencies that these declare. It requires an engine only
// for the needed services. plan is not changed.
func Complete(plan procfile.Plan, l *Loaded, o Options) (procfile.Plan, []Finding) {
	if l == nil {
		return plan, nil
	}
	plan.Services = slices.Clone(plan.Services)
	c := completion{Options: o, Loaded: l, plan: &plan}
	if err := cmp.Or(l.missing, l.unavailable); err != nil {
		for _, p := range plan.Services {
			if p.Container != nil && c.needs(p.Service) {
				c.fatal(p.Service, err)
				break // one line is enough
			}
		}
	}
	for i := range plan.Services {
		if p := &plan.Services[i]; p.Container != nil {
			c.complete(p)
		}
	}
	return plan, c.findings
}

type completion struct {
	Options
	*Loaded
	plan     *procfile.Plan
	reported [][2]string // files whose error is in findings
	findings []Finding
}

func (c *completion) needs(service string) bool { return slices.Contains(c.Needed, service) }

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

func (c *completion) complete(p *procfile.Process) {
	owner := c.Checkout
	owner.Shared = p.Shared
	spec := Spec{Service: p.Service, Container: *p.Container, Checkout: owner.Label(), Lock: c.Lock}
	if c.missing == nil {
		spec.Engine = c.engine
		if p.Container.Compose != "" {
			spec.Model = c.compose(p)
		}
	}
	p.Argv = append([]string{c.Program}, spec.Arguments()...)
}

// compose completes the service of a compose file, and returns its hash.
func (c *completion) compose(p *procfile.Process) string {
	r := c.models[fileOf(*p)]
	if r.err != nil {
		if c.needs(p.Service) && !slices.Contains(c.reported, fileOf(*p)) {
			c.reported = append(c.reported, fileOf(*p))
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
	if p.Container.Grace == 0 { // the Portfile has no stop_timeout
		if grace, err := time.ParseDuration(scalar(declared["stop_grace_period"])); err == nil && grace >= 0 {
			p.StopTimeout = grace + procfile.StopMargin
		}
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
			return other.Container != nil && other.Container.Compose == name && fileOf(other) == fileOf(*p)
		})
		if i < 0 {
			c.note(p.Service, "declare it: [services."+name+`] with compose = "`+name+`"`,
				"%s depends on %s in the compose file, which the Portfile does not declare: devports does not start it", p.Service, name)
			continue
		}
		other := &c.plan.Services[i]
		if c.reaches(other.Service, p.Service) {
			c.note(p.Service, "", "%s does not wait for %s, although the compose file says so: in the Portfile, %[2]s waits for %[1]s", p.Service, other.Service)
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
