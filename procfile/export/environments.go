package export

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/devports/devports/allocator/envvar"
	"github.com/devports/devports/procfile"
)

// scope returns the variables of a container.
func (c *containers) scope(n *container) scope {
	s := n.service
	aliases := c.in.File.Aliases(s)
	return scope{
		tables: c.in.File.Tables(s),
		own: func(name string) (piece, bool) {
			if full, ok := aliases[name]; ok {
				name = full
			}
			switch name {
			case "PORT":
				if !s.HasPort {
					return piece{}, false
				}
				return piece{text: strconv.Itoa(n.ports[0].inside), port: s.Name}, true
			case envvar.Service:
				return piece{text: s.Name}, true
			case envvar.Project:
				return piece{text: c.in.Project}, true
			case envvar.Slug:
				return piece{text: strings.ReplaceAll(c.in.Project, "-", "_")}, true
			case envvar.Worktree:
				return piece{}, true
			}
			p, ok := c.port(name)
			return piece{text: strconv.Itoa(p.inside), port: p.Service}, ok
		},
		urls: func(name string) (value, bool) {
			before, rest, ok := strings.Cut(name, "URL_")
			if full, short := aliases["PORT_"+rest]; ok && short {
				name = before + "URL_" + strings.TrimPrefix(full, "PORT_")
			}
			return c.url(name)
		},
	}
}

// port returns the port of a variable PORT_<NAME>.
func (c *containers) port(variable string) (published, bool) {
	for _, n := range slices.Concat(c.list, c.stubs) {
		for _, p := range n.ports {
			if p.Variable() == variable {
				return p, true
			}
		}
	}
	return published{}, false
}

// url returns the value of URL_<NAME> or PUBLIC_URL_<NAME>.
func (c *containers) url(variable string) (value, bool) {
	rest, public := strings.CutPrefix(variable, "PUBLIC_")
	name, ok := strings.CutPrefix(rest, "URL_")
	if !ok {
		return nil, false
	}
	p, ok := c.port("PORT_" + name)
	if !ok || p.Port != "" {
		return nil, false
	}
	if public {
		return c.public(p), true
	}
	return value{{text: fmt.Sprintf("http://%s:%d", c.label(p.Service), p.inside)}}, true
}

// environments gives the containers their variables: those that all share, and
// the rest. Containers of images get, as from devports, only what the file
// declares, and the ports that their commands and checks use: devports runs the
// checks on this machine, where all are set.
func (c *containers) environments() {
	built := slices.ContainsFunc(c.list, func(n *container) bool { return n.build != nil })
	if built {
		for _, n := range slices.Concat(c.list, c.stubs) {
			for _, p := range n.ports {
				c.shared = append(c.shared, entry{name: p.Variable(), value: value{{text: strconv.Itoa(p.inside)}}})
			}
		}
		for _, n := range slices.Concat(c.list, c.stubs) {
			if p, _ := c.in.Plan.Service(n.service.Name); !p.HTTP {
				continue
			}
			for _, prefix := range []string{"URL_", "PUBLIC_URL_"} {
				name := prefix + strings.TrimPrefix(n.ports[0].Variable(), "PORT_")
				if u, ok := c.url(name); ok && !declares(c.in.File.Env, name) {
					c.shared = append(c.shared, entry{name: name, value: u})
				}
			}
		}
		slices.SortFunc(c.shared, func(a, b entry) int { return strings.Compare(a.name, b.name) })
	}
	for _, n := range c.list {
		n.env = c.environment(n)
		for _, t := range c.envFiles(n.service) {
			n.files = append(n.files, t.Value)
			c.lost.add(t.Pos, "", "%s is read by the rules of the engine: ${NAME} and comments after a value may remain as they are", t.Value)
		}
	}
	c.share()
}

// environment returns the variables of a container.
func (c *containers) environment(n *container) []entry {
	s := n.service
	used := map[string]bool{}
	for _, m := range portVariable().FindAllStringSubmatch(s.Command.Shell+" "+n.check.Arg, -1) {
		used[m[1]] = true
	}
	var env []entry
	if s.HasPort && (n.image == nil || used["PORT"]) {
		env = append(env, entry{name: "PORT", value: value{{text: strconv.Itoa(n.ports[0].inside)}}})
	}
	aliases := c.in.File.Aliases(s)
	for _, short := range slices.Sorted(maps.Keys(aliases)) {
		if p, ok := c.port(aliases[short]); ok && (n.image == nil || used[short]) {
			env = append(env, entry{name: short, value: value{{text: strconv.Itoa(p.inside)}}})
		}
	}
	if n.image != nil { // others get the ports of all
		for _, name := range slices.Sorted(maps.Keys(used)) {
			_, alias := aliases[name]
			if p, ok := c.port(name); ok && !alias {
				env = append(env, entry{name: name, value: value{{text: strconv.Itoa(p.inside)}}})
			}
		}
	}
	set := map[string]bool{}
	for t, table := range c.in.File.Tables(s) {
		for _, v := range table {
			_, alias := aliases[v.Name]
			if c.sets(v.Name) || alias || set[v.Name] {
				continue
			}
			set[v.Name] = true
			e := entry{v.Name, c.expand(n, v, t), v.Pos}
			if machine := e.value.machinePath(); machine != "" {
				hint := ""
				if n.build != nil {
					hint = "ENV in the Dockerfile"
				}
				c.lost.add(v.Pos, hint, "%s is not exported: it uses %s of this machine", v.Name, machine)
				continue
			}
			env = append(env, e)
		}
	}
	return env
}

// portVariable matches the variable of a port in a line for the shell.
var portVariable = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\$\{?(PORT(?:_[A-Z0-9_]+)?)\b`) })

// sets reports whether devports itself sets a variable.
func (c *containers) sets(name string) bool {
	_, port := c.port(name)
	return port || name == "PORT" || strings.HasPrefix(name, envvar.Prefix)
}

// expand returns the value of a variable of a table in a container.
func (c *containers) expand(n *container, v procfile.Variable, table int) value {
	expanded := c.scope(n).expand(v.Value, level{table, []string{v.Name}})
	hosts, remains := expanded.connect(c.others(n))
	c.noteHosts(v.Pos, v.Name, hosts, remains)
	return expanded.join()
}

// share moves what all built containers have in common to shared.
func (c *containers) share() {
	var built []*container
	for _, n := range c.list {
		if n.build != nil {
			built = append(built, n)
		}
	}
	if len(built) < 2 {
		return
	}
	for _, v := range c.in.File.Env {
		i := slices.IndexFunc(built[0].env, func(e entry) bool { return e.name == v.Name })
		if i < 0 {
			continue
		}
		first := fmt.Sprint(built[0].env[i])
		same := !slices.ContainsFunc(built, func(n *container) bool {
			return !slices.ContainsFunc(n.env, func(e entry) bool { return e.name == v.Name && fmt.Sprint(e) == first })
		})
		if !same {
			continue
		}
		c.shared = append(c.shared, built[0].env[i])
		for _, n := range built {
			n.env = slices.DeleteFunc(n.env, func(e entry) bool { return e.name == v.Name })
		}
	}
}

// envFiles returns the env files of a service.
func (c *containers) envFiles(s procfile.Service) []procfile.Text {
	p, _ := c.in.Plan.Service(s.Name)
	files := slices.Clone(p.EnvFiles)
	if image, _ := declaredImage(c.in.File, s); image.name.Value != "" { // as from devports
		files = files[len(files)-len(s.EnvFiles):]
	}
	for i, t := range files {
		files[i].Value = relative(c.in.File, t.Value)
	}
	return files
}

// declares reports whether a table has a variable.
func declares(table []procfile.Variable, name string) bool {
	return slices.ContainsFunc(table, func(v procfile.Variable) bool { return v.Name == name })
}
