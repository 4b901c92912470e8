package main

import (
	"context"
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
	i, ok, err := s.runningIn(scope)
	switch {
	case err != nil:
		return control.Claim{}, err
	case ok && i.Replaced():
		err = s.endReplaced(i)
	case ok && i.Note.Directory != scope.Directory:
		err = alreadyRuns(scope, i)
	}
	if err != nil {
		return control.Claim{}, err
	}
	runs, err := s.runs()
	if err != nil {
		return control.Claim{}, err
	}
	for _, killed := range runs.Killed(scope.Directory) {
		if ended, err := killed.CleanUp(leftGrace); err == nil && len(ended) > 0 {
			s.noteKilled(killed.Note, ended)
		}
	}
	slot := runs.Slot(scope.Directory, scope.Worktree)
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
	if k := c.Killed; len(k.Orphans) > 0 {
		s.noteKilled(k.Note, k.Orphans)
	}
	return c, nil
}

func (s session) noteKilled(n control.Note, ended []launcher.Orphan) {
	s.note("up (pid %d) was killed; %s", n.PID, tellEnded("ended what it had left: ", ended))
}

// runningIn finds the run of a scope: see [control.Folder.Running].
func (s session) runningIn(scope registry.Scope) (i control.Instance, ok bool, err error) {
	runs, err := s.runs()
	if err == nil {
		i, ok = runs.Running(scope.Directory, scope.Worktree)
	}
	return i, ok, err
}

// endReplaced ends the run of a folder that was removed, and that another has
// replaced. That of one that was moved goes on: the error says so.
func (s session) endReplaced(i control.Instance) error {
	ctx, scope := context.Background(), scopeOfNote(i.Note)
	if place := i.MovedTo(); place != "" {
		return fail(exitRunning, "devports down --dir "+text.QuoteSh(place)+" ends it",
			"the up of the folder that was here (pid %d) runs on in %s, where that was moved", i.Note.PID, place)
	}
	err := i.Client().Down(ctx)
	if errors.As(err, new(*control.UnresponsiveError)) || errors.As(err, new(*control.UnreachableError)) {
		_, err = i.Kill(ctx, leftGrace)
	}
	if err == nil {
		err = awaitEnd(ctx, i, scope)
	}
	if err != nil && !errors.Is(err, launcher.ErrEnded) {
		return requestFailed(scope, err)
	}
	s.note("%s was another folder when its up (pid %d) began: that up was ended, with its services", scope.Directory, i.Note.PID)
	return nil
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
