package procfile

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/devports/devports/allocator"
	"github.com/devports/devports/allocator/envvar"
)

// shorterFile names a file beside the Portfile as the Portfile was named.
func shorterFile(f File, path string) string {
	if rel, err := filepath.Rel(f.Dir, path); err == nil && f.Path != "" {
		return filepath.Join(filepath.Dir(f.Name), rel)
	}
	return path
}

func (r *resolver) noteEnvFilePort(path string, v Variable, s Service) {
	note := problemf(shorterFile(r.file, path), v.Pos, "take the line out", "%s is set here, but devports sets it itself", v.Name)
	if v.Name == "PORT" {
		note.Text = "PORT is set here, but every service has its own"
		note.Hint = r.pinHint(v.Value)
	}
	if !slices.Contains(r.notes, note) {
		r.notes = append(r.notes, note)
	}
}

// noteUndefined notes the names in an env file that have no value: a password
// with a dollar in it is cut short. The note does not quote the value, which may
// be secret.
func (r *resolver) noteUndefined(path string, v Variable, names []string) {
	for _, name := range names {
		if name == "PORT" {
			continue // of a service that has none, in a file for all
		}
		reference := "$" + name
		if !strings.Contains(v.Value, reference) {
			reference = "${" + name + "}"
		}
		note := problemf(shorterFile(r.file, path), v.Pos,
			fmt.Sprintf("for a dollar itself, quote the value: %s='...'; for a variable that may be missing, write ${%s:-}", v.Name, name),
			"%s is not defined, so %s lacks %q", name, v.Name, reference)
		if !slices.Contains(r.notes, note) {
			r.notes = append(r.notes, note)
		}
	}
}

// noteInheritedPort notes a PORT in the environment, unless devports itself
// put it there.
func (r *resolver) noteInheritedPort() {
	value, set := r.inherited["PORT"]
	_, ours := r.inherited[envvar.Project]
	if set && !ours && len(r.wanted) > 0 {
		r.notes = append(r.notes, Problem{
			Text: fmt.Sprintf("PORT=%s in your environment is not used: every service has its own port", value),
			Hint: r.pinHint(value),
		})
	}
}

// notePins notes the pins that something outside this machine's control speaks
// against.
func (r *resolver) notePins() {
	for _, w := range r.wanted {
		if why := allocator.Discouraged(w.Pin); w.Pin != 0 && why != "" {
			r.notes = append(r.notes, problemf(r.file.Name, w.pos,
				"pin another number, or none: devports chooses one that nothing else wants",
				"%s is pinned to %d, but %s", w.Name, w.Pin, why))
		}
	}
}

// EphemeralPins notes the pins that an outgoing connection of a machine may hold.
func (f File) EphemeralPins(local allocator.Local) Problems {
	var notes Problems
	for _, w := range f.wanted() {
		if w.Pin != 0 && local.Exposes(w.Pin) {
			notes = append(notes, problemf(f.Name, w.pos, "pin another number, or reserve this one: devports doctor prints how",
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
		return "to choose a service's port, declare it in a Portfile, with port = " + value
	}
	return "to choose a service's port, write port = " + value + " in its table"
}
