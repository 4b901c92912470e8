package procfile

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/devports/devports/allocator/text"
)

// The differences from foreman, overmind, honcho and forego that a Procfile
// which is made for them may meet.

// instance is the PS that foreman gives to a process: web.1, web.2.
func instance(s Service) string {
	name, number := s.Name, 1
	if s.ReplicaOf != "" {
		name = s.ReplicaOf
		if n, err := strconv.Atoi(strings.TrimPrefix(s.Name, name+".")); err == nil {
			number = n
		}
	}
	return name + "." + strconv.Itoa(number)
}

// overmindPorts are the variables in which overmind passes the ports of the
// processes to each other.
func (r *resolver) overmindPorts() map[string]string {
	ports := map[string]string{}
	for _, w := range r.wanted {
		ports["OVERMIND_PROCESS_"+variableName(w.Name.Service)+"_PORT"] = strconv.Itoa(r.context.Ports[w.Name])
	}
	return ports
}

// ignoredFiles are files of other runners that devports does not read, and what
// to use instead.
var ignoredFiles = []struct{ name, instead string }{
	{".foreman", "pass its options to devports up: -f for procfile, -m for formation"},
	{".honcho", "pass its options to devports up"},
	{".overmind.env", "move its variables to .env, except those that start with OVERMIND_"},
}

// ignoredVariables are variables of other runners that devports does not read.
var ignoredVariables = []struct{ name, instead string }{
	{"PROCFILE", "devports up -f "},
	{"OVERMIND_PROCFILE", "devports up -f "},
	{"OVERMIND_FORMATION", "devports up -m "},
	{"OVERMIND_ENV", ""},
	{"OVERMIND_PROCESSES", ""},
	{"OVERMIND_PORT", ""},
	{"OVERMIND_CAN_DIE", ""},
	{"OVERMIND_AUTO_RESTART", ""},
}

// noteOtherRunners notes what devports ignores of other runners, if the file is
// a Procfile.
func (r *resolver) noteOtherRunners() {
	if !r.file.Procfile || r.file.Path == "" {
		return
	}
	for _, f := range ignoredFiles {
		if _, err := os.Lstat(filepath.Join(r.file.Dir, f.name)); err == nil {
			r.notes = append(r.notes, Problem{File: shorterFile(r.file, r.file.path(f.name)), Text: "devports does not read this file", Hint: f.instead})
		}
	}
	for _, v := range ignoredVariables {
		value, set := r.inherited[v.name]
		if !set || filepath.Base(value) == filepath.Base(r.file.Name) {
			continue
		}
		hint := v.instead
		switch {
		case hint != "":
			hint += text.QuoteSh(value)
		case v.name == "OVERMIND_ENV":
			hint = "in a Portfile: env_files = [" + quote(value) + "]"
		case v.name == "OVERMIND_PROCESSES":
			hint = "devports up " + strings.ReplaceAll(value, ",", " ")
		}
		r.notes = append(r.notes, Problem{Text: "devports does not read " + v.name + " from the environment", Hint: hint})
	}
	var both []string
	path := r.file.path(".env")
	for _, v := range r.read[path] {
		value, set := r.inherits(v.Name)
		if set && value != v.Value && !slices.Contains(both, v.Name) {
			both = append(both, v.Name)
		}
	}
	if len(both) > 0 {
		slices.Sort(both)
		verb := " is"
		if len(both) > 1 {
			verb = " are"
		}
		r.notes = append(r.notes, Problem{
			File: shorterFile(r.file, path),
			Text: text.Join(both, "and") + verb + " also set in the shell, whose value counts (foreman takes that of the file)",
			Hint: "to use the file's: unset " + strings.Join(both, " "),
		})
	}
}
