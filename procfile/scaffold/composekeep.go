package scaffold

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/devports/devports/allocator"
)

// keep adds a service that stays in its container; write completes it.
func (c *composer) keep(s composed) {
	k := &keptService{composed: s, index: len(c.project.Services)}
	name := c.project.add(Service{Origin: c.file.files[0], Part: "service " + s.name, StopAfter: "15s"}, s.name, "docker-"+s.name)
	for _, p := range c.tree.published(s.ports) {
		if p.target == 0 {
			continue
		}
		k.fixed = k.fixed || p.variable == ""
		c.publish(k, name, p)
	}
	if health := cmp.Or(s.health, s.usualHealth()); health != "" && plainName(s.name) == s.name {
		c.project.Services[k.index].Ready = "exec:" + c.file.arguments(false) + " exec -T " + s.name + " sh -c " + quoteSh(health)
	}
	c.kept[s.name] = k
}

// publish adds a port to a kept service, and returns its variable.
func (c *composer) publish(k *keptService, name string, p published) {
	if len(k.published) > 0 {
		s := &c.project.Services[k.index]
		s.Ports = append(s.Ports, Port{Name: c.project.portName(name, p)})
	}
	k.published = append(k.published, p)
}

// variable returns the variable of a kept service's i-th port.
func (c *composer) variable(k *keptService, i int) string {
	s := c.project.Services[k.index]
	if i == 0 {
		return allocator.PortName{Service: s.Name}.Variable()
	}
	return allocator.PortName{Service: s.Name, Port: s.Ports[i-1].Name}.Variable()
}

// usualPorts are the ports of well-known images.
var usualPorts = []struct {
	image string
	port  int
}{
	{"postg", 5432},
	{"pgvector", 5432},
	{"timescale", 5432},
	{"mysql", 3306},
	{"mariadb", 3306},
	{"redis", 6379},
	{"valkey", 6379},
	{"dragonfly", 6379},
	{"mongo", 27017},
	{"rabbitmq", 5672},
	{"memcached", 11211},
	{"elasticsearch", 9200},
	{"opensearch", 9200},
	{"meilisearch", 7700},
	{"typesense", 8108},
	{"minio", 9000},
	{"mailpit", 1025},
	{"mailhog", 1025},
	{"nats", 4222},
	{"kafka", 9092},
	{"clickhouse", 8123},
	{"mssql", 1433},
	{"localstack", 4566},
	{"chroma", 8000},
	{"qdrant", 6333},
}

// usualPort returns the port that a container listens on: the one that it
// exposes, or its image's usual one.
func (s composed) usualPort() int {
	for _, e := range s.expose {
		if n := number(scalar(e)); n > 0 {
			return n
		}
	}
	for _, u := range usualPorts {
		if strings.Contains(s.image, u.image) {
			return u.port
		}
	}
	return 0
}

// usualHealth returns the test of a database's image, for the shell in its
// container; "" for others. Docker listens on a published port before the
// database does, and the database accepts only local clients until it is
// initialised, hence the address.
func (s composed) usualHealth() string {
	name, _, _ := strings.Cut(path.Base(s.image), ":")
	switch {
	case len(s.dirs) > 0: // its own image
		return ""
	case slices.Contains([]string{"postgres", "postgresql", "postgis", "pgvector", "timescaledb", "timescaledb-ha"}, name):
		return "pg_isready -q -h 127.0.0.1"
	case slices.Contains([]string{"mysql", "mysql-server"}, name):
		return "mysqladmin ping --silent -h 127.0.0.1"
	case name == "mariadb":
		return "mariadb-admin ping --silent -h 127.0.0.1"
	}
	return ""
}

// hosts returns the services of the compose file as processes outside reach
// them. A container that does not publish a port that a process asks for will.
func (c *composer) hosts() (list []host) {
	for name, i := range c.paired {
		variable := allocator.PortName{Service: c.project.Services[i].Name}.Variable()
		if !c.project.Services[i].NoPort {
			list = append(list, host{name, func(int) string { return "${" + variable + "}" }})
		}
	}
	for name, k := range c.kept {
		list = append(list, host{name, func(port int) string {
			if i := c.reach(k, port); i >= 0 {
				return "${" + c.variable(k, i) + "}"
			}
			return ""
		}})
	}
	slices.SortFunc(list, func(a, b host) int { return strings.Compare(a.name, b.name) })
	return list
}

// reach returns the index of the published port of a container; 0 is its usual
// port. It publishes one if necessary, or returns -1.
func (c *composer) reach(k *keptService, port int) int {
	if port == 0 {
		if port = k.usualPort(); port == 0 && len(k.published) > 0 {
			return 0
		}
	}
	if i := slices.IndexFunc(k.published, func(p published) bool { return p.target == port }); i >= 0 {
		return i
	}
	if port == 0 || plainName(k.name) != k.name || len(k.published) >= maxPublished {
		return -1
	}
	k.added = true
	c.publish(k, c.project.Services[k.index].Name, published{host: port, target: port})
	return len(k.published) - 1
}

// examples points the variables of a committed env file, such as .env.example,
// to the ports of the containers that they name by number: the Portfile wins
// over a copy of that file.
func (c *composer) examples() {
	numbers := c.numbers()
	for number, variable := range numbers {
		numbers[number] = "${" + variable[1:] + "}"
	}
	dirs := []string{"."}
	for _, s := range c.project.Services {
		if s.Origin != c.file.files[0] {
			dirs = append(dirs, path.Clean(s.Dir))
		}
	}
	for _, dir := range unique(dirs) {
		for _, name := range exampleFiles {
			file := path.Join(dir, name)
			for _, v := range envLines(c.tree.text(file)) {
				if changed := withPorts(v, numbers); changed != v.Value && !skipped(v.Name, "") {
					c.setIn(dir, Variable{v.Name, changed, "These stand in " + file + " with other ports than those of the containers here."})
				}
			}
		}
	}
}

// setIn sets a variable for the services in a directory, or for all of them.
func (c *composer) setIn(dir string, v Variable) {
	if dir == "." {
		c.project.setEnv(v)
		return
	}
	for i := range c.project.Services {
		s := &c.project.Services[i]
		if path.Clean(s.Dir) == dir && !slices.ContainsFunc(s.Env, func(o Variable) bool { return o.Name == v.Name }) {
			s.Env = append(s.Env, v)
		}
	}
}

// write completes a kept service: its command, with an override for the ports
// that its file publishes as numbers, or not at all.
func (c *composer) write(k *keptService) {
	s := &c.project.Services[k.index]
	up := " up "
	if len(k.dependsOn) > 0 {
		up += "--no-deps "
	}
	s.NoPort = len(k.published) == 0
	up += quoteSh(k.name)
	env := c.localEnv(k)
	if !k.fixed && !k.added && !k.container && env == "" || plainName(k.name) != k.name {
		s.Command = c.file.arguments(false) + up
		for i, p := range k.published {
			if variable := c.variable(k, i); p.variable != "" && p.variable != "PORT" && p.variable != variable {
				c.project.setEnv(Variable{p.variable, "${" + variable + "}", c.file.files[0] + " reads them."})
			}
		}
		if s.NoPort && len(k.ports) > 0 {
			s.Remarks = append(s.Remarks, "Docker chooses its host ports. Write \"${PORT}:80\" in "+c.file.files[0]+" to let devports choose.")
		}
		if len(k.published) > 0 && k.fixed {
			s.Ready = "none"
		}
		return
	}
	var ports []string
	for i, p := range k.published {
		variable := c.variable(k, i)
		if i == 0 {
			variable = "PORT"
		}
		address := ""
		if p.address != "" {
			address = p.address + ":"
		}
		ports = append(ports, fmt.Sprintf("%s$%s:%d", address, variable, p.target))
	}
	var keys []string
	if k.container {
		keys = append(keys, "container_name: !reset null")
	}
	if len(ports) > 0 {
		keys = append(keys, "ports: !override ["+strings.Join(ports, ", ")+"]")
	}
	if env != "" {
		keys = append(keys, env)
	}
	override := "services: {" + yamlKey(k.name) + ": {" + strings.Join(keys, ", ") + "}}"
	s.short = c.file.arguments(false) + up
	s.Command = "echo " + quoteSh(override) + " | " + c.file.arguments(true) + " -f -" + up
}

// separate gives the containers of each worktree a project of their own, if
// their files set its name.
func (c *composer) separate() {
	name := c.file.project
	for _, v := range envLines(c.tree.text(".env")) {
		if v.Name == "COMPOSE_PROJECT_NAME" && len(c.file.files) > 0 && path.Dir(c.file.files[0]) == "." {
			name = v.Value
		}
	}
	if len(c.kept) == 0 || name == "" || plainName(name) != name {
		return
	}
	c.project.setEnv(Variable{
		"COMPOSE_PROJECT_NAME", name + "${DEVPORTS_WORKTREE:+-${DEVPORTS_WORKTREE}}",
		"Each worktree has its own containers and volumes.",
	})
}

// localEnv returns the variables of a container that name ports of this machine,
// with the ports that devports chose, for the override.
func (c *composer) localEnv(k *keptService) string {
	var list []string
	numbers := c.numbers()
	for _, name := range slices.Sorted(maps.Keys(k.env)) {
		value := k.env[name]
		changed := localPort().ReplaceAllStringFunc(value, func(at string) string {
			i := strings.LastIndexByte(at, ':')
			if n := numbers[at[i+1:]]; n != "" {
				return at[:i+1] + n
			}
			return at
		})
		plain := strings.TrimLeftFunc(changed, func(r rune) bool { return r < 0x80 && (isNameByte(byte(r)) || strings.ContainsRune("-./:@?&=%+$", r)) }) == ""
		if changed != value && plain && isVariableName(name) {
			list = append(list, name+": "+changed)
		}
	}
	if len(list) == 0 {
		return ""
	}
	return "environment: {" + strings.Join(list, ", ") + "}"
}

// numbers returns the variables of the containers' ports, as $PORT_DB, by the
// number that the compose file publishes.
func (c *composer) numbers() map[string]string {
	numbers := map[string]string{}
	for _, k := range c.kept {
		for i, p := range k.published {
			if p.host > 0 {
				numbers[strconv.Itoa(p.host)] = "$" + c.variable(k, i)
			}
		}
	}
	return numbers
}

// yamlKey quotes a plain name that YAML would read as something else.
func yamlKey(name string) string {
	if len(name) > 1 && serviceName(name) == name && !slices.Contains([]string{"null", "true", "false", "yes", "no", "on", "off"}, strings.ToLower(name)) {
		return name
	}
	return strconv.Quote(name)
}
