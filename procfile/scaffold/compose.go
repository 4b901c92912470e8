package scaffold

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
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
			if n := c.project.Services[i]; n.Origin != file.files[0] {
				p.leaveOut(c.origin(s), "%s runs without Docker", n.Name)
			}
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
}

// candidates returns the services that are for development, and leaves out the
// others.
func (c *composer) candidates() (services []composed) {
	running := c.startedByHand()
	for _, s := range c.file.services {
		origin := c.origin(s)
		switch {
		case !printable(s.name) || strings.TrimSpace(s.name) == "":
			c.project.leaveOut(origin, "its name is empty or contains unprintable characters")
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
	// A command says more than a directory.
	for _, choose := range []func(composed, string, call, []int) (int, bool){c.same, c.similar} {
		for _, s := range services {
			if _, ok := c.paired[s.name]; ok {
				continue
			}
			if i, ok := c.native(s, known, choose); ok {
				c.paired[s.name] = i
			}
		}
	}
	for _, s := range services {
		if _, ok := c.paired[s.name]; !ok {
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
		if i < 0 || c.declared(s) {
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

// declared reports whether a container depends on containers only: the engine
// knows that.
func (c *composer) declared(s composed) bool {
	return c.kept[s.name] != nil && !slices.ContainsFunc(s.dependsOn, func(on string) bool {
		_, outside := c.paired[on]
		return outside
	})
}
