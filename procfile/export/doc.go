// Package export writes the services of a project for engines that run them
// elsewhere: as a compose file, as manifests for Kubernetes, and as units for
// systemd.
//
//	procfile.File ─► containers ─► Compose, Kubernetes
//	procfile.Plan ───────────────► Systemd
//
// The package is pure: the caller reads the files. Containers get the text of
// the file, with the ports inside of the containers; what is not known until
// they start (a variable of the shell) stays a variable. Units of systemd run
// on this machine, and get the plan: the ports that devports has leased.
//
// Whatever a format cannot express is in [Result.Lost], and a comment in the
// text.
package export

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/devports/devports/allocator"
	"github.com/devports/devports/procfile"
)

// Mark is the beginning of each file of an export.
const Mark = "# Made from "

// Input is what an export is made of.
type Input struct {
	Project string // a label of a host name, which becomes part of names
	File    procfile.File
	Plan    procfile.Plan // of File, with Ports

	// Ports are those of this machine. Containers are published there, unless
	// PORT_<NAME> is set where the engine runs.
	Ports map[allocator.PortName]int

	Dockerfiles map[string]Dockerfile // by service
}

// Result is an export.
type Result struct {
	Files []File
	Lost  procfile.Problems // what the format cannot express, in order
	Empty bool              // no service could be exported
}

// File is a file of an export.
type File struct {
	Name string
	Text string
}

// losses collects what a format cannot express.
type losses struct {
	file procfile.File
	list procfile.Problems
	seen map[string]bool
}

// add adds a problem, once.
func (l *losses) add(pos procfile.Position, hint, format string, args ...any) {
	p := l.file.Problem(pos, hint, format, args...)
	if l.seen[p.Error()] {
		return
	}
	if l.seen == nil {
		l.seen = map[string]bool{}
	}
	l.seen[p.Error()] = true
	l.list = append(l.list, p)
}

// sorted returns the problems in the order of the file, those about the whole
// file last.
func (l *losses) sorted() procfile.Problems {
	slices.SortStableFunc(l.list, func(a, b procfile.Problem) int {
		if whole := (a.Line == 0) != (b.Line == 0); whole {
			return b.Line - a.Line
		}
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return l.list
}

// services adds one problem about several services, at the first of them.
func (l *losses) services(list []procfile.Service, hint, format string, args ...any) {
	if len(list) == 0 {
		return
	}
	names := make([]string, len(list))
	for i, s := range list {
		names[i] = s.Name
	}
	l.add(list[0].Pos, hint, "%s: %s", strings.Join(names, ", "), fmt.Sprintf(format, args...))
}

// header returns the comment at the top of a file.
func (l *losses) header(title string) string {
	var b strings.Builder
	b.WriteString(comment(title))
	if len(l.list) > 0 {
		b.WriteString("#\n" + comment("What differs from devports up:"))
	}
	for _, p := range l.sorted() {
		b.WriteString(comment("- " + p.Error()))
		if p.Hint != "" {
			b.WriteString(comment("  (" + p.Hint + ")"))
		}
	}
	return b.String()
}

// comment returns a text as comment lines of YAML or of a unit. A backslash
// at the end would continue a line of a unit.
func comment(text string) string {
	var b strings.Builder
	for line := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == '\n' || r == '\r' || r == '\u0085' || r == '\u2028' || r == '\u2029' }) {
		line = strings.Map(func(r rune) rune {
			if r != '\t' && (r < ' ' || r >= 0x7f && r < 0xa0 || r == '\ufeff' || r == '\ufffe' || r == '\uffff') {
				return '?'
			}
			return r
		}, line)
		b.WriteString(strings.TrimRight("# "+strings.TrimRight(line, `\ `), " ") + "\n")
	}
	return b.String()
}

// declared returns the services of the file without the steps of its setup,
// each once whatever the number of its replicas, in the order of the file.
func declared(f procfile.File) []procfile.Service {
	var list []procfile.Service
	for _, s := range f.Services {
		if !s.Step && (s.ReplicaOf == "" || s.ReplicaOf == s.Name) {
			list = append(list, s)
		}
	}
	return list
}

// filter returns the services for which keep is true.
func filter(list []procfile.Service, keep func(procfile.Service) bool) []procfile.Service {
	var kept []procfile.Service
	for _, s := range list {
		if keep(s) {
			kept = append(kept, s)
		}
	}
	return kept
}
