package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/devports/devports/allocator"
	"github.com/devports/devports/allocator/lockfile"
	"github.com/devports/devports/allocator/ownership"
	"github.com/devports/devports/allocator/text"
	"github.com/devports/devports/cmd/devports/internal/project"
	"github.com/devports/devports/cmd/devports/internal/wording"
	"github.com/devports/devports/launcher/output"
	"github.com/devports/devports/procfile"
	"github.com/devports/devports/registry"
)

// The exit statuses (section 11 of the design).
const (
	exitFailed  = 1
	exitUsage   = 2
	exitInvalid = 3
	exitPort    = 4
	exitRunning = 5
)

// failure is an error in the words that the user reads.
type failure struct {
	status int
	lines  []errorLine // none: whoever failed has said it
}

// errorLine is what went wrong, and what to do about it, if that is known.
type errorLine struct{ text, hint string }

func (f failure) Error() string {
	texts := make([]string, len(f.lines))
	for i, l := range f.lines {
		texts[i] = l.text
	}
	return strings.Join(texts, "\n")
}

// fail makes a failure of one line.
func fail(status int, hint, format string, args ...any) failure {
	return failure{status, []errorLine{{fmt.Sprintf(format, args...), hint}}}
}

// usage makes a failure for what was typed.
func usage(hint, format string, args ...any) failure {
	return fail(exitUsage, hint, format, args...)
}

// report prints an error, if there is one, and returns the exit status.
func report(s session, err error) int {
	if err == nil {
		return 0
	}
	f := s.explain(err)
	for _, l := range f.lines {
		s.complain("error", "31", l.text)
		if l.hint != "" {
			s.complain("hint", "36", l.hint)
		}
	}
	return f.status
}

// complain prints a line with its kind, in colour on a terminal.
func (s session) complain(kind, color, text string) {
	if s.notices.say(kind, text) {
		return
	}
	label := "devports: " + kind + ":"
	if colored, _ := s.colored("auto", s.stderr); colored {
		label = "\x1b[" + color + "m" + label + "\x1b[0m"
	}
	lines := strings.Split(text, "\n")
	fmt.Fprintln(s.stderr, label, lines[0])
	for _, line := range lines[1:] {
		fmt.Fprintln(s.stderr, "  "+line)
	}
}

// notices has the notes of a run that is being shown appear among its lines: the
// stream has one owner, and rows may be below it. Its methods may be called by any
// goroutine.
type notices struct{ own atomic.Pointer[output.Mux] }

// showIn has notes appear there from now on; nil is stderr again.
func (n *notices) showIn(own *output.Mux) {
	if n != nil {
		n.own.Store(own)
	}
}

// say shows a line with its kind, and reports whether a run is being shown.
func (n *notices) say(kind, text string) bool {
	if n == nil {
		return false
	}
	own := n.own.Load()
	if own == nil {
		return false
	}
	if kind == "hint" {
		text = "  hint: " + text
	}
	own.Say(strings.ReplaceAll(text, "\n", "\n  "))
	return true
}

// explain puts any error in words.
func (s session) explain(err error) failure {
	var (
		said     failure
		problems procfile.Problems
		missing  *procfile.NotFoundError
		damaged  *registry.DamagedError
		newer    *registry.NewerError
		held     *lockfile.HeldError
		conflict *registry.ConflictError
		unknown  *registry.UnknownError
		name     *registry.NameError
		replica  *procfile.UndeclaredError
		file     *project.FileError
		taken    *project.TakenError
		relative *registry.RelativeHomeError
		path     *fs.PathError
		kind     *procfile.FileTypeError
		system   *os.SyscallError
	)
	switch {
	case errors.As(err, &said):
		return said
	case errors.As(err, &problems):
		f := failure{status: exitInvalid}
		for _, p := range problems {
			f.lines = append(f.lines, errorLine{p.Error(), p.Hint})
		}
		return f
	case errors.As(err, &missing):
		f := failure{status: exitInvalid}
		hint := threeLines
		for _, foreign := range missing.Foreign {
			f.lines = append(f.lines, errorLine{foreign.Error(), useNevertheless(foreign)})
			hint = ""
		}
		text := fmt.Sprintf("no %s here: looked in %s", strings.Join(procfile.Names, ", "), strings.Join(missing.Looked, ", "))
		f.lines = append(f.lines, errorLine{text, hint})
		return f
	case errors.As(err, &damaged):
		return fail(exitFailed, "nothing was changed; mend the line, or type devports doctor --fix, which keeps what it replaces",
			"the registry %s is damaged in line %d: %v", damaged.Path, damaged.Line, damaged.Err)
	case errors.As(err, &newer):
		return fail(exitFailed, "update devports, or name another registry with --registry FILE",
			"the registry %s is of version %d: a newer devports wrote it", newer.Path, newer.Version)
	case errors.As(err, &held):
		if held.PID == 0 {
			return fail(exitFailed, "", "the registry is in use by a process that does not say who it is (%s): gave up waiting", held.Path)
		}
		return fail(exitFailed, fmt.Sprintf("see what it does: ps -fp %d", held.PID),
			"the registry is in use by pid %d (%s): gave up waiting", held.PID, text.OneLine(held.Command))
	case errors.As(err, &conflict):
		f := failure{status: exitPort}
		for _, c := range conflict.Conflicts {
			f.lines = append(f.lines, conflictLine(conflict.Scope, c))
		}
		return f
	case errors.As(err, &unknown):
		return fail(exitFailed, "devports ls lists the names", "%s: no port is kept for %s", unknown.Scope, joinNames(unknown.Names))
	case errors.As(err, &replica):
		hint := "it declares " + wording.List(replica.Declared)
		if near, ok := text.Nearest(replica.Name, replica.Declared); ok {
			hint = "did you mean " + near + "?"
		}
		return usage(hint, "%v", replica)
	case errors.As(err, &name):
		return usage("", "%q cannot be a name: %s", name.Name, name.Reason)
	case errors.As(err, &file) && file.Folder:
		return fail(exitInvalid, "name the file in it", "%v", file)
	case errors.As(err, &file):
		return fail(exitInvalid, "", "%v", file)
	case errors.As(err, &kind) && kind.Pipe:
		return fail(exitInvalid, "to read it nevertheless, name it: -f "+text.QuoteSh(kind.Path), "%v", kind)
	case errors.As(err, &kind):
		return fail(exitInvalid, "", "%v", kind)
	case errors.As(err, &taken):
		f := failure{status: exitPort}
		containers := s.containersOf(taken.Taken)
		for _, t := range taken.Taken {
			f.lines = append(f.lines, takenLine(t, containers))
		}
		return f
	case errors.Is(err, allocator.ErrNoneLeft):
		return fail(exitPort, "widen it: range = \"10000-29999\" in the Portfile, or DEVPORTS_RANGE", "no free port is left in the range")
	case errors.Is(err, registry.ErrNoHome):
		return fail(exitFailed, "", "%v", registry.ErrNoHome)
	case errors.As(err, &relative):
		return fail(exitFailed, "write the absolute path: "+relative.Variable+"="+text.QuoteSh(absolute(relative.Path)), "%v", relative)
	case errors.As(err, &system) && system.Syscall == "getwd" && errors.Is(err, fs.ErrNotExist):
		return fail(exitFailed, "cd to a folder that is there", "the working directory is gone")
	case errors.Is(err, context.Canceled):
		return fail(exitFailed, "", "interrupted")
	case errors.As(err, &path) && path.Op == "lock":
		return fail(exitFailed, "keep the registry on a local disk: set DEVPORTS_HOME to a folder there, or DEVPORTS_REGISTRY to a file",
			"the file system of %s cannot lock files: %v", filepath.Dir(path.Path), path.Err)
	case errors.As(err, &path):
		if home, err := registry.Home(s.getenv); err == nil && (isBelow(path.Path, home) || isBelow(home, path.Path)) {
			return explainFile(path, home)
		}
	}
	return fail(exitFailed, "", "%v", err)
}

// useNevertheless is what to type to use the Portfile of another user.
func useNevertheless(foreign *ownership.ForeignError) string {
	return "if you trust what it runs, name it: -f " + text.QuoteSh(foreign.Path)
}

// noteForeign notes what was found above the working directory and is not taken.
func (s session) noteForeign(missing *procfile.NotFoundError) {
	for _, foreign := range missing.Foreign {
		s.note("%v; %s", foreign, useNevertheless(foreign))
	}
}

// explainFile puts in words what the system says of a file on the way to home or
// below it.
func explainFile(err *fs.PathError, home string) failure {
	const elsewhere = "set DEVPORTS_HOME to a folder that you can write to"
	found := nearest(err.Path)
	switch {
	case errors.Is(err, syscall.EISDIR):
		return fail(exitFailed, "move it away, or type devports doctor --fix, which does and keeps it", "%s is a folder, where devports keeps a file", err.Path)
	case errors.Is(err, syscall.ENOSPC):
		return fail(exitFailed, "make room there: nothing was changed", "%s cannot be written: the disk is full", err.Path)
	case errors.Is(err, fs.ErrPermission) && ownedByAnother(found) && !isBelow(found, home):
		return fail(exitFailed, elsewhere, "%s cannot be made: %s belongs to another user", home, found)
	case errors.Is(err, fs.ErrPermission) && ownedByAnother(found):
		return fail(exitFailed, fmt.Sprintf(`make it yours again: sudo chown -R "$(id -u)" %s; or %s`, text.QuoteSh(found), elsewhere),
			"%s belongs to another user, and you may not change it", found)
	}
	return fail(exitFailed, elsewhere, "%v", err)
}

// nearest is path, or the nearest folder above it that there is.
func nearest(path string) string {
	for parent := filepath.Dir(path); !exists(path) && parent != path; parent = filepath.Dir(path) {
		path = parent
	}
	return path
}

// isBelow reports whether path is folder, or in it.
func isBelow(path, folder string) bool {
	relative, err := filepath.Rel(folder, path)
	return err == nil && relative != ".." && !strings.HasPrefix(relative, ".."+string(filepath.Separator))
}

// absolute is a path as seen from the working directory.
func absolute(path string) string {
	if absolute, err := filepath.Abs(path); err == nil {
		return absolute
	}
	return path
}

// threeLines is what somebody without a Portfile needs.
const threeLines = `devports init writes a Portfile from what is here; or save these lines at the root of the project:
[services]
web = "npm run dev -- --port $PORT"
api = "go run ./api"`

func conflictLine(scope registry.Scope, c registry.Conflict) errorLine {
	what := fmt.Sprintf("%s pins port %d, which was chosen for %s", c.Name, c.Port, c.Owner.String())
	remove, giveUp := "devports rm "+c.Owner.Name.String(), "give that one up: "
	switch {
	case c.Owner.Scope.UserWide():
		remove = "devports rm -g " + c.Owner.Name.String()
	case c.Owner.Scope != scope && c.Gone:
		remove = "devports prune"
		what += " in " + c.Owner.Scope.Directory + ", which is gone"
	case c.Owner.Scope != scope:
		if what += " in " + c.Owner.Scope.Directory; !exists(c.Owner.Scope.Directory) {
			what += ", which cannot be seen from here"
			giveUp = "once that folder is there again, " + giveUp
		}
		remove = "cd " + text.QuoteSh(c.Owner.Scope.Directory) + " && " + remove
	}
	return errorLine{what, "pin another port, or " + giveUp + remove}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func joinNames(names []allocator.PortName) string {
	texts := make([]string, len(names))
	for i, n := range names {
		texts[i] = n.String()
	}
	return strings.Join(slices.Compact(texts), ", ")
}
