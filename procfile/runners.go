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
// to do instead.
var ignoredFiles = []struct{ name, instead string }{
	{".foreman", "options of .foreman are -f and -m here"},
	{".honcho", ""},
	{".overmind.env", "move the variables of .overmind.env to .env, except those of overmind itself"},
}

// ignoredVariables are variables of other runners that devports does not read,
// and the argument of up to use instead.
var ignoredVariables = []struct{ name, argument string }{
	{"PROCFILE", "-f "},
	{"OVERMIND_PROCFILE", "-f "},
	{"OVERMIND_FORMATION", "-m "},
	{"OVERMIND_PROCESSES", ""},
	{"OVERMIND_ENV", ""},
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
	r.noteIgnored()
	r.noteShadowed()
}

// noteIgnored notes the files and variables of other runners that are there.
func (r *resolver) noteIgnored() {
	var ignored, hints []string
	for _, f := range ignoredFiles {
		if _, err := os.Lstat(filepath.Join(r.file.Dir, f.name)); err == nil {
			ignored = append(ignored, f.name)
			if f.instead != "" {
				hints = append(hints, f.instead)
			}
		}
	}
	command := "devports up"
	for _, v := range ignoredVariables {
		value, set := r.inherited[v.name]
		if !set || filepath.Base(value) == filepath.Base(r.file.Name) {
			continue
		}
		ignored = append(ignored, v.name)
		switch {
		case v.argument != "":
			command += " " + v.argument + text.QuoteSh(value)
		case v.name == "OVERMIND_ENV":
			hints = append(hints, "in a Portfile: env_files = ["+quote(value)+"]")
		case v.name == "OVERMIND_PROCESSES":
			command += " " + strings.ReplaceAll(value, ",", " ")
		}
	}
	if len(ignored) == 0 {
		return
	}
	if command != "devports up" {
		hints = slices.Insert(hints, 0, command)
	}
	r.notes = append(r.notes, Problem{
		Text: "devports does not read " + text.Join(ignored, "and"), Hint: strings.Join(hints, "; "), Once: true,
	})
}

// noteShadowed notes variables of .env that the shell overrides.
func (r *resolver) noteShadowed() {
	var both []string
	path := r.file.path(Text{Value: ".env"})
	for _, v := range r.read[path] {
		value, set := r.inherits(v.Name)
		if set && value != v.Value && !slices.Contains(both, v.Name) {
			both = append(both, v.Name)
		}
	}
	if len(both) == 0 {
		return
	}
	slices.Sort(both)
	verb := " is"
	if len(both) > 1 {
		verb = " are"
	}
	r.notes = append(r.notes, Problem{
		File: shorterFile(r.file, path),
		Text: text.Join(both, "and") + verb + " also set in the shell, which overrides the file (in foreman, the file overrides the shell)",
		Hint: "to use the file's: unset " + strings.Join(both, " "), Once: true,
	})
}
