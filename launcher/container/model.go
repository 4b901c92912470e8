package container

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/devports/devports/allocator/text"
	"github.com/devports/devports/procfile"
)

// model is a compose file as the engine has resolved it.
type model map[string]any

// composeCommand returns the arguments before the command of compose.
func (e Engine) composeCommand(project string, options ...string) []string {
	argv := slices.Clone(e.Compose)
	if !strings.HasPrefix(argv[0], "podman") {
		argv = append(argv, "--ansi", "never")
	}
	if project != "" {
		argv = append(argv, "-p", project)
	}
	return append(argv, options...)
}

// readModel lets the engine resolve a compose file, "" for the one that it finds.
func (h host) readModel(ctx context.Context, e Engine, project, file string) (model, error) {
	var options []string
	if file != "" {
		options = append(options, "-f", file)
	}
	if e.Old {
		options = append(options, "config")
	} else {
		options = append(options, "--profile", "*", "config", "--format", "json")
	}
	if file != "" {
		if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
			return nil, failure("compose_file is relative to the Portfile", "there is no compose file %s", file)
		}
	}
	out, err := h.output(ctx, e.composeCommand(project, options...)...)
	if err != nil {
		if said := err.Error(); file == "" && (strings.Contains(said, "no configuration file provided") || strings.Contains(said, "upported filenames")) {
			return nil, failure(`if it has another name: compose_file = "dev/compose.yaml"`, "there is no compose file in %s", h.dir)
		}
		return nil, explain(e, err)
	}
	m := model{}
	if e.Old {
		err = yaml.Unmarshal([]byte(out), &m)
	} else {
		err = json.Unmarshal([]byte(out), &m)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot parse the output of %s config: %w", strings.Join(e.Compose, " "), err)
	}
	return m, nil
}

func table(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}

func (m model) services() []string { return slices.Sorted(maps.Keys(table(m["services"]))) }

func (m model) service(name string) map[string]any { return table(table(m["services"])[name]) }

// find returns a service, or why there is none.
func (m model) find(name string) (map[string]any, error) {
	if s := m.service(name); s != nil {
		return s, nil
	}
	hint := "available services: " + text.Join(m.services(), "and")
	if near, ok := text.Nearest(name, m.services()); ok {
		hint = "did you mean " + near + "?"
	}
	return nil, failure(hint, "the compose file has no service %s", name)
}

// hash identifies a version of a service.
func (m model) hash(name string) string {
	encoded, _ := json.Marshal([]any{m.service(name), m["volumes"], m["networks"]})
	sum := sha256.Sum256(encoded)
	return hex.EncodeToString(sum[:6])
}

// scalar returns a string or a number as text.
func scalar(v any) string {
	switch v := v.(type) {
	case nil, []any, map[string]any:
		return ""
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	default:
		return fmt.Sprint(v)
	}
}

// dependencies returns the dependencies of a service with their conditions.
func dependencies(service map[string]any) map[string]string {
	all := map[string]string{}
	switch on := service["depends_on"].(type) {
	case []any:
		for _, name := range on {
			all[scalar(name)] = "service_started"
		}
	case map[string]any:
		for name, options := range on {
			all[name] = scalar(table(options)["condition"])
		}
	}
	return all
}

// port is a port that a compose file publishes.
type port struct {
	address   string // of the host; "": all
	published string // "": the engine chooses
	target    int
	protocol  string
}

// portsOf returns the ports that a service publishes. The engines have replaced
// ranges and variables.
func portsOf(service map[string]any) []port {
	list, _ := service["ports"].([]any)
	var ports []port
	for _, entry := range list {
		if long := table(entry); long != nil {
			target, _ := strconv.Atoi(scalar(long["target"]))
			protocol := scalar(long["protocol"])
			if protocol == "" {
				protocol = "tcp"
			}
			ports = append(ports, port{scalar(long["host_ip"]), scalar(long["published"]), target, protocol})
			continue
		}
		p := port{protocol: "tcp"}
		rest, protocol, ok := strings.Cut(scalar(entry), "/")
		if ok {
			p.protocol = protocol
		}
		i := strings.LastIndexByte(rest, ':')
		p.target, _ = strconv.Atoi(rest[i+1:])
		if i >= 0 {
			rest = rest[:i]
			j := strings.LastIndexByte(rest, ':')
			p.published = rest[j+1:]
			if j >= 0 {
				p.address = strings.Trim(rest[:j], "[]")
			}
		}
		ports = append(ports, p)
	}
	return ports
}

// mapping returns a port as compose files have it: "127.0.0.1:23118:5432".
func (p port) mapping() string {
	mapping := p.published + ":" + strconv.Itoa(p.target)
	if strings.Contains(p.address, ":") {
		return "[" + p.address + "]:" + mapping
	}
	if p.address != "" {
		return p.address + ":" + mapping
	}
	return mapping
}

// publish returns the ports to publish instead of those of the file, and those
// of the file that are dropped, because the Portfile has no port for them. The
// error is a *Failure if the file does not publish as many ports.
func publish(ports []port, want []procfile.Publish) (published, dropped []port, err error) {
	used := map[int]bool{}
	take := func(match func(int, port) bool) (port, bool) {
		i := slices.IndexFunc(ports, func(p port) bool { return p.protocol == "tcp" && p.target > 0 && match(p.target, p) && !used[p.target] })
		if i < 0 {
			return port{}, false
		}
		used[ports[i].target] = true
		return ports[i], true
	}
	named := map[int]bool{}
	for _, w := range want {
		named[w.Container] = w.Container != 0
	}
	for _, w := range want {
		p, ok := take(func(target int, _ port) bool {
			return target == w.Container || w.Container == 0 && !named[target]
		})
		switch {
		case !ok && w.Container != 0:
			p = port{address: "127.0.0.1", target: w.Container, protocol: "tcp"}
		case !ok && w.Name == "":
			return nil, nil, failure("container_port = 5432, or port = false", "the compose file publishes no port for it")
		case !ok:
			return nil, nil, failure("container_ports = { "+w.Name+" = 8080 }", "the compose file publishes no port for its port %s", w.Name)
		}
		p.published = strconv.Itoa(w.Host)
		published = append(published, p)
	}
	for _, p := range ports {
		if !slices.ContainsFunc(published, func(q port) bool { return q.target == p.target && q.protocol == p.protocol }) {
			dropped = append(dropped, p)
		}
	}
	return published, dropped, nil
}

// isolated returns the model in which a service has the ports and the name of
// this checkout, and devports restarts it instead of the engine.
func (m model) isolated(s Spec, instance string, ports []port, getenv func(string) string) model {
	c := s.Container
	service := maps.Clone(m.service(c.Compose))
	for _, key := range []string{"container_name", "scale", "depends_on"} {
		delete(service, key)
	}
	if deploy := table(service["deploy"]); deploy != nil {
		deploy = maps.Clone(deploy)
		for _, key := range []string{"replicas", "mode", "restart_policy"} {
			delete(deploy, key)
		}
		service["deploy"] = deploy
	}
	service["restart"] = "no"
	mappings := []any{}
	for _, p := range ports {
		mappings = append(mappings, p.mapping())
	}
	service["ports"] = mappings
	if c.StopSignal != "" {
		service["stop_signal"] = "SIG" + c.StopSignal
	}
	labels := pairs(service["labels"])
	for name, value := range s.labels(instance) {
		labels[name] = strings.ReplaceAll(value, "$", "$$")
	}
	service["labels"] = labels
	changed := maps.Clone(m)
	if len(c.Env) > 0 {
		environment := pairs(service["environment"])
		for _, name := range c.Env {
			environment[name] = strings.ReplaceAll(getenv(name), "$", "$$")
		}
		service["environment"] = environment
	}
	services := map[string]any{c.Compose: service}
	if refersToOthers(service) {
		maps.Copy(services, table(m["services"]))
		services[c.Compose] = service
	} else if volumes := table(m["volumes"]); volumes != nil {
		// docker-compose 1 creates all volumes.
		used := map[string]any{}
		for _, source := range volumesOf(service) {
			if v, ok := volumes[source]; ok {
				used[source] = v
			}
		}
		for key, name := range m.namedVolumes(c.Project, c.Compose) { // devports has created them
			used[key] = map[string]any{"name": name, "external": true}
		}
		changed["volumes"] = used
	}
	changed["services"] = services
	return changed
}

// pairs returns a map or a list of NAME=VALUE as a map.
func pairs(v any) map[string]any {
	all := map[string]any{}
	switch old := v.(type) {
	case map[string]any:
		maps.Copy(all, old)
	case []any:
		for _, entry := range old {
			if name, value, ok := strings.Cut(scalar(entry), "="); ok {
				all[name] = value
			} else {
				all[name] = nil
			}
		}
	}
	return all
}

// refersToOthers reports whether a service has the volumes, the network or the
// namespaces of other containers.
func refersToOthers(service map[string]any) bool {
	for _, key := range []string{"volumes_from", "links"} {
		if list, _ := service[key].([]any); len(list) > 0 {
			return true
		}
	}
	return slices.ContainsFunc([]string{"network_mode", "pid", "ipc"}, func(key string) bool {
		return strings.HasPrefix(scalar(service[key]), "service:")
	})
}

// volumesOf returns the sources of the volumes of a service, paths included.
func volumesOf(service map[string]any) (sources []string) {
	list, _ := service["volumes"].([]any)
	for _, entry := range list {
		source := scalar(table(entry)["source"])
		if table(entry) == nil {
			source, _, _ = strings.Cut(scalar(entry), ":")
		}
		sources = append(sources, source)
	}
	return sources
}

// namedVolumes returns the volumes of a service by their key, that belong to
// this project alone and have no options.
func (m model) namedVolumes(project, service string) map[string]string {
	names := map[string]string{}
	for _, source := range volumesOf(m.service(service)) {
		declared, ok := table(m["volumes"])[source]
		v := table(declared)
		plain := v["external"] == nil && v["driver"] == nil && v["driver_opts"] == nil
		if name := m.volumeName(project, source); ok && plain && name == project+"_"+source {
			names[source] = name
		}
	}
	return names
}

// sharedVolumes returns the volumes of a service that have a name of their own:
// all checkouts share them.
func (m model) sharedVolumes(project, service string) (names []string) {
	for _, source := range volumesOf(m.service(service)) {
		name := m.volumeName(project, source)
		if _, declared := table(m["volumes"])[source]; declared && name != project+"_"+source {
			names = append(names, name)
		}
	}
	return names
}

func (m model) volumeName(project, key string) string {
	return cmp.Or(scalar(table(table(m["volumes"])[key])["name"]), project+"_"+key)
}
