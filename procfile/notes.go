package procfile

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/devports/devports/allocator"
	"github.com/devports/devports/allocator/envvar"
	"github.com/devports/devports/allocator/text"
	"github.com/devports/devports/procfile/shell"
)

// shorterFile returns path relative to the Portfile's directory, as the user
// spelled that directory.
func shorterFile(f File, path string) string {
	if rel, err := filepath.Rel(f.Dir, path); err == nil && f.Path != "" {
		return filepath.Join(filepath.Dir(f.Name), rel)
	}
	return path
}

func (r *resolver) noteEnvFilePort(path string, v Variable, s Service) {
	note := problemf(shorterFile(r.file, path), v.Pos, "remove the line", "%s is set here, but devports sets it", v.Name)
	if v.Name == "PORT" {
		note.Text = "PORT is set here, but every service has its own"
		note.Hint = r.pinHint(v.Value)
	}
	if !slices.Contains(r.notes, note) {
		r.notes = append(r.notes, note)
	}
}

// noteUndefined notes undefined variables in an env file: they would shorten a
// password that contains a dollar. The note does not print the value, which may
// be secret.
func (r *resolver) noteUndefined(path string, v Variable, names []string) {
	for _, name := range names {
		if name == "PORT" {
			continue // a worker without a port shares the file with the others
		}
		reference := "$" + name
		if !strings.Contains(v.Value, reference) {
			reference = "${" + name + "}"
		}
		note := problemf(shorterFile(r.file, path), v.Pos,
			fmt.Sprintf("for a literal dollar, quote the value: %s='...'; for an optional variable, write ${%s:-}", v.Name, name),
			"%s is not defined, so %q in %s is empty", name, reference, v.Name)
		if !slices.Contains(r.notes, note) {
			r.notes = append(r.notes, note)
		}
	}
}

// noteMistyped notes variables in a shell command that are not set, where the
// name of one that devports sets is near.
func (r *resolver) noteMistyped(s Service, c Command, env Environment) {
	if !strings.Contains(c.Shell, "$") {
		return
	}
	var known []string
	for _, ref := range shell.References(c.Shell) {
		if _, set := env.Lookup(ref.Name); set {
			continue
		}
		if ref.Name == "PORT" && !s.HasPort {
			r.notes = append(r.notes, problemf(r.file.Name, c.at(ref.Offset), "remove port = false", "PORT is not set: service %s has no port", quote(s.Name)))
			continue
		}
		if known == nil {
			for _, v := range env.Set() {
				known = append(known, v.Name)
			}
		}
		near, ok := text.Nearest(ref.Name, known)
		if ok && near[0] == ref.Name[0] && !slices.Contains(shellVariables, ref.Name) { // REPORT is not a mistyped PORT
			note := problemf(r.file.Name, c.at(ref.Offset), "did you mean $"+near+"?", "%s is not set, so $%s in %s is empty", ref.Name, ref.Name, quote(s.Name))
			if !slices.Contains(r.notes, note) { // of a replica
				r.notes = append(r.notes, note)
			}
		}
	}
}

// shellVariables are variables that shells set themselves.
var shellVariables = []string{"PPID", "PWD", "OLDPWD", "PS1", "PS2", "PS4", "IFS", "OPTARG", "OPTIND", "LINENO", "RANDOM", "SECONDS", "UID", "EUID", "HOSTNAME", "SHLVL", "HOME", "PATH", "USER", "TERM"}

// noteInheritedPort notes a PORT in the caller's environment, unless devports
// set it.
func (r *resolver) noteInheritedPort() {
	value, set := r.inherited["PORT"]
	_, ours := r.inherited[envvar.Project]
	if set && !ours && len(r.wanted) > 0 {
		r.notes = append(r.notes, Problem{
			Text: fmt.Sprintf("ignoring PORT=%s from the environment: every service has its own port", value),
			Hint: r.pinHint(value),
		})
	}
}

// notePins notes pins that are likely to fail on some machine or in a browser.
func (r *resolver) notePins() {
	for _, w := range r.wanted {
		if reason := allocator.Discouraged(w.Pin); w.Pin != 0 && reason != "" {
			r.notes = append(r.notes, problemf(r.file.Name, w.pos,
				"pin another port, or remove the pin and let devports choose one",
				"%s is pinned to %d, but %s", w.Name, w.Pin, reason))
		}
	}
}

// EphemeralPins returns a note for each pin that an outgoing connection of the
// machine may hold.
func (f File) EphemeralPins(local allocator.Local) Problems {
	var notes Problems
	for _, w := range f.wanted() {
		if w.Pin != 0 && local.MayBeEphemeral(w.Pin) {
			notes = append(notes, problemf(f.Name, w.pos, "pin another port, or reserve this one: devports doctor shows how",
				"%s is pinned to %d, but an outgoing connection may hold it: this machine's ephemeral range is %s", w.Name, w.Pin, local.Ephemeral))
		}
	}
	return notes
}

func (r *resolver) pinHint(value string) string {
	if _, err := allocator.ParsePort(value); err != nil {
		value = "3000"
	}
	if r.file.Procfile {
		return "to pin a service's port, use a Portfile and set port = " + value
	}
	return "to pin a service's port, set port = " + value + " in its table"
}
