package export

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/devports/devports/procfile"
)

// dockerGrace is how long Docker waits for a container to stop.
const dockerGrace = 10 * time.Second

// manualProfile is the profile of services that start only by name.
const manualProfile = "manual"

// composeFile is a compose file.
type composeFile struct {
	Shared   mapping `yaml:"x-environment,omitempty,anchor=environment"`
	Services mapping `yaml:"services"`
	Volumes  mapping `yaml:"volumes,omitempty"`
}

// Compose returns a compose file, for docker compose and docker-compose. It
// stands beside the Portfile.
func Compose(in Input) Result {
	c := newContainers(in, procfile.ReplicaOf, func(p published) value {
		return value{{text: "http://localhost:", public: true}, hostPort(p)}
	})
	file := composeFile{Services: mapping{}}
	if len(c.list) > 0 {
		file.Shared = composeEnvironment(c.shared, nil)
	}
	for _, n := range c.list {
		file.Services = append(file.Services, yaml.MapItem{Key: n.name, Value: c.composed(n)})
		for _, v := range n.volumes {
			if v.named && !slices.ContainsFunc(file.Volumes, func(i yaml.MapItem) bool { return i.Key == v.source }) {
				file.Volumes = append(file.Volumes, yaml.MapItem{Key: v.source, Value: mapping{}})
			}
		}
		if n.service.Replicas > 1 && len(n.ports) > 0 {
			c.lost.add(n.service.Pos, "docker compose port "+n.name+" "+strconv.Itoa(n.ports[0].inside)+" prints it",
				"the engine chooses the port of each replica of %s on this machine", n.name)
		}
	}
	c.noteChecks()
	for _, g := range in.File.Groups {
		if names := c.members(g); len(names) > 0 {
			c.lost.add(g.Pos, "docker compose up "+strings.Join(names, " "), "groups: compose has none, so name the services of %s", g.Name)
		}
	}
	stubs := ""
	for _, n := range c.stubs {
		if _, composed := declaredImage(c.in.File, n.service); composed != "" {
			continue
		}
		stubs += "\n" + comment("Not exported: service "+n.service.Name+". With an image it would be:")
		stubs += commented(encode(mapping{{Key: n.name, Value: c.stub(n)}}))
	}
	head := c.lost.header(Mark[2:] + in.File.Name + " by devports export --format compose, to stand beside it.\n" +
		"The ports on this machine are those of devports' environment, if it is set: eval \"$(devports env)\"")
	return Result{[]File{{"compose.yaml", head + "\n" + encode(file) + stubs}}, c.lost.list, len(c.list) == 0}
}

// stub is composed for a service without an image, which is not one of the
// project's containers.
func (c *containers) stub(n *container) mapping {
	kept := c.lost // it is lost as a whole
	defer func() { c.lost = kept }()
	c.lost.list, c.lost.seen = slices.Clone(kept.list), map[string]bool{}
	stub := *n
	stub.image, stub.command, stub.env = value{{text: "IMAGE"}}, c.command(n), c.environment(n)
	return c.composed(&stub)
}

// composed is a service of a compose file.
func (c *containers) composed(n *container) mapping {
	s := n.service
	var m mapping
	if optional(c.in.File, s) {
		add(&m, "profiles", texts([]string{manualProfile}))
	}
	if n.build != nil {
		add(&m, "build", text(relative(c.in.File, n.build.Dir)))
	}
	image := composeValue(n.image)
	if lower := strings.ToLower(n.name); image == "" && lower != n.name {
		image = c.in.Project + "-" + lower // by itself it would have the service's name, and be invalid
	}
	add(&m, "image", text(image))
	add(&m, "command", rendered(n.command, composeValue))
	var shared []entry
	if n.build != nil {
		shared = c.shared
	}
	add(&m, "environment", composeEnvironment(n.env, shared))
	add(&m, "env_file", texts(n.files))
	var ports []any
	for _, p := range n.ports {
		host := composeValue(value{hostPort(p)})
		if s.Replicas > 1 {
			host = ""
		}
		ports = append(ports, text("127.0.0.1:"+host+":"+strconv.Itoa(p.inside)))
	}
	add(&m, "ports", ports)
	var volumes []any
	for _, v := range n.volumes {
		volumes = append(volumes, text(strings.TrimSuffix(v.source+":"+v.target+":"+v.options, ":")))
	}
	add(&m, "volumes", volumes)
	var after mapping
	for _, d := range n.after {
		condition := "service_started"
		line, _ := d.on.checkCommand()
		switch {
		case d.done:
			condition = "service_completed_successfully"
		case line != "" || d.on.build != nil && d.on.build.Healthy:
			condition = "service_healthy"
		}
		after = append(after, yaml.MapItem{Key: d.on.name, Value: mapping{{Key: "condition", Value: condition}}})
	}
	add(&m, "depends_on", after)
	if line, _ := n.checkCommand(); line != "" && c.checks(n) {
		timeout := n.check.Timeout
		if timeout == 0 {
			timeout = time.Minute
		}
		add(&m, "healthcheck", mapping{
			{Key: "test", Value: []any{"CMD-SHELL", text(strings.ReplaceAll(line, "$", "$$"))}},
			{Key: "interval", Value: "2s"},
			{Key: "timeout", Value: "5s"},
			{Key: "retries", Value: 3},
			{Key: "start_period", Value: timeout.String()},
		})
	}
	if s.Restart != procfile.RestartNo {
		add(&m, "restart", text(s.Restart))
	}
	if s.StopSignal != "TERM" {
		add(&m, "stop_signal", text("SIG"+s.StopSignal))
	}
	if s.StopTimeout != dockerGrace {
		add(&m, "stop_grace_period", text(s.StopTimeout.String()))
	}
	if s.Replicas > 1 {
		add(&m, "deploy", mapping{{Key: "replicas", Value: s.Replicas}})
	}
	return m
}

// hostPort is the port on this machine.
func hostPort(p published) piece {
	return piece{name: p.Variable(), operator: ":-", word: value{{text: strconv.Itoa(p.host)}}}
}

// composeEnvironment is a table of variables; shared are those that it
// inherits.
func composeEnvironment(entries, shared []entry) mapping {
	var m mapping
	if len(shared) > 0 {
		m = append(m, yaml.MapItem{Key: "<<", Value: alias("environment")})
	}
	for _, e := range entries {
		m = append(m, yaml.MapItem{Key: e.name, Value: text(composeValue(e.value))})
	}
	return m
}

// composeValue returns a value with the variables of a compose file.
func composeValue(v value) string {
	var b strings.Builder
	for _, p := range v {
		if p.name == "" {
			b.WriteString(strings.ReplaceAll(p.text, "$", "$$"))
		} else {
			b.WriteString("${" + p.name + p.operator + composeValue(p.word) + "}")
		}
	}
	return b.String()
}

// rendered renders values as a list of strings.
func rendered(values []value, render func(value) string) []any {
	var list []any
	for _, v := range values {
		list = append(list, text(render(v)))
	}
	return list
}

// noteChecks notes what the images need for the checks, and values that
// docker-compose 1 reads differently.
func (c *containers) noteChecks() {
	needs := map[string][]procfile.Service{}
	var order []string
	for _, n := range c.list {
		if _, programs := n.checkCommand(); programs != "" && c.checks(n) {
			if needs[programs] == nil {
				order = append(order, programs)
			}
			needs[programs] = append(needs[programs], n.service)
		}
		if n.build != nil && n.build.Healthy && n.service.Ready == "" {
			c.lost.add(n.service.Pos, "", "the HEALTHCHECK of the Dockerfile of %s is replaced", n.service.Name)
		}
	}
	for _, programs := range order {
		c.lost.services(needs[programs], "", "the health check needs sh and %s in the image", programs)
	}
}
