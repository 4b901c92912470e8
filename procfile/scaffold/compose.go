package scaffold

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/devports/devports/allocator"
)

// composer merges the services of a compose file into a project: it keeps them
// in containers, or pairs them with the candidates that run the same programs
// without Docker.
type composer struct {
	tree     tree
	project  *Project
	file     composeFile
	packages []string
	paired   map[string]int          // services of the project by name in the compose file
	kept     map[string]*keptService // likewise, those that stay in containers
}

// keptService is a service that stays in a container.
type keptService struct {
	composed
	index     int // in the project
	published []published
	fixed     bool // the compose file publishes a port as a number
	added     bool // a process outside needs a port that the file does not publish
}

func compose(t tree, p *Project, packages []string) {
	file, found := findCompose(t, len(p.Services) == 0)
	p.LeftOut = append(p.LeftOut, found.leftOut...)
	if len(file.files) == 0 {
		return
	}
	c := composer{tree: t, project: p, file: file, packages: packages, paired: map[string]int{}, kept: map[string]*keptService{}}
	services := c.candidates()
	inside := c.divide(services)
	for _, s := range services {
		if inside[s.name] {
			c.keep(s)
		}
	}
	for _, s := range services {
		if i, ok := c.paired[s.name]; ok {
			c.rename(s, i)
		}
	}
	for _, s := range services {
		if i, ok := c.paired[s.name]; ok {
			c.environment(s, i)
		}
	}
	c.examples()
	for _, s := range services {
		if k := c.kept[s.name]; k != nil {
			c.write(k)
		}
	}
	c.carryDependencies(services)
	c.remark(services)
}

// candidates returns the services that are for development, and leaves out the
// others.
func (c *composer) candidates() (services []composed) {
	running := c.startedByHand()
	for _, s := range c.file.services {
		origin := c.origin(s)
		switch {
		case !printable(s.name):
			c.project.leaveOut(origin, "its name contains unprintable characters")
		case len(s.profiles) > 0:
			c.project.leaveOut(origin, "it starts only with a profile: %s", clean(strings.Join(s.profiles, ", ")))
		case running[s.name] != "":
			c.project.leaveOut(origin, "%s starts it", running[s.name])
		case running[""] != "":
			c.project.leaveOut(origin, "%s starts it", running[""])
		case isTool(s.name) || slices.Contains([]string{"playwright", "cypress", "selenium"}, s.name):
			c.project.leaveOut(origin, "its name suggests a tool, not a service")
		default:
			services = append(services, s)
		}
	}
	return services
}

func (c *composer) origin(s composed) string { return c.file.files[0] + ", service " + clean(s.name) }

// divide decides which services stay in containers, and pairs the others. What
// a container depends on has to be in a container, too.
func (c *composer) divide(services []composed) (inside map[string]bool) {
	inside = map[string]bool{}
	known := len(c.project.Services)
	for _, s := range services {
		if i, ok := c.native(s, known); ok {
			c.paired[s.name] = i
		} else {
			inside[s.name] = true
		}
	}
	needed := map[string]string{}
	for _, s := range services {
		if _, outside := c.paired[s.name]; !outside {
			continue
		}
		switch on := c.hardCoded(s, services); {
		case s.secrets:
			inside[s.name], needed[s.name] = true, "it reads Docker's secrets"
		case on != "":
			inside[s.name], needed[s.name] = true, fmt.Sprintf("its code names the host %s", on)
		}
	}
	for changed := true; changed; {
		changed = false
		for _, s := range services {
			if !inside[s.name] || isAdmin(s) {
				continue
			}
			for _, on := range s.dependsOn {
				if _, outside := c.paired[on]; outside && !inside[on] {
					inside[on], needed[on], changed = true, clean(s.name)+" needs it there", true
				}
			}
		}
	}
	var dropped []int
	for _, s := range services {
		i, ok := c.paired[s.name]
		if !ok {
			continue
		}
		if inside[s.name] {
			delete(c.paired, s.name)
			if !slices.Contains(dropped, i) {
				c.project.leaveOut(c.project.Services[i].Origin, "%s runs it in a container: %s", c.file.files[0], needed[s.name])
				dropped = append(dropped, i)
			}
			continue
		}
		if i < known {
			c.project.leaveOut(c.origin(s), "%s runs without Docker", c.project.Services[i].Name)
		}
	}
	c.drop(dropped)
	return inside
}

// hardCoded returns another service that the code of s names as a host, which
// no variable can change. It returns "" if there is none.
func (c *composer) hardCoded(s composed, services []composed) (name string) {
	values := strings.Join(slices.Collect(maps.Values(s.env)), " ")
	var hosts []string
	for _, o := range services {
		if o.name != s.name && o.name != "localhost" && plainName(o.name) == o.name && len(o.name) > 1 && !strings.Contains(values, o.name) {
			hosts = append(hosts, regexp.QuoteMeta(o.name))
		}
	}
	if len(hosts) == 0 {
		return ""
	}
	address := regexp.MustCompile(`(?i)(?:\bhost(?:name)?['"]?\s*[:=]\s*['"]|[a-z]://(?:[^\s/@'"]*@)?)(` + strings.Join(hosts, "|") + `)(?:['"/]|:\d)`)
	for _, extension := range []string{".py", ".js", ".ts", ".rb", ".php", ".java", ".cs", ".go", ".properties", ".json", ".yml"} {
		c.tree.sources(path.Clean(c.project.Services[c.paired[s.name]].Dir), extension, func(file, text string) bool {
			if isComposeName(path.Base(file)) || strings.Contains(path.Base(file), "lock") {
				return true
			}
			if m := address.FindStringSubmatch(text); m != nil {
				name = m[1]
			}
			return name == ""
		})
		if name != "" {
			break
		}
	}
	return name
}

// isAdmin reports whether a service is a tool to look at others, which works
// without them.
func isAdmin(s composed) bool {
	return slices.ContainsFunc([]string{"traefik", "adminer", "pgadmin", "mailhog", "mailpit", "grafana", "prometheus"}, func(name string) bool {
		return strings.Contains(s.image, name)
	})
}

// drop removes services of the project by their index.
func (c *composer) drop(indexes []int) {
	for _, i := range slices.Backward(slices.Sorted(slices.Values(indexes))) {
		c.project.Services = slices.Delete(c.project.Services, i, i+1)
		for name, j := range c.paired {
			switch {
			case j == i:
				delete(c.paired, name)
			case j > i:
				c.paired[name]--
			}
		}
	}
}

// native returns the service of the project that runs the same program without
// Docker: one of the first known services, or a new one with the command of the
// compose file. A service with secrets needs their files in its container.
func (c *composer) native(s composed, known int) (int, bool) {
	dirs := s.dirs
	if len(dirs) == 0 {
		if !c.isOwnImage(s) {
			return 0, false
		}
		dirs = []string{"."}
	}
	for _, dir := range dirs {
		var here []int
		for i, n := range c.project.Services[:known] {
			if n.isIn(dir) || len(s.dirs) == 0 {
				here = append(here, i)
			}
		}
		if len(here) == 0 {
			continue
		}
		slices.SortStableFunc(here, func(a, b int) int { return c.rank(s, b) - c.rank(s, a) })
		if i, ok := c.match(s, dir, here); ok {
			return i, ok
		}
	}
	return 0, false
}

// rank rates how likely a service of the project is the one of the compose file.
func (c *composer) rank(s composed, i int) int {
	n := c.project.Services[i]
	switch {
	case n.Name == s.name:
		return 3
	case n.Dir == "" && !n.NoPort:
		return 2
	case slices.Contains([]string{"web", "app", "server", "api", "backend"}, n.Name):
		return 1
	}
	return 0
}

// match chooses one of the services in here for s.
func (c *composer) match(s composed, dir string, here []int) (int, bool) {
	free := slices.DeleteFunc(slices.Clone(here), func(i int) bool {
		for _, j := range c.paired {
			if i == j {
				return true
			}
		}
		return c.project.Services[i].NoPort
	})
	if inv, ok := lastInvocation(s.command); ok {
		for _, i := range here {
			if other, ok := lastInvocation(c.project.Services[i].Command); ok && other.program == inv.program && sameVerb(inv, other) && inv.program != "npm" {
				return i, true
			}
		}
		if _, serves := lookUp(inv); !serves || len(free) == 0 {
			if n, ok := c.processOf(s, dir, inv); ok {
				c.project.add(n, s.name, path.Base(dir)+"-"+s.name)
				return len(c.project.Services) - 1, true
			}
		}
		if len(s.ports) == 0 {
			return 0, false
		}
	}
	if len(free) == 0 {
		if s.command == "" {
			return here[0], true
		}
		return 0, false
	}
	return free[0], true
}

// sameVerb reports whether two calls of a program with subcommands agree in
// those: celery worker and celery beat do not.
func sameVerb(a, b invocation) bool {
	if slices.Contains([]string{"artisan", "rails", "manage.py", "mix", "rake", "bundle"}, a.program) {
		first := func(inv invocation) string { return append(withoutOptions(inv.args), word{})[0].text }
		return first(a) == first(b)
	}
	for _, verb := range []string{"worker", "beat", "flower", "runserver", "queue:work", "queue:listen", "schedule:work", "horizon", "sidekiq"} {
		if (indexWord(a.args, verb) < 0) != (indexWord(b.args, verb) < 0) {
			return false
		}
	}
	return true
}

func lastInvocation(line string) (invocation, bool) {
	commands := splitCommands(line)
	if len(commands) == 0 {
		return invocation{}, false
	}
	return unwrap(commands[len(commands)-1]), true
}

// portable are programs that run inside and outside of a container alike; the
// value is the prefix that finds them.
var portable = map[string]string{
	"celery": "python", "flask": "python", "uvicorn": "python", "gunicorn": "python", "manage.py": "python", "rq": "python", "dramatiq": "python", "huey_consumer": "python", "arq": "python", "streamlit": "python", "fastapi": "python", "python": "python", "python3": "python", "flower": "python",
	"node": "", "npm": "", "pnpm": "", "yarn": "", "bun": "", "nodemon": "npx ", "tsx": "npx ", "ts-node": "npx ", "ts-node-dev": "npx ",
	"rails": "", "sidekiq": "", "puma": "", "rake": "", "bundle": "", "artisan": "", "php": "", "mix": "",
}

// processOf returns the command of a compose service as a process in dir.
func (c *composer) processOf(s composed, dir string, inv invocation) (Service, bool) {
	prefix, ok := portable[inv.program]
	commands := splitCommands(s.command)
	if !ok || !printable(s.command) || hasComposeVariable(s.command) || slices.ContainsFunc(commands, func(sc simpleCommand) bool {
		return slices.ContainsFunc(sc.words, func(w word) bool { return strings.HasPrefix(w.text, "/") })
	}) {
		return Service{}, false
	}
	command := strings.ReplaceAll(s.command, "$$", "$")
	if interpreter := c.tree.interpreter(dir); prefix == "python" && len(commands) == 1 {
		if !strings.HasPrefix(command, strings.TrimSpace(interpreter)+" ") || interpreter == "" {
			command = c.tree.python(dir, command)
		}
	} else if prefix == "npx " && strings.HasPrefix(command, inv.program) {
		command = prefix + command
	}
	n := serviceIn(dir, "")
	n.Origin, n.Part, n.Command = c.file.files[0], "service "+s.name, command
	n.adopt(PortFlag(command), n.Origin)
	n.Pin, n.Remarks = 0, nil
	if i := strings.Index(n.Command, "--port="); len(s.ports) > 0 && i >= 0 && !mentionsPort(n.Command) {
		rest := strings.TrimLeft(n.Command[i+len("--port="):], "0123456789")
		n.Command = n.Command[:i] + "--port=$PORT" + rest
	}
	if !mentionsPort(n.Command) && (len(s.ports) == 0 || isWorker(s.name, n.Command)) {
		n.NoPort, n.Worker = true, true
	} else if !mentionsPort(n.Command) {
		n.Ready = "none"
	}
	return n, true
}

// isOwnImage reports whether a service runs the published image of this very
// project.
func (c *composer) isOwnImage(s composed) bool {
	name, _, _ := strings.Cut(path.Base(s.image), ":")
	name, _, _ = strings.Cut(name, "@")
	return name != "" && name != "." && len(c.project.Services) > 0 && slices.ContainsFunc(c.packages, func(p string) bool { return path.Base(p) == name })
}

// isIn reports whether a service runs in a directory, or below it.
func (s Service) isIn(parent string) bool {
	dir := path.Clean(s.Dir)
	return dir == parent || strings.HasPrefix(dir, parent+"/")
}

// startedByHand maps services of the compose file to the service whose command
// starts them; the key "" means all of them.
func (c *composer) startedByHand() map[string]string {
	by := map[string]string{}
	for _, s := range c.project.Services {
		text := s.Command
		if m, exists, err := readManifest(c.tree.fs, path.Clean(s.Dir)); exists && err == nil {
			for _, sc := range splitCommands(s.Command) {
				_, name, _ := scriptCall(sc)
				script, _ := m.script(name)
				text += "\n" + script
			}
		}
		for _, sc := range splitCommands(text) {
			up := indexWord(sc.words, "up")
			if up < 0 || !strings.HasPrefix(sc.words[0].text, "docker") || indexWord(sc.words, "compose") < 0 && sc.words[0].text != "docker-compose" {
				continue
			}
			started := slices.DeleteFunc(slices.Clone(sc.words[up+1:]), func(w word) bool { return strings.HasPrefix(w.text, "-") })
			for _, w := range started {
				by[w.text] = s.Name
			}
			if len(started) == 0 {
				by[""] = s.Name
			}
		}
	}
	return by
}

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
	if health := s.health; health != "" && plainName(s.name) == s.name {
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

// rename gives a process the name of its container, unless it stands for the
// project.
func (c *composer) rename(s composed, i int) {
	if n := &c.project.Services[i]; n.Dir != "" && n.Origin != c.file.files[0] {
		others := Project{Services: slices.Delete(slices.Clone(c.project.Services), i, i+1)}
		if name := serviceName(s.name); name != "" && !others.taken(allocator.PortName{Service: name}) {
			n.Name = name
		}
	}
}

// environment gives a process the environment of its container, and its
// readiness check.
func (c *composer) environment(s composed, i int) {
	hosts := c.hosts()
	n := &c.project.Services[i]
	for _, on := range s.dependsOn {
		if k := c.kept[on]; k != nil {
			c.reach(k, 0)
		}
	}
	env, _ := rewriteEnv(s.env, hosts)
	for _, v := range env {
		if !slices.ContainsFunc(n.Env, func(o Variable) bool { return o.Name == v.Name }) {
			n.Env = append(n.Env, v)
		}
	}
	if n.Origin == c.file.files[0] {
		n.Command = rewriteHosts(n.Command, hosts)
	} else if len(n.Env) > 0 {
		n.Remarks = append(n.Remarks, "Its environment comes from "+c.origin(s)+".")
	}
	if path, ok := healthPath(s.health); ok && n.Ready == "" && !n.NoPort {
		n.Ready = "http:" + path
	}
}

// examples points the variables of a committed env file, such as .env.example,
// to the ports of the containers that they name by number: the Portfile wins
// over a copy of that file.
func (c *composer) examples() {
	numbers := map[string]string{} // variables by port
	for _, k := range c.kept {
		for i, p := range k.published {
			if p.host > 0 {
				numbers[strconv.Itoa(p.host)] = "${" + c.variable(k, i) + "}"
			}
		}
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

// healthPath returns the path of a health check that asks the service itself:
// curl -f http://localhost:3000/healthz.
func healthPath(check string) (p string, ok bool) {
	for _, c := range splitCommands(check) {
		for _, w := range c.words {
			for _, local := range []string{"http://localhost", "http://127.0.0.1", "http://0.0.0.0"} {
				rest, found := strings.CutPrefix(w.text, local)
				if rest = strings.TrimLeft(rest, ":0123456789"); found && (rest == "" || rest[0] == '/') && quoteSh("x"+rest) == "x"+rest {
					return "/" + strings.TrimPrefix(rest, "/"), true
				}
			}
		}
	}
	return "", false
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
	if !k.fixed && !k.added || plainName(k.name) != k.name {
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
	override := "services: {" + yamlKey(k.name) + ": {ports: !override [" + strings.Join(ports, ", ") + "]}}"
	s.short = c.file.arguments(false) + up
	s.Command = "echo " + quoteSh(override) + " | " + c.file.arguments(true) + " -f -" + up
}

// yamlKey quotes a plain name that YAML would read as something else.
func yamlKey(name string) string {
	if len(name) > 1 && serviceName(name) == name && !slices.Contains([]string{"null", "true", "false", "yes", "no", "on", "off"}, strings.ToLower(name)) {
		return name
	}
	return strconv.Quote(name)
}

// setEnv sets a variable for all services, unless it is already set.
func (p *Project) setEnv(v Variable) {
	if !slices.ContainsFunc(p.Env, func(o Variable) bool { return o.Name == v.Name }) {
		p.Env = append(p.Env, v)
	}
}

// carryDependencies gives the services their dependencies in the compose file.
func (c *composer) carryDependencies(services []composed) {
	index := func(name string) int {
		if i, ok := c.paired[name]; ok {
			return i
		}
		if k := c.kept[name]; k != nil {
			return k.index
		}
		return -1
	}
	for _, s := range services {
		i := index(s.name)
		if i < 0 {
			continue
		}
		for _, on := range s.dependsOn {
			j := index(on)
			if j < 0 {
				continue
			}
			c.project.Services[i].DependsOn = append(c.project.Services[i].DependsOn, c.project.Services[j].Name)
			if s.conditions[on] == "service_completed_successfully" {
				c.project.Services[j].Ready = "done"
			}
		}
	}
}

// remark explains, once for all services, their stop_timeout and the override.
func (c *composer) remark(services []composed) {
	first, override := true, true
	for _, s := range services {
		k := c.kept[s.name]
		if k == nil {
			continue
		}
		n := &c.project.Services[k.index]
		if first {
			first = false
			n.Remarks = append(n.Remarks, "Docker takes up to 10 s to stop a container, hence the stop_timeout.")
		}
		if !override || !k.fixed && !k.added || len(k.published) == 0 || plainName(k.name) != k.name {
			continue
		}
		override = false
		p := k.published[0]
		line := fmt.Sprintf(`"${%s:-%d}:%d"`, c.variable(k, 0), p.host, p.target)
		reason := "publishes a fixed port, which only one project can use"
		if !k.fixed {
			reason = "does not publish the port that other services need"
		}
		n.Remarks = append(
			n.Remarks,
			c.file.files[0]+" "+reason+": the command publishes PORT.",
			"(!override needs Docker Compose 2.24.) With "+line+" in its ports there, this is enough:",
			c.file.arguments(false)+" up "+s.name,
		)
	}
}
