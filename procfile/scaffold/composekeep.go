package scaffold

import (
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
	name := c.project.add(Service{Origin: c.file.files[0], Part: "service " + s.name, Compose: s.name}, s.name, "docker-"+s.name)
	for _, p := range c.tree.published(s.ports) {
		if p.target == 0 {
			continue
		}
		c.publish(k, name, p)
	}
	if health := s.usualHealth(); s.health == "" && health != "" && plainName(s.name) == s.name {
		c.project.Services[k.index].Ready = "exec:" + c.file.arguments() + " exec -T " + s.name + " sh -c " + quoteSh(health)
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
	c.publish(k, c.project.Services[k.index].Name, published{host: port, target: port})
	if i, service := len(k.published)-1, &c.project.Services[k.index]; i == 0 {
		service.ContainerPort = port
	} else {
		service.Ports[i-1].Container = port
	}
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

// write completes a kept service. devports publishes its ports instead of those
// of its file, and lets the engine follow the rest of the file.
func (c *composer) write(k *keptService) {
	s := &c.project.Services[k.index]
	s.short = c.file.arguments() + " up " + quoteSh(k.name)
	if c.file.named {
		s.ComposeFile = c.file.files[0]
	}
	s.NoPort = len(k.published) == 0 && !slices.ContainsFunc(k.ports, func(p any) bool {
		return !strings.ContainsAny(scalar(p), ":/") && number(scalar(p)) > 0 // the engine would choose the host's port
	})
	s.Env = append(s.Env, c.localEnv(k)...)
	for i, p := range k.published {
		if variable := c.variable(k, i); p.variable != "" && p.variable != "PORT" && p.variable != variable {
			c.project.setEnv(Variable{p.variable, "${" + variable + "}", c.file.files[0] + " reads them."})
		}
	}
}

// localEnv returns the variables of a container that name ports of this machine,
// with the ports that devports chose.
func (c *composer) localEnv(k *keptService) (list []Variable) {
	numbers := c.numbers()
	for _, name := range slices.Sorted(maps.Keys(k.env)) {
		value := k.env[name]
		if hasComposeVariable(value) || !isVariableName(name) {
			continue
		}
		changed := localPort().ReplaceAllStringFunc(strings.ReplaceAll(value, "$$", "$"), func(at string) string {
			i := strings.LastIndexByte(at, ':')
			if n := numbers[at[i+1:]]; n != "" {
				return at[:i+1] + "${" + n[1:] + "}"
			}
			return at
		})
		if changed != strings.ReplaceAll(value, "$$", "$") && !strings.Contains(value, "$") {
			list = append(list, Variable{Name: name, Value: changed})
		}
	}
	return list
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
