package procfile

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/devports/devports/allocator"
	"github.com/devports/devports/allocator/text"
)

// serviceSynonyms are the keys of other tools for those of a service.
var serviceSynonyms = sync.OnceValue(func() map[string]string {
	return map[string]string{
		"cmd": "command", "commands": "command", "run": "command", "exec": "command", "script": "command",
		"start": "command", "entrypoint": "command", "shell": "command",
		"cwd": "dir", "workdir": "dir", "working_dir": "dir", "directory": "dir", "root": "dir", "path": "dir",
		"environment": "env", "vars": "env", "variables": "env", "env_file": "env_files", "envfile": "env_files", "dotenv": "env_files",
		"healthcheck": "ready", "health_check": "ready", "health": "ready", "readiness": "ready", "readiness_probe": "ready",
		"depends": "depends_on", "deps": "depends_on", "needs": "depends_on", "requires": "depends_on", "after": "depends_on",
		"autorestart": "restart", "auto_restart": "restart", "restart_policy": "restart",
		"instances": "replicas", "scale": "replicas", "numprocs": "replicas", "processes": "replicas",
		"stopsignal": "stop_signal", "kill_signal": "stop_signal", "stop_grace_period": "stop_timeout", "kill_timeout": "stop_timeout", "stopwaitsecs": "stop_timeout",
		"watch_paths": "watch", "files": "watch", "auto_start": "autostart",
	}
})

// projectSynonyms are the keys of other tools for those of a project.
var projectSynonyms = sync.OnceValue(func() map[string]string {
	return map[string]string{
		"name": "project", "environment": "env", "vars": "env", "variables": "env",
		"env_file": "env_files", "envfile": "env_files", "dotenv": "env_files",
		"service": "services", "processes": "services", "process": "services", "procs": "services",
		"commands": "services", "programs": "services", "apps": "services", "tasks": "services",
		"port_range": "range", "ports": "range",
		"includes": "include", "import": "include", "imports": "include", "profiles": "groups", "group": "groups",
	}
})

// containerKeys are keys of compose files that only make sense for a container.
var containerKeys = []string{"container_name", "networks", "network_mode", "expose", "dockerfile"}

// unknownKey is the hint for an unknown key, where " in service …", or of the
// project if where is "".
func unknownKey(e *entry, where string, known []string) string {
	ofProject := where == ""
	synonyms := serviceSynonyms()
	if ofProject {
		synonyms = projectSynonyms()
	}
	key, ok := synonym(synonyms, e.key)
	switch {
	case ok && key == "services" && (e.value.kind == kindTable || e.value.kind == kindArray):
		return "write [services." + firstService(e.value) + "]"
	case ok:
		return "use " + sample(key, e.value)
	case !ofProject && slices.Contains(containerKeys, e.key):
		name, _ := strings.CutPrefix(where, " in service ")
		return `to start a service of a compose file: compose = "` + strings.Trim(name, `"`) + `"`
	}
	if hint := didYouMean(e.key, known); hint != "" {
		return hint
	}
	switch _, ofService := serviceKeys[e.key]; {
	case !ofProject:
		return ""
	case ofService:
		return "it belongs to a service: move it below a line [services.web]"
	case !declaresService(e):
		return ""
	case e.value.kind == kindString:
		return "to declare a service, write [services] in a line above it"
	}
	return "to declare a service: [services." + e.key + "]"
}

// synonym returns the key for one of another tool.
func synonym(synonyms map[string]string, key string) (string, bool) {
	own, ok := synonyms[strings.ToLower(strings.ReplaceAll(key, "-", "_"))]
	return own, ok
}

// declaresService reports whether an entry of the project is meant to declare
// services, but stands in the wrong place.
func declaresService(e *entry) bool {
	key, _ := synonym(projectSynonyms(), e.key)
	service := e.value.kind == kindString || e.value.kind == kindTable && e.value.find("command") != nil
	return key == "services" || key == "" && serviceKeys[e.key] == nil && service && isServiceName(e.key)
}

// firstService is the name of the first service in a table or an array of
// services, or one to replace.
func firstService(v *value) string {
	if len(v.entries) > 0 && v.kind == kindTable && isServiceName(v.entries[0].key) {
		return v.entries[0].key
	}
	if v.kind == kindArray && len(v.items) > 0 {
		if name := v.items[0].find("name"); name != nil && isServiceName(name.value.text) {
			return name.value.text
		}
	}
	return "web"
}

// samples are values for keys whose values other tools write in another form.
var samples = sync.OnceValue(func() map[string]string {
	return map[string]string{
		"ready": `"http:/healthz"`, "restart": `"on-failure"`, "stop_timeout": `"10s"`, "range": `"20000-29999"`,
	}
})

// sample is a line for a key, with the value if it is a plain string that the
// key takes.
func sample(key string, v *value) string {
	literal, _ := quoted(v.text)
	value, fixed := samples()[key]
	switch {
	case fixed:
	case key == "env_files" && v.kind == kindString:
		value = "[" + literal + "]"
	case key == "depends_on" && v.kind == kindString:
		value = "[" + literal + "]"
	case key == "replicas" && v.kind == kindInteger:
		value = v.text
	case v.kind == kindString && slices.Contains([]string{"command", "dir", "project", "stop_signal"}, key):
		value = literal
	default:
		return key
	}
	return key + " = " + value
}

// instead is the hint for the value v of the key, which must be of kind k.
func (d *decoder) instead(v *value, k kind) string {
	write := func(value string) string {
		if strings.Contains(d.key, " ") { // an item
			return "write " + value
		}
		return d.key + " = " + value
	}
	literal, _ := quoted(v.text)
	switch {
	case d.key == "ready":
		return write(samples()["ready"])
	case d.key == "services" && k == kindTable:
		return "write [services." + firstService(v) + "]"
	case k == kindString && v.kind != kindArray && v.kind != kindTable:
		return write(literal)
	case k == kindArray && v.kind == kindString:
		return write("[" + literal + "]")
	case k == kindArray && v.kind == kindTable && len(v.entries) > 0:
		var names []string
		for _, e := range v.entries {
			names = append(names, quote(e.key))
		}
		return write("[" + strings.Join(names, ", ") + "]")
	case k == kindTable && v.kind == kindArray && d.key == "env":
		return write(variablesOf(v))
	case k == kindBoolean && (v.text == "true" || v.text == "false"):
		return write(v.text)
	case k == kindInteger && v.kind == kindString:
		if n, ok := (&value{text: v.text}).integer(); ok {
			return write(fmt.Sprint(n))
		}
	}
	return ""
}

// variablesOf is the table for an array of "NAME=value".
func variablesOf(v *value) string {
	var entries []string
	for _, item := range v.items {
		name, value, found := strings.Cut(item.text, "=")
		if !found {
			value = "${" + name + "}"
		}
		literal, ok := quoted(value)
		if item.kind != kindString || !isVariableName(name) || !ok {
			return `{ NAME = "value" }`
		}
		entries = append(entries, name+" = "+literal)
	}
	return "{ " + strings.Join(entries, ", ") + " }"
}

// mappedPort returns the port of the machine in a value that other tools take
// for ports: 3000, "3000", "3000:80" or "127.0.0.1:3000:80".
func mappedPort(v *value) (int, bool) {
	if v.kind != kindString && v.kind != kindInteger {
		return 0, false
	}
	parts := strings.Split(strings.TrimSuffix(strings.TrimSuffix(v.text, "/tcp"), "/udp"), ":")
	port, err := allocator.ParsePort(parts[max(len(parts)-2, 0)])
	return port, err == nil
}

// isLine reports whether the first word of an array is a command line, not a
// program: it has arguments after a name that is not a path.
func isLine(program string) bool {
	first, _, found := strings.Cut(strings.TrimSpace(program), " ")
	return found && !strings.ContainsAny(first, `/\$`)
}

// asLine is the value of a command for an array with a command line in it.
func asLine(argv []Text) string {
	if literal, ok := quoted(argv[0].Value); ok && len(argv) == 1 {
		return literal
	}
	var words []string
	for word := range strings.FieldsSeq(argv[0].Value) {
		words = append(words, word)
	}
	for _, t := range argv[1:] {
		words = append(words, t.Value)
	}
	for i, word := range words {
		words[i], _ = quoted(word)
	}
	return "[" + strings.Join(words, ", ") + "]"
}

// quoted is a string as a TOML literal that is easy to read. ok is false for one
// that cannot be written on a line.
func quoted(s string) (literal string, ok bool) {
	switch plain := text.OneLine(s) == s; {
	case !plain:
		return `"…"`, false
	case !strings.ContainsAny(s, `"\`):
		return quote(s), true
	case !strings.Contains(s, "'"):
		return "'" + s + "'", true
	case !strings.Contains(s, "'''") && !strings.HasSuffix(s, "'"):
		return "'''" + s + "'''", true
	}
	return quote(strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s)), true
}
