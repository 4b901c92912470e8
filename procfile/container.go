package procfile

import (
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/devports/devports/allocator"
)

// ComposeProject is the variable that names the project of a compose file.
// devports sets it for all services of a file with a compose service.
const ComposeProject = "COMPOSE_PROJECT_NAME"

// containerGrace is the default stop_timeout of a container, that of the
// engines. StopMargin is how long an engine may take beyond it.
const (
	containerGrace = 10 * time.Second
	StopMargin     = 5 * time.Second
)

// DeclaredContainer is what a file declares about the container of a service.
type DeclaredContainer struct {
	Compose     Text // a service of a compose file, or
	Image       Text
	ComposeFile Text // relative to the file; "": the engine looks for it
	Port        int  // the port in the container that is the service's; 0: the first published one
	PortPos     Position
	Ports       []ExtraPort // the ports in the container of the service's extra ports: Pin is the number
	PortsPos    Position
	Volumes     []Text
	VolumesPos  Position
}

// Container is the container of a [Process], everything expanded.
type Container struct {
	Compose     string `json:",omitempty"` // the service of a compose file, or
	Image       string `json:",omitempty"`
	ComposeFile string `json:",omitempty"` // absolute; "": the engine looks for it in the process's directory

	Name       string   // of the container of an image
	Project    string   // the unique name of the checkout
	Command    []string `json:",omitempty"` // of the container of an image; nil: the image's
	Publish    []Publish
	Volumes    []string      `json:",omitempty"` // of an image: SOURCE:TARGET[:OPTIONS]
	Env        []string      `json:",omitempty"` // the names of the variables that the container gets
	StopSignal string        `json:",omitempty"` // "": the image's
	Grace      time.Duration // between the stop signal and SIGKILL; 0: that of the compose file
	DependsOn  bool          `json:",omitempty"` // the file declares the dependencies, those of the compose file do not count
}

// Publish is a port of a container that is published on the host.
type Publish struct {
	Name      string `json:",omitempty"` // of an extra port; "" is the service's own
	Host      int
	Container int // 0: the next one that the compose file publishes
}

// or returns the declaration, or an empty one.
func (c *DeclaredContainer) or() DeclaredContainer {
	if c == nil {
		return DeclaredContainer{}
	}
	return *c
}

// differences adds the keys in which two declarations differ.
func (c DeclaredContainer) differences(other DeclaredContainer, add func(key, here, there string)) {
	number := func(port int) string {
		if port == 0 {
			return ""
		}
		return strconv.Itoa(port)
	}
	add("image", c.Image.Value, other.Image.Value)
	add("compose", c.Compose.Value, other.Compose.Value)
	add("compose_file", c.ComposeFile.Value, other.ComposeFile.Value)
	add("container_port", number(c.Port), number(other.Port))
	add("container_ports", extraPorts(c.Ports), extraPorts(other.Ports))
	add("volumes", values(c.Volumes), values(other.Volumes))
}

// Kind describes the container in a few words: "image postgres:18".
func (c Container) Kind() string {
	if c.Compose != "" {
		return "compose service " + c.Compose
	}
	return "image " + c.Image
}

// OwnPort returns the port in the container that is the service's; 0 if it has
// none, or if the compose file decides.
func (c *Container) OwnPort() int {
	if c != nil {
		for _, p := range c.Publish {
			if p.Name == "" {
				return p.Container
			}
		}
	}
	return 0
}

var containerPortKeys = []string{"container_port", "container_ports", "volumes", "compose_file"}

func (s *Service) container() *DeclaredContainer {
	if s.Container == nil {
		s.Container = &DeclaredContainer{}
	}
	return s.Container
}

// addContainerKeys adds the keys of containers to those of a service.
func addContainerKeys(table keys[Service]) keys[Service] {
	table["compose"] = func(d *decoder, v *value, s *Service) { s.container().Compose = d.nonEmpty(v) }
	table["compose_file"] = func(d *decoder, v *value, s *Service) { s.container().ComposeFile = d.nonEmpty(v) }
	table["image"] = func(d *decoder, v *value, s *Service) { s.container().Image = d.nonEmpty(v) }
	table["container_port"] = func(d *decoder, v *value, s *Service) {
		s.container().Port, s.container().PortPos = d.portNumber(v), v.pos
	}
	table["container_ports"] = func(d *decoder, v *value, s *Service) {
		s.container().PortsPos = v.pos
		if !d.is(v, kindTable) {
			return
		}
		for _, e := range v.entries {
			d.key = e.key
			s.container().Ports = append(s.container().Ports, ExtraPort{Name: e.key, Pin: d.portNumber(e.value), Pos: e.pos})
		}
	}
	table["volumes"] = func(d *decoder, v *value, s *Service) {
		s.container().Volumes, s.container().VolumesPos = d.texts(v), v.pos
		for _, t := range s.container().Volumes {
			if t.Pos.Line > 0 && !validVolume(t.Value) {
				d.fail(t.Pos, `write it like "data:/var/lib/postgresql/data", or "./conf:/etc/app:ro"`, "%s is not a valid volume", quote(t.Value))
			}
		}
	}
	return table
}

// nonEmpty reads a string that is not empty.
func (d *decoder) nonEmpty(v *value) Text {
	t := d.text(v)
	if v.kind == kindString && strings.TrimSpace(t.Value) == "" {
		d.fail(v.pos, "", "%s is empty", d.key)
	}
	return t
}

// volumeName matches the name of a volume, as opposed to a path.
var volumeName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]*$`) })

// validVolume reports whether a volume has a source, and an absolute target.
func validVolume(s string) bool {
	source, target, options := cutVolume(s)
	return source != "" && path.IsAbs(target) && !strings.Contains(options, ":")
}

// cutVolume splits SOURCE:TARGET[:OPTIONS]. A source may be a path of Windows.
func cutVolume(s string) (source, target, options string) {
	drive := ""
	if len(s) > 2 && s[1] == ':' && (s[2] == '\\' || s[2] == '/') {
		drive, s = s[:2], s[2:]
	}
	source, rest, _ := strings.Cut(s, ":")
	target, options, _ = strings.Cut(rest, ":")
	return drive + source, target, options
}

// checkContainers finds settings of containers that contradict each other.
func (f File) checkContainers(fail failf) {
	owners := map[string]Service{}
	for _, s := range f.Services {
		c := s.Container
		if c == nil {
			continue
		}
		declared := !s.Command.isZero()
		switch {
		case c.Compose.Value != "" && c.Image.Value != "":
			fail(c.Image.Pos, "remove one of them", "service %s has both compose and image", quote(s.Name))
		case c.Compose.Value != "" && declared:
			fail(c.Compose.Pos, "remove command: the compose file has it", "service %s has both compose and command", quote(s.Name))
		case c.Compose.Value == "" && c.Image.Value == "" && (declared || c.Port+len(c.Ports)+len(c.Volumes) > 0 || c.ComposeFile.Value != ""):
			key, pos := c.first()
			fail(pos, `add image = "postgres:18", or compose = "db"`, "service %s has %s, but neither image nor compose", quote(s.Name), key)
		}
		if c.Image.Value != "" && c.ComposeFile.Value != "" {
			fail(c.ComposeFile.Pos, "remove the line", "compose_file has no effect: service %s has an image", quote(s.Name))
		}
		if c.Compose.Value != "" && len(c.Volumes) > 0 {
			fail(c.VolumesPos, "declare them in the compose file", "volumes has no effect: service %s is from a compose file", quote(s.Name))
		}
		if c.Port != 0 && !s.HasPort {
			fail(c.PortPos, "remove one of them", "service %s has container_port and port = false", quote(s.Name))
		}
		if c.Image.Value != "" && c.Compose.Value == "" && s.HasPort && c.Port == 0 {
			fail(c.Image.Pos, "container_port = "+strconv.Itoa(usualPort(c.Image.Value))+", or port = false", "service %s has no container_port: the port that the image listens on", quote(s.Name))
		}
		for _, p := range c.Ports {
			if !slices.ContainsFunc(s.Ports, func(q ExtraPort) bool { return q.Name == p.Name }) {
				fail(p.Pos, "ports = ["+quote(p.Name)+"]", "%s is not one of the ports of service %s", quote(p.Name), quote(s.Name))
			}
		}
		for _, p := range s.Ports {
			if c.Image.Value != "" && c.portOf(p.Name) == 0 {
				fail(p.Pos, "container_ports = { "+p.Name+" = 8080 }", "port %s of service %s has no port in the container", quote(p.Name), quote(s.Name))
			}
		}
		if c.Compose.Value != "" && s.Replicas > 1 {
			fail(c.Compose.Pos, "remove replicas", "service %s cannot have replicas: it is from a compose file", quote(s.Name))
		}
		if c.Compose.Value != "" {
			key := c.ComposeFile.Value + "\x00" + c.Compose.Value
			if before, taken := owners[key]; taken {
				fail(c.Compose.Pos, "", "service %s and service %s on line %d are the same service of the compose file", quote(s.Name), quote(before.Name), before.Pos.Line)
			}
			owners[key] = s
		}
	}
}

// first returns a key that needs a container, and its position.
func (c DeclaredContainer) first() (key string, pos Position) {
	switch {
	case c.Port != 0:
		return containerPortKeys[0], c.PortPos
	case c.Ports != nil:
		return containerPortKeys[1], c.PortsPos
	case c.Volumes != nil:
		return containerPortKeys[2], c.VolumesPos
	}
	return containerPortKeys[3], c.ComposeFile.Pos
}

// portOf returns the port in the container of an extra port; 0 if the file does
// not name it.
func (c DeclaredContainer) portOf(name string) int {
	for _, p := range c.Ports {
		if p.Name == name {
			return p.Pin
		}
	}
	return 0
}

func (c Command) isZero() bool { return c.Shell == "" && len(c.Argv) == 0 }

// composes reports whether the file has a service of a compose file.
func (f File) composes() bool {
	return slices.ContainsFunc(f.Services, func(s Service) bool { return s.Container != nil && s.Container.Compose.Value != "" })
}

// imageName returns the base name of an image without tag: "postgres" for
// "docker.io/library/postgres:18".
func imageName(image string) string {
	name, _, _ := strings.Cut(path.Base(image), "@")
	name, _, _ = strings.Cut(name, ":")
	return name
}

// usualPort returns the port of a well-known image, and 8080 for others.
func usualPort(image string) int {
	for name, port := range map[string]int{
		"postgres": 5432, "postgis": 5432, "pgvector": 5432, "mysql": 3306, "mariadb": 3306, "redis": 6379, "valkey": 6379,
		"mongo": 27017, "rabbitmq": 5672, "memcached": 11211, "nats": 4222, "elasticsearch": 9200, "nginx": 80, "minio": 9000,
	} {
		if imageName(image) == name {
			return port
		}
	}
	return 8080
}

// container resolves the container of a service, and the settings of its
// process that follow from it. set are the variables of [env] and of the
// service's own files and env.
func (r *resolver) container(s Service, p *Process, set []string) {
	d := s.Container
	c := &Container{
		Compose: d.Compose.Value, Project: r.context.Name, Grace: s.StopTimeout, DependsOn: s.DependsOn != nil,
	}
	if c.Compose != "" && !s.stopTimeoutSet {
		c.Grace = 0
	}
	if s.stopSignalSet {
		c.StopSignal = s.StopSignal
	}
	p.StopSignal, p.StopTimeout = "TERM", s.StopTimeout+StopMargin // devports' own process stops the container
	if d.ComposeFile.Value != "" {
		c.ComposeFile = r.file.path(Text{r.expand(d.ComposeFile, p.Env.Lookup), d.ComposeFile.Pos})
		r.watch(c.ComposeFile)
	}
	if s.HasPort {
		c.Publish = append(c.Publish, Publish{Host: p.Port, Container: d.Port})
	}
	for _, extra := range s.Ports {
		host := r.context.Ports[allocator.PortName{Service: s.Name, Port: extra.Name}]
		c.Publish = append(c.Publish, Publish{extra.Name, host, d.portOf(extra.Name)})
	}
	if s.Ready == "" {
		p.Ready = Check{Kind: Healthy, Timeout: s.ReadyTimeout}
	}
	if c.Compose != "" {
		if c.ComposeFile == "" {
			for _, name := range composeFiles {
				r.watch(filepath.Join(p.Dir, name))
			}
		}
		if s.RestartOn == nil {
			p.RestartOn = []string{"PORT_*"} // what the compose file makes of the others counts
		}
		for _, v := range s.Env {
			c.Env = append(c.Env, v.Name)
		}
		if slices.Sort(c.Env); s.RestartOn == nil {
			p.RestartOn = append(p.RestartOn, c.Env...)
		}
		p.Container = c
		return
	}
	c.Image = r.expand(d.Image, p.Env.Lookup)
	c.Name = strings.Trim(c.Project+"-"+strings.ToLower(s.Name), "-")
	for _, v := range d.Volumes {
		c.Volumes = append(c.Volumes, r.volume(r.expand(v, p.Env.Lookup), c.Project, v.Pos))
	}
	if c.Env = set; s.RestartOn == nil {
		p.RestartOn = slices.Clone(set)
	}
	switch {
	case s.Command.Argv != nil:
		c.Command = p.Argv
	case s.Command.Shell != "":
		c.Command = []string{"sh", "-c", s.Command.Shell}
	}
	p.Shell, p.Argv = "", nil
	p.Container = c
}

// composeFiles are the files that an engine looks for.
var composeFiles = []string{
	"compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml",
	"compose.override.yaml", "compose.override.yml", "docker-compose.override.yml", "docker-compose.override.yaml",
}

// volume returns a volume with its unique name, or with an absolute path.
func (r *resolver) volume(s, project string, pos Position) string {
	source, target, options := cutVolume(s)
	if volumeName().MatchString(source) {
		source = project + "_" + source
	} else {
		source = r.file.path(Text{source, pos})
	}
	return strings.TrimSuffix(source+":"+target+":"+options, ":")
}

// hostOnly are variables that make no sense in a container unless the service
// itself sets them.
var hostOnly = []string{"PATH", "HOME", "SHELL", "TMPDIR", "USER", "PWD"}

// containerDefaults completes the service of a table that declares a container.
func (d *decoder) containerDefaults(s *Service, table *value) {
	if s.Container == nil {
		return
	}
	s.stopSignalSet, s.stopTimeoutSet = table.find("stop_signal") != nil, table.find("stop_timeout") != nil
	if !s.stopTimeoutSet {
		s.StopTimeout = containerGrace
	}
	if s.Ready == "" && table.find("ready_timeout") == nil {
		s.ReadyTimeout = 0 // the first time, its image has to be downloaded
	}
}

// containerVars returns the sorted names of the variables that a container gets:
// those of [env], of the service's env, and of its own env files.
func (r *resolver) containerVars(s Service, own lookup, tables []*table) []string {
	names := map[string]bool{}
	last := len(tables) - 1 // the service's own
	for _, t := range tables[:last] {
		for _, v := range t.vars {
			names[v.Name] = !slices.Contains(hostOnly, v.Name)
		}
	}
	for _, t := range s.EnvFiles {
		for _, v := range r.envFile(r.file.path(t)) {
			names[v.Name] = true
		}
	}
	for _, v := range tables[last].vars {
		names[v.Name] = true
	}
	var list []string
	for name, given := range names {
		if _, ours := own(name); given && !ours {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	return list
}

// usualCompose reports whether the name of a compose service is the usual one
// of a database or a queue, without a name in the address bar.
func usualCompose(name string) bool {
	return slices.Contains([]string{"db", "database", "pg", "postgresql", "cache", "queue", "mq", "broker"}, name)
}
