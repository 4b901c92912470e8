package procfile

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/devports/devports/allocator/text"
)

// Origin is the kind of place that a setting comes from.
type Origin string

const (
	FromDefault  Origin = "default"
	FromPortfile Origin = "portfile"
	FromIncluded Origin = "included"
	FromLocal    Origin = "local"      // a Portfile.local
	FromMain     Origin = "main_local" // the Portfile.local of the main checkout
)

// Setting is the effective value of a key, and where it comes from.
type Setting struct {
	Service string `json:"service,omitempty"` // "" for a key of the project
	Key     string `json:"key"`               // of a variable, "env.NAME"
	Value   string `json:"value"`             // as in a Portfile; of a default, a description
	Origin  Origin `json:"origin"`
	File    string `json:"file,omitempty"`
	Line    int    `json:"line,omitempty"`
}

// Explain returns the effective values of all keys: those of the project in the
// order of the files, then those of each service, its defaults last. With the
// name of a service, only that service's.
func (f File) Explain(service string) []Setting {
	e := explainer{file: f}
	if f.tree == nil {
		for _, s := range f.Services {
			if service == "" || s.Name == service {
				e.add(s.Name, "command", quote(s.Command.Shell), s.Pos)
				e.defaults(s.Name, []string{"command"}, serviceDefaults())
			}
		}
		return e.all
	}
	var set []string
	for _, entry := range f.tree.entries {
		set = append(set, entry.key)
		if service == "" && entry.key != "services" {
			e.entry("", entry)
		}
	}
	if service == "" {
		e.defaults("", append(set, "services"), projectDefaults())
	}
	if services := f.tree.find("services"); services != nil {
		for _, entry := range services.value.entries {
			if service == "" || entry.key == service {
				e.service(entry)
			}
		}
	}
	return e.all
}

// explainer collects settings.
type explainer struct {
	file File
	all  []Setting
}

func (e *explainer) add(service, key, value string, pos Position) {
	s := Setting{Service: service, Key: key, Value: value, Origin: FromPortfile, File: pos.file(e.file.Name), Line: pos.Line}
	switch in := pos.in; {
	case in == nil:
	case in.main:
		s.Origin = FromMain
	case in.local:
		s.Origin = FromLocal
	default:
		s.Origin = FromIncluded
	}
	e.all = append(e.all, s)
}

// entry adds a key; of a table, each of its entries.
func (e *explainer) entry(service string, entry *entry) {
	if entry.value.kind != kindTable {
		e.add(service, entry.key, entry.value.literal(), entry.pos)
		return
	}
	for _, sub := range entry.value.entries {
		if entry.key != "setup" || sub.value.kind != kindTable {
			e.add(service, entry.key+"."+sub.key, sub.value.literal(), sub.pos)
			continue
		}
		for _, key := range sub.value.entries {
			e.add(service, entry.key+"."+sub.key+"."+key.key, key.value.literal(), key.pos)
		}
	}
}

// service adds the keys of a service, with the variables that it shares with
// others.
func (e *explainer) service(entry *entry) {
	if entry.value.kind != kindTable {
		e.add(entry.key, "command", entry.value.literal(), entry.pos)
	}
	vars := map[string]Variable{}
	shared := slices.Clone(e.file.Env)
	for _, p := range entry.pos.included().chain() {
		shared = append(shared, p.env...)
	}
	for _, v := range shared {
		vars[v.Name] = v
	}
	set := []string{"command"}
	for _, key := range entry.value.entries {
		set = append(set, key.key)
		if key.key == "env" && key.value.kind == kindTable {
			for _, v := range key.value.entries {
				delete(vars, v.key)
			}
		}
		e.entry(entry.key, key)
	}
	for _, name := range slices.Sorted(maps.Keys(vars)) {
		e.add(entry.key, "env."+name, quote(vars[name].Value), vars[name].Pos)
	}
	e.defaults(entry.key, set, serviceDefaults())
}

// defaults adds the keys that are not set.
func (e *explainer) defaults(service string, set []string, defaults map[string]string) {
	for _, key := range slices.Sorted(maps.Keys(defaults)) {
		if !slices.Contains(set, key) {
			e.all = append(e.all, Setting{Service: service, Key: key, Value: defaults[key], Origin: FromDefault})
		}
	}
}

// projectDefaults are the defaults of the keys that have one.
func projectDefaults() map[string]string {
	return map[string]string{
		"project": "the directory's name", "env_files": ".env, if it is there", "range": "10000-29999", "stop_on_exit": "false",
	}
}

func serviceDefaults() map[string]string {
	s := newService("", Position{})
	return map[string]string{
		"shared": "false", "dir": `"."`, "port": "chosen once", "ready": "its port", "ready_timeout": "none, or 1m if another service waits for it",
		"restart": quote(string(s.Restart)), "replicas": strconv.Itoa(s.Replicas), "autostart": strconv.FormatBool(!s.Manual),
		"stop_signal": quote(s.StopSignal), "stop_timeout": quote(s.StopTimeout.String()),
	}
}

// literal returns a value as a Portfile has it, on one line.
func (v *value) literal() string {
	switch v.kind {
	case kindString:
		return quote(text.OneLine(v.text))
	case kindArray:
		items := make([]string, len(v.items))
		for i := range v.items {
			items[i] = v.items[i].literal()
		}
		return "[" + strings.Join(items, ", ") + "]"
	case kindTable:
		entries := make([]string, len(v.entries))
		for i, e := range v.entries {
			entries[i] = e.key + " = " + e.value.literal()
		}
		return "{ " + strings.Join(entries, ", ") + " }"
	}
	return v.text
}
