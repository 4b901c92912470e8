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
	"github.com/devports/devports/launcher/palette"
	"github.com/devports/devports/procfile"
	"github.com/devports/devports/registry"
)

// The exit statuses: exitStatus in help.go describes them. `devports run` has
// more, in run.go.
const (
	exitFailed  = 1
	exitUsage   = 2
	exitInvalid = 3
	exitPort    = 4
	exitRunning = 5
)

// failure is an error as it is printed.
type failure struct {
	status int
	lines  []errorLine // empty: the error was already printed
}

// errorLine is an error message, with a hint if one is known.
type errorLine struct{ text, hint string }

func (f failure) Error() string {
	texts := make([]string, len(f.lines))
	for i, l := range f.lines {
		texts[i] = l.text
	}
	return strings.Join(texts, "\n")
}

// fail returns a failure of one line.
func fail(status int, hint, format string, args ...any) failure {
	return failure{status, []errorLine{{fmt.Sprintf(format, args...), hint}}}
}

// usage returns a failure for a wrong command line.
func usage(hint, format string, args ...any) failure {
	return fail(exitUsage, hint, format, args...)
}

// report prints an error, if there is one, and returns the exit status.
func report(s session, err error) int {
	if err == nil {
		return 0
	}
	f := s.describe(err)
	for _, l := range f.lines {
		s.printMessage("error", l.text)
		if l.hint != "" {
			s.printMessage("hint", l.hint)
		}
	}
	return f.status
}

// printMessage prints a message with its kind, in colour on a terminal.
func (s session) printMessage(kind, text string) {
	if s.notices.print(kind, text) {
		return
	}
	label := "devports: " + kind + ":"
	if colored, _ := s.colored("auto", s.stderr); colored {
		color := s.palette().Note
		if kind == "error" {
			color = s.palette().Bad
		}
		label = palette.Paint(color, label)
	}
	lines := strings.Split(text, "\n")
	fmt.Fprintln(s.stderr, label, lines[0])
	for _, line := range lines[1:] {
		fmt.Fprintln(s.stderr, "  "+line)
	}
}

// notices redirects messages to the output of a run while it is shown, because
// the terminal may have rows below the stream, which only the output may move.
// Its methods may be called from any goroutine.
type notices struct{ own atomic.Pointer[output.Mux] }

// redirect sends messages to own from now on; nil stands for stderr.
func (n *notices) redirect(own *output.Mux) {
	if n != nil {
		n.own.Store(own)
	}
}

// print prints a message to the output of the run. It returns false if no run
// is shown.
func (n *notices) print(kind, text string) bool {
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

// describe returns the message, hint and exit status for any error.
func (s session) describe(err error) failure {
	var (
		done     failure
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
	case errors.As(err, &done):
		return done
	case errors.As(err, &problems):
		f := failure{status: exitInvalid}
		for _, p := range problems {
			f.lines = append(f.lines, errorLine{p.Error(), p.Hint})
		}
		return f
	case errors.As(err, &missing):
		f := failure{status: exitInvalid}
		hint := firstPortfile
		for _, foreign := range missing.Foreign {
			f.lines = append(f.lines, errorLine{foreign.Error(), useAnyway(foreign)})
			hint = ""
		}
		message := fmt.Sprintf("no %s found: searched %s", text.Join(procfile.Names, "or"), strings.Join(missing.Looked, ", "))
		f.lines = append(f.lines, errorLine{message, hint})
		return f
	case errors.As(err, &damaged):
		return fail(exitFailed, "nothing was changed: fix that line, or run devports doctor --fix, which keeps a copy of the damaged file",
			"the registry %s is damaged on line %d: %v", damaged.Path, damaged.Line, damaged.Err)
	case errors.As(err, &newer):
		return fail(exitFailed, "update devports, or use another registry with --registry FILE",
			"the registry %s has version %d: it was written by a newer devports", newer.Path, newer.Version)
	case errors.As(err, &held):
		if held.PID == 0 {
			return fail(exitFailed, "to see which process: "+wording.WhoOpened(held.Path), "timed out waiting for the registry: an unknown process holds its lock %s", held.Path)
		}
		return fail(exitFailed, "to see what it is doing: "+wording.Inspect(held.PID),
			"timed out waiting for the registry: pid %d (%s) holds its lock", held.PID, text.OneLine(held.Command))
	case errors.As(err, &conflict):
		f := failure{status: exitPort}
		for _, c := range conflict.Conflicts {
			f.lines = append(f.lines, conflictLine(conflict.Scope, c))
		}
		return f
	case errors.As(err, &unknown):
		return fail(exitFailed, "devports ls lists the names", "no port for %s (%s)", joinNames(unknown.Names), unknown.Scope)
	case errors.As(err, &replica):
		hint := "available services: " + wording.List(replica.Declared)
		if near, ok := text.Nearest(replica.Name, replica.Declared); ok {
			hint = "did you mean " + near + "?"
		}
		return usage(hint, "%v", replica)
	case errors.As(err, &name):
		return usage("", "invalid name %q: %s", name.Name, name.Reason)
	case errors.As(err, &file) && file.Directory:
		return fail(exitInvalid, "pass the file in it: -f "+text.QuoteArg(filepath.Join(file.Path, "Portfile")), "%v", file)
	case errors.As(err, &file):
		return fail(exitInvalid, "", "%v", file)
	case errors.As(err, &kind) && kind.Pipe:
		return fail(exitInvalid, "to read it anyway: -f "+text.QuoteArg(kind.Path), "%v", kind)
	case errors.As(err, &kind):
		return fail(exitInvalid, "", "%v", kind)
	case errors.As(err, &taken):
		f := failure{status: exitPort}
		containers := s.containersOf(taken.Taken)
		for _, t := range taken.Taken {
			f.lines = append(f.lines, takenLine(t, taken.Reassign, containers))
		}
		return f
	case errors.Is(err, allocator.ErrNoneLeft):
		return fail(exitPort, "widen it with range = \"10000-29999\" in the Portfile, or with DEVPORTS_RANGE", "no free port left in the range")
	case errors.Is(err, registry.ErrNoHome):
		return fail(exitFailed, "", "%v", registry.ErrNoHome)
	case errors.As(err, &relative):
		return fail(exitFailed, "use an absolute path: "+relative.Variable+"="+text.QuoteArg(absolute(relative.Path)), "%v", relative)
	case errors.As(err, &system) && system.Syscall == "getwd" && errors.Is(err, fs.ErrNotExist):
		return fail(exitFailed, "cd to another directory", "the working directory no longer exists")
	case errors.Is(err, context.Canceled):
		return fail(exitFailed, "", "interrupted")
	case errors.As(err, &path) && path.Op == "lock":
		return fail(exitFailed, "keep the registry on a local disk: set DEVPORTS_HOME to a directory there, or DEVPORTS_REGISTRY to a file",
			"cannot lock files on the file system of %s: %v", filepath.Dir(path.Path), path.Err)
	case errors.As(err, &path):
		if home, err := registry.Home(s.getenv); err == nil && (isBelow(path.Path, home) || isBelow(home, path.Path)) {
			return describeFileError(path, home)
		}
	}
	return fail(exitFailed, "", "%v", err)
}

// useAnyway is the hint for the Portfile of another user.
func useAnyway(foreign *ownership.ForeignError) string {
	return "if you trust it: -f " + text.QuoteArg(foreign.Path)
}

// noteForeign notes which Portfiles above the working directory are ignored.
func (s session) noteForeign(missing *procfile.NotFoundError) {
	for _, foreign := range missing.Foreign {
		s.note("%v; %s", foreign, useAnyway(foreign))
	}
}

// describeFileError describes an error of a file in home or of a directory above
// it.
func describeFileError(err *fs.PathError, home string) failure {
	const elsewhere = "set DEVPORTS_HOME to a directory that you can write to"
	found := nearest(err.Path)
	switch {
	case errors.Is(err, syscall.EISDIR):
		return fail(exitFailed, "move it away, or run devports doctor --fix, which renames it", "%s is a directory, not a file", err.Path)
	case errors.Is(err, syscall.ENOSPC):
		return fail(exitFailed, "free some space there; nothing was changed", "cannot write %s: the disk is full", err.Path)
	case errors.Is(err, fs.ErrPermission) && ownedByAnother(found) && !isBelow(found, home):
		return fail(exitFailed, elsewhere, "cannot create %s: %s belongs to another user", home, found)
	case errors.Is(err, fs.ErrPermission) && ownedByAnother(found):
		return fail(exitFailed, fmt.Sprintf(`take it back with sudo chown -R "$(id -u)" %s, or %s`, text.QuoteSh(found), elsewhere),
			"cannot write to %s: it belongs to another user", found)
	}
	return fail(exitFailed, elsewhere, "%v", err)
}

// nearest is path if it exists, else the nearest existing directory above it.
func nearest(path string) string {
	for parent := filepath.Dir(path); !exists(path) && parent != path; parent = filepath.Dir(path) {
		path = parent
	}
	return path
}

// isBelow reports whether path is directory or in it.
func isBelow(path, directory string) bool {
	relative, err := filepath.Rel(directory, path)
	return err == nil && relative != ".." && !strings.HasPrefix(relative, ".."+string(filepath.Separator))
}

// absolute makes a path absolute, from the working directory.
func absolute(path string) string {
	if absolute, err := filepath.Abs(path); err == nil {
		return absolute
	}
	return path
}

// firstPortfile is the hint for a user without a Portfile.
const firstPortfile = `run devports init to generate a Portfile, or save this one at the root of the project:
[services]
web = "npm run dev -- --port $PORT"
api = "go run ./api"`

func conflictLine(scope registry.Scope, c registry.Conflict) errorLine {
	message := fmt.Sprintf("%s pins port %d, which is already leased to %s", c.Name, c.Port, c.Owner.String())
	remove, release := "devports rm "+c.Owner.Name.String(), "release that one: "
	switch {
	case c.Owner.Scope.UserWide():
		remove = "devports rm -g " + c.Owner.Name.String()
	case c.Owner.Scope != scope && c.Gone:
		remove = "devports prune"
		message += " in " + c.Owner.Scope.Directory + ", which no longer exists"
	case c.Owner.Scope != scope:
		if message += " in " + c.Owner.Scope.Directory; !exists(c.Owner.Scope.Directory) {
			message += ", which is not visible from here"
			release = "once that directory is back, " + release
		}
		remove = "cd " + text.QuoteArg(c.Owner.Scope.Directory) + " && " + remove
	}
	return errorLine{message, "pin another port, or " + release + remove}
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
