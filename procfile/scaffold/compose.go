package scaffold

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// Compose files in Docker's order of preference. The first that exists counts,
// together with its overrides.
var (
	composeFiles = []string{"compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"}
	overrides    = []string{"compose.override.yaml", "compose.override.yml", "docker-compose.override.yaml", "docker-compose.override.yml"}
	// Files that docker compose reads only with -f.
	variants = []string{
		"compose.dev.yaml", "compose.dev.yml", "docker-compose.dev.yaml", "docker-compose.dev.yml",
		"compose.local.yaml", "compose.local.yml", "docker-compose.local.yaml", "docker-compose.local.yml",
	}
)

// composed is a service of a compose file.
type composed struct {
	name      string
	build     string // the directory that it is built from; "" if it is not
	profiles  []string
	dependsOn []string
	ports     []any
}

// compose adds the services of a compose file, except those that are built from
// a directory that already has a service.
func (d *detector) compose() {
	files := d.present(composeFiles)
	command := "docker compose up "
	if len(files) == 0 {
		if files = d.present(variants); len(files) == 0 {
			return
		}
		command = "docker compose -f " + files[0] + " up "
	} else {
		files = append(files, d.present(variants)...)
	}
	for _, other := range files[1:] {
		d.project.leaveOut(other, "docker compose uses %s", files[0])
	}
	services := d.composed(files[0])
	if slices.Contains(composeFiles, files[0]) {
		for _, override := range d.present(overrides) {
			services = merge(services, d.composed(override))
		}
	}
	running := d.startedByHand()
	renamed := map[string]string{} // our names by name in the compose file
	var added []int
	for _, c := range services {
		origin := files[0] + ", service " + clean(c.name)
		in := slices.IndexFunc(d.project.Services, func(s Service) bool { return c.build != "" && s.Origin != files[0] && s.isIn(c.build) })
		switch {
		case !printable(c.name):
			d.project.leaveOut(origin, "its name contains unprintable characters")
		case len(c.profiles) > 0:
			d.project.leaveOut(origin, "it starts only with a profile: %s", clean(strings.Join(c.profiles, ", ")))
		case running[c.name]+running[""] != "":
			d.project.leaveOut(origin, "%s starts it", cmp.Or(running[c.name], running[""]))
		case in >= 0:
			renamed[c.name] = d.project.Services[in].Name
			d.project.leaveOut(origin, "it is built from a directory where %s runs without Docker", d.project.Services[in].Name)
		default:
			renamed[c.name] = d.composeService(c, files[0], command)
			added = append(added, len(d.project.Services)-1)
		}
	}
	d.carryDependencies(services, renamed)
	d.remark(added, files[0])
}

// present returns those of the files that exist.
func (d *detector) present(files []string) []string {
	return slices.DeleteFunc(slices.Clone(files), func(f string) bool { return !d.exists(f) })
}

// composed reads the services of a compose file, in the file's order.
func (d *detector) composed(file string) []composed {
	src, ok := d.read(file)
	if !ok {
		return nil
	}
	var content struct {
		Services yaml.MapSlice
		Include  any
	}
	if err := yaml.Unmarshal(src, &content); err != nil {
		d.project.leaveOut(file, "cannot parse it: %s", firstLine(err))
		return nil
	}
	if content.Include != nil {
		d.project.leaveOut(file+", include", "included files are not read")
	}
	var list []composed
	for _, item := range content.Services {
		body, _ := item.Value.(map[string]any)
		c := composed{name: scalar(item.Key), profiles: texts(body["profiles"]), dependsOn: texts(body["depends_on"])}
		if m, ok := body["depends_on"].(map[string]any); ok {
			c.dependsOn = sortedKeys(m)
		}
		c.ports, _ = body["ports"].([]any)
		switch b := body["build"].(type) {
		case string:
			c.build = path.Clean(b)
		case map[string]any:
			c.build = path.Clean(scalar(b["context"]))
		}
		list = append(list, c)
	}
	return list
}

// merge applies an override to the services. Lists are concatenated.
func merge(services, override []composed) []composed {
	for _, o := range override {
		i := slices.IndexFunc(services, func(c composed) bool { return c.name == o.name })
		if i < 0 {
			services = append(services, o)
			continue
		}
		c := &services[i]
		c.ports = append(c.ports, o.ports...)
		c.dependsOn = append(c.dependsOn, o.dependsOn...)
		c.profiles = append(c.profiles, o.profiles...)
		if o.build != "" {
			c.build = o.build
		}
	}
	return services
}

// isIn reports whether a service runs in a directory, or below it.
func (s Service) isIn(parent string) bool {
	dir := path.Clean(s.Dir)
	return dir == parent || strings.HasPrefix(dir, parent+"/")
}

// startedByHand maps services of the compose file to the service whose command
// starts them; the key "" means all of them.
func (d *detector) startedByHand() map[string]string {
	by := map[string]string{}
	for _, s := range d.project.Services {
		text := s.Command
		if m, exists, err := readManifest(d.fs, path.Clean(s.Dir)); exists && err == nil {
			for _, c := range splitCommands(s.Command) {
				_, name, _ := scriptCall(c)
				script, _ := m.script(name)
				text += "\n" + script
			}
		}
		for _, c := range splitCommands(text) {
			up := indexWord(c.words, "up")
			if up < 0 || !strings.HasPrefix(c.words[0].text, "docker") || indexWord(c.words, "compose") < 0 && c.words[0].text != "docker-compose" {
				continue
			}
			started := slices.DeleteFunc(slices.Clone(c.words[up+1:]), func(w word) bool { return strings.HasPrefix(w.text, "-") })
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

// composeService adds a service of a compose file, and returns its name.
func (d *detector) composeService(c composed, file, command string) string {
	if len(c.dependsOn) > 0 {
		command += "--no-deps "
	}
	s := Service{Origin: file, Command: command + quoteSh(c.name), StopAfter: "15s"}
	published := d.published(c.ports)
	s.NoPort = len(published) == 0
	if s.NoPort && len(c.ports) > 0 {
		s.Remarks = append(s.Remarks, "Docker chooses its host ports. Write \"${PORT}:80\" in "+file+" to let devports choose.")
	}
	name := d.project.add(s, c.name, "docker-"+c.name)
	added := &d.project.Services[len(d.project.Services)-1]
	for i, p := range published {
		variable := "PORT_" + variableName(name)
		if i == 0 {
			added.Pin = p.host
		} else {
			port := Port{d.portName(name, p), p.host}
			added.Ports = append(added.Ports, port)
			variable += "_" + variableName(port.Name)
		}
		if p.variable != "" && p.variable != "PORT" && p.variable != variable {
			d.project.setEnv(Variable{p.variable, "${" + variable + "}", file})
		}
		if p.variable == "" {
			added.fixed = true
		}
	}
	return name
}

// setEnv sets a variable for all services, unless it is already set.
func (p *Project) setEnv(v Variable) {
	if !slices.ContainsFunc(p.Env, func(o Variable) bool { return o.Name == v.Name }) {
		p.Env = append(p.Env, v)
	}
}

// carryDependencies gives the services their dependencies in the compose file.
// renamed maps names in the compose file to names of services.
func (d *detector) carryDependencies(services []composed, renamed map[string]string) {
	for _, c := range services {
		i := slices.IndexFunc(d.project.Services, func(s Service) bool { return s.Name == renamed[c.name] })
		if i < 0 {
			continue
		}
		for _, on := range c.dependsOn {
			if name := renamed[on]; name != "" {
				d.project.Services[i].DependsOn = append(d.project.Services[i].DependsOn, name)
			}
		}
	}
}

// remark explains, once for all services of a compose file, their stop_timeout
// and the effect of a fixed port on other worktrees.
func (d *detector) remark(added []int, file string) {
	for n, i := range added {
		if n == 0 {
			first := &d.project.Services[i]
			first.Remarks = append(first.Remarks, "Docker takes up to 10 s to stop a container, hence the stop_timeout.")
		}
		if s := &d.project.Services[i]; s.fixed {
			variable := variableName(s.Name) + "_PORT"
			s.Remarks = append(
				s.Remarks,
				fmt.Sprintf("%s publishes port %d in every worktree, so only one can run. To give each its own port, write", file, s.Pin),
				fmt.Sprintf("\"${%s:-%d}:…\" there, and %s = \"${PORT_%s}\" in [env] here.", variable, s.Pin, variable, variableName(s.Name)),
			)
			return
		}
	}
}
