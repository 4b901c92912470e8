package export

import (
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/devports/devports/allocator"
	"github.com/devports/devports/allocator/envvar"
	"github.com/devports/devports/procfile"
	"github.com/devports/devports/procfile/shell"
)

// container is a service that runs in a container, for any engine.
type container struct {
	service procfile.Service
	name    string // its host name
	image   value  // or
	build   *Dockerfile
	command []value // nil: the image's
	ports   []published
	env     []entry
	files   []string // its env files, relative to the Portfile
	after   []dependency
	check   procfile.Check
	volumes []volume
}

// published is a port of a container.
type published struct {
	allocator.PortName
	inside int
	host   int // on this machine
}

// entry is a variable of a container.
type entry struct {
	name  string
	value value
	pos   procfile.Position
}

// dependency is a container that another one waits for.
type dependency struct {
	on   *container
	done bool // it has to end
}

// volume is SOURCE:TARGET[:OPTIONS].
type volume struct {
	source, target, options string
	named                   bool
}

// containers are the services of a project that can run in containers.
type containers struct {
	in     Input
	lost   losses
	list   []*container
	stubs  []*container // there is nothing to make a container of
	shared []entry      // variables of all services that are built
	label  func(service string) string
	public func(p published) value // the address for a browser
}

// newContainers finds the containers of a project. label makes host names,
// public the address of a published port for a browser.
func newContainers(in Input, label func(string) string, public func(published) value) *containers {
	c := &containers{in: in, lost: losses{file: in.File}, label: label, public: public}
	starts := map[string]int{} // how many services are built from a Dockerfile
	for _, s := range declared(in.File) {
		if d, ok := in.Dockerfiles[s.Name]; ok && s.Container == nil {
			starts[d.Dir]++
		}
	}
	for _, s := range declared(in.File) {
		n := &container{service: s, name: label(s.Name)}
		p, _ := in.Plan.Service(s.Name)
		if n.check = p.Ready; n.check.Kind == procfile.Healthy {
			n.check.Kind = procfile.None // an image may have a check that is not known here
			if s.HasPort {
				n.check.Kind = procfile.TCP
			}
		}
		image, composed := declaredImage(in.File, s)
		d, built := in.Dockerfiles[s.Name]
		switch {
		case image.name.Value != "":
			n.image, n.volumes = value{{text: image.name.Value}}, image.volumes
			n.ports = portsOf(in, s, image.inside)
		case composed != "":
			c.lost.add(s.Pos, "pass both files to docker compose, each with -f", "service %s stays in its own compose file, as %s", s.Name, composed)
			n.ports = portsOf(in, s, nil)
			c.stubs = append(c.stubs, n)
			continue
		case built:
			n.build = &d
			n.ports = portsOf(in, s, inside(s, d))
		default:
			c.lost.add(s.Pos, "add a Dockerfile to its directory, or image = \"…\"", "service %s has neither an image nor a Dockerfile", s.Name)
			n.ports = portsOf(in, s, inside(s, Dockerfile{}))
			c.stubs = append(c.stubs, n)
			continue
		}
		c.list = append(c.list, n)
	}
	for _, n := range c.list {
		s := n.service
		if n.image != nil {
			n.image = c.scope(n).expand(s.Container.Image.Value, level{}).join()
		}
		if n.build != nil && n.build.Starts && starts[n.build.Dir] == 1 {
			c.lost.add(s.Command.Pos, "", "service %s runs what its Dockerfile starts, not its command", s.Name)
			continue
		}
		n.command = c.command(n)
	}
	for _, n := range c.list {
		c.connectCheck(n)
	}
	c.environments()
	c.dependencies()
	c.differences()
	return c
}

// find returns the container, or the stub, of a service.
func (c *containers) find(service string) *container {
	for _, n := range slices.Concat(c.list, c.stubs) {
		if n.service.Name == procfile.ReplicaOf(service) {
			return n
		}
	}
	return nil
}

// inside chooses the ports in a container that is built: what its Dockerfile
// exposes, else 8080 and the following.
func inside(s procfile.Service, d Dockerfile) func(extra string) int {
	first := 8080
	if len(d.Expose) > 0 {
		first = d.Expose[0]
	}
	return func(extra string) int {
		for i, p := range s.Ports {
			switch {
			case p.Name != extra:
			case p.Pin != 0:
				return p.Pin
			case i+1 < len(d.Expose):
				return d.Expose[i+1]
			default:
				return first + i + 1
			}
		}
		return first
	}
}

// portsOf lists the ports of a service. inside chooses the numbers in its
// container; nil: the same as outside.
func portsOf(in Input, s procfile.Service, inside func(extra string) int) []published {
	var list []published
	add := func(extra string) {
		n := allocator.PortName{Service: s.Name, Port: extra}
		p := published{PortName: n, host: in.Ports[n]}
		if p.inside = p.host; inside != nil {
			p.inside = inside(extra)
		}
		list = append(list, p)
	}
	if s.HasPort {
		add("")
	}
	for _, p := range s.Ports {
		add(p.Name)
	}
	return list
}

// command returns the command of a container, as arguments of its entry point.
func (c *containers) command(n *container) []value {
	s := n.service
	host := c.others(n)
	var words []value
	for _, a := range s.Command.Argv {
		v := c.scope(n).expand(a.Value, level{})
		hosts, remains := v.connect(host)
		c.noteHosts(a.Pos, "the command of "+s.Name, hosts, remains)
		words = append(words, v.join())
	}
	if s.Command.Shell == "" {
		return words
	}
	line, hosts, remains := connectShell(s.Command.Shell, c.hostOf(n))
	c.noteHosts(s.Command.Pos, "the command of "+s.Name, hosts, remains)
	run := shell.Exec(line)
	if run == line && !strings.HasPrefix(strings.TrimSpace(line), "exec ") {
		c.lost.add(s.Command.Pos, "write exec before its last command", "the shell of %s does not pass on the signal that stops it", s.Name)
	}
	for _, name := range []string{envvar.Project, envvar.Service, envvar.Slug, envvar.Worktree, "PUBLIC_URL_"} {
		if strings.Contains(line, "$"+name) || strings.Contains(line, "${"+name) {
			c.lost.add(s.Command.Pos, "", "the command of %s uses %s, which a container may not have", s.Name, name)
		}
	}
	return []value{{{text: "sh"}}, {{text: "-c"}}, {{text: run}}}
}

// connectCheck replaces this machine in the command of a check.
func (c *containers) connectCheck(n *container) {
	if n.check.Kind != procfile.Exec {
		return
	}
	var hosts []string
	n.check.Arg, hosts, _ = connectShell(n.check.Arg, c.hostOf(n))
	c.noteHosts(n.service.ReadyPos, "the check of "+n.service.Name, hosts, false)
}

// hostOf returns the host names of the ports of other services, by variable; ""
// for its own.
func (c *containers) hostOf(n *container) func(variable string) (name string, known bool) {
	aliases := c.in.File.Aliases(n.service)
	return func(variable string) (string, bool) {
		if full, ok := aliases[variable]; ok {
			variable = full
		}
		if variable == "PORT" {
			return "", n.service.HasPort
		}
		p, ok := c.port(variable)
		return c.others(n)(p.Service), ok
	}
}

// others returns the host names of all services but one.
func (c *containers) others(n *container) func(service string) string {
	return func(service string) string {
		if service = procfile.ReplicaOf(service); service == "" || service == n.service.Name {
			return ""
		}
		return c.label(service)
	}
}

// noteHosts notes what connect has done to a text.
func (c *containers) noteHosts(pos procfile.Position, what string, hosts []string, remains bool) {
	if len(hosts) > 0 {
		slices.Sort(hosts)
		c.lost.add(pos, "", "%s connects to %s instead of this machine", what, strings.Join(slices.Compact(hosts), ", "))
	}
	if remains {
		c.lost.add(pos, "", "%s names this machine, which in a container is the container itself", what)
	}
}

// dependencies resolves depends_on.
func (c *containers) dependencies() {
	for _, n := range c.list {
		for _, d := range n.service.DependsOn {
			on := c.find(d.Value)
			switch {
			case on == nil || slices.ContainsFunc(n.after, func(a dependency) bool { return a.on == on }):
			case slices.Contains(c.stubs, on):
				c.lost.add(d.Pos, "", "service %s does not wait for %s, which is not exported", n.service.Name, on.service.Name)
			default:
				n.after = append(n.after, dependency{on, on.check.Kind == procfile.Done})
			}
		}
	}
}

// awaited reports whether a container waits for n.
func (c *containers) awaited(n *container) bool {
	return slices.ContainsFunc(c.list, func(m *container) bool {
		return slices.ContainsFunc(m.after, func(d dependency) bool { return d.on == n })
	})
}

// checks reports whether n needs a check: it has one in the file, or another
// container waits for it.
func (c *containers) checks(n *container) bool {
	return n.service.Ready != "" || c.awaited(n)
}

// checkCommand returns the command for the shell that checks a container, "" for
// none, and the programs that it needs.
func (n *container) checkCommand() (line, needs string) {
	port := 0
	if n.service.HasPort {
		port = n.ports[0].inside
	}
	address := "http://127.0.0.1:" + strconv.Itoa(port) + n.check.Arg
	switch n.check.Kind {
	case procfile.TCP:
		// BusyBox may have nc without -z, as Debian's; others wait with a
		// connection until -w.
		return fmt.Sprintf("nc -z 127.0.0.1 %[1]d 2>/dev/null || nc -w 1 127.0.0.1 %[1]d </dev/null >/dev/null 2>&1 || bash -c '</dev/tcp/127.0.0.1/%[1]d'", port), "nc or bash"
	case procfile.HTTP:
		address = "'" + strings.ReplaceAll(address, "'", "%27") + "'"
		return fmt.Sprintf("wget -q -O /dev/null %s || curl -fsS -o /dev/null %s", address, address), "wget or curl"
	case procfile.Exec:
		var programs []string
		for _, p := range shell.Programs(n.check.Arg) {
			programs = append(programs, p.Name)
		}
		return n.check.Arg, strings.Join(programs, ", ")
	}
	return "", ""
}

// differences notes what no container engine does.
func (c *containers) differences() {
	var running []procfile.Service
	for _, n := range c.list {
		running = append(running, n.service)
		if n.check.Kind == procfile.Log {
			c.lost.add(n.service.ReadyPos, "", "no engine waits for what a service prints: %s counts as ready as soon as it starts", n.service.Name)
		}
	}
	for _, u := range c.in.File.Uses {
		prefix := strings.TrimPrefix(allocator.PortName{Service: u.Name}.Variable(), "PORT_")
		c.lost.add(u.Pos, "", "[uses] %s: containers do not reach that project on this machine, so PORT_%s_* and URL_%s_* are not set", u.Name, prefix, prefix)
	}
	commonDifferences(&c.lost, c.in.File, running)
	c.lost.services(filter(running, func(s procfile.Service) bool { return s.Build.Shell != "" || s.Build.Argv != nil }), "", "build: the Dockerfile builds it")
}

// members returns the names of the containers of a group.
func (c *containers) members(g procfile.Group) []string {
	var names []string
	for _, service := range c.in.File.Expand([]string{g.Name}) {
		n := c.find(service)
		if n != nil && slices.Contains(c.list, n) && !slices.Contains(names, n.name) {
			names = append(names, n.name)
		}
	}
	return names
}

// optional reports whether a service starts only by name: it has autostart =
// false, and no other service needs it.
func optional(f procfile.File, s procfile.Service) bool {
	starts, err := f.Starts(nil, nil)
	return err == nil && s.Manual && !slices.Contains(starts, s.Name)
}

// commonDifferences notes what only devports does.
func commonDifferences(l *losses, f procfile.File, running []procfile.Service) {
	l.services(filter(running, func(s procfile.Service) bool { return len(s.Watch) > 0 }), "", "watch: changed files restart nothing")
	l.services(filter(running, func(s procfile.Service) bool { return s.Host.Value != "" || s.HostHeader.Value != "" }), "", "host and host_header: there are no named addresses")
	l.services(filter(running, func(s procfile.Service) bool { return s.Shared }), "", "shared: each checkout has its own")
	l.services(filter(f.Services, func(s procfile.Service) bool { return s.Step }), "", "[setup]: its steps do not run")
	for _, name := range f.Locals() {
		l.add(procfile.Position{}, "to leave them out, rename the file while you export", "the export includes your own settings in %s", name)
	}
	if len(f.Copy) > 0 {
		l.add(f.Copy[0].Pos, "", "copy: no files are copied")
	}
	if f.StopOnExit {
		l.add(procfile.Position{}, "", "stop_on_exit: the others keep running when a service ends")
	}
	if len(f.Outside) > 0 {
		l.add(procfile.Position{}, "", "outside: all processes of a service end with it")
	}
}

// waits reports whether a service depends on another one, not only on steps of
// the setup.
func waits(f procfile.File, s procfile.Service) bool {
	return slices.ContainsFunc(s.DependsOn, func(d procfile.Text) bool {
		on, _ := f.Service(d.Value)
		return !on.Step
	})
}

// relative returns a path of the file relative to it, with slashes: "./api".
func relative(f procfile.File, p string) string {
	if filepath.IsAbs(p) {
		if rel, err := filepath.Rel(f.Dir, p); err == nil {
			p = rel
		}
	}
	p = path.Clean(filepath.ToSlash(p))
	if p == "." || p == ".." || strings.HasPrefix(p, "../") || path.IsAbs(p) {
		return p
	}
	return "./" + p
}
