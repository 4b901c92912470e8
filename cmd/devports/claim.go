package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/devports/devports/allocator/text"
	"github.com/devports/devports/cmd/devports/internal/wording"
	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/control"
	"github.com/devports/devports/registry"
)

// runs is where the runs of this user are found.
func (s session) runs() (control.Folder, error) {
	home, err := registry.Home(s.getenv)
	return control.NewFolder(home, s.getenv("XDG_RUNTIME_DIR")), err
}

// slot is the place of the one `up` of a scope.
func (s session) slot(scope registry.Scope) (control.Slot, error) {
	runs, err := s.runs()
	return runs.Slot(scope.Directory, scope.Worktree), err
}

// leftGrace is what processes that no devports supervises get to end by
// themselves.
const leftGrace = time.Second

// claim makes this the one `up` of the scope, or says who is. What an earlier
// one has left because it was killed is ended.
func (s session) claim(scope registry.Scope, noPins bool) (control.Claim, error) {
	slot, err := s.slot(scope)
	if err != nil {
		return control.Claim{}, err
	}
	c, err := slot.Claim(control.Note{
		Directory: scope.Directory, Project: scope.Project, Worktree: scope.Worktree, Terminal: terminalName(), NoPins: noPins,
	}, leftGrace)
	var running *control.RunningError
	if errors.As(err, &running) {
		return c, alreadyRuns(scope, running.Instance)
	}
	if err != nil {
		return c, err
	}
	if k := c.Killed; len(k.Ended) > 0 {
		s.note("up (pid %d) was killed; %s", k.Note.PID, tellEnded("ended what it had left: ", k.Ended))
	}
	return c, nil
}

func alreadyRuns(scope registry.Scope, other control.Instance) error {
	note := other.Note
	if note.PID == 0 {
		return fail(exitRunning, "", "%s already runs (its lock is %s)", scope, other.Lock())
	}
	where := ""
	if note.Terminal != "" {
		where = " in " + note.Terminal
	}
	return fail(exitRunning, "devports ps shows what runs, devports restart SERVICE starts one anew, devports down ends it all",
		"%s already runs: pid %d%s, since %s", scope, note.PID, where, note.Since.Local().Format(time.DateTime))
}

func tellLeft(left []launcher.Orphan) string {
	var words []string
	for _, l := range left {
		word := fmt.Sprintf("pid %d (%s)", l.PID, wording.Shorten(text.OneLine(l.Command), 48))
		if l.Service != "" {
			word = l.Service + ", " + word
		}
		words = append(words, word)
	}
	return wording.List(words)
}

// terminalName names the terminal that devports was started in, where the
// system tells.
func terminalName() string {
	if !isTerminal(os.Stdin) {
		return ""
	}
	name, _ := os.Readlink("/proc/self/fd/0")
	return name
}
