package main

import (
	"context"
	"errors"
	"os"
	"slices"
	"time"

	"github.com/devports/devports/allocator/envvar"
	"github.com/devports/devports/allocator/text"
	"github.com/devports/devports/cmd/devports/internal/wording"
	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/control"
	"github.com/devports/devports/procfile"
	"github.com/devports/devports/registry"
)

// runs is the directory of this user's runs.
func (s session) runs() (control.Runs, error) {
	home, err := registry.Home(s.getenv)
	return control.NewRuns(home, s.getenv("XDG_RUNTIME_DIR")), err
}

// slot is the slot of a scope, which holds one `up` at most.
func (s session) slot(scope registry.Scope) (control.Slot, error) {
	runs, err := s.runs()
	return runs.Slot(scope.Directory, scope.Worktree), err
}

// orphanGrace is the time between SIGTERM and SIGKILL for processes that no
// devports supervises any more.
const orphanGrace = time.Second

// claim makes this process the only `up` of the scope. If another one has the
// scope, the error names it. claim kills the processes that an earlier `up`
// left behind when it was killed, but not the programs outside the run.
func (s session) claim(scope registry.Scope, noPins bool, plan procfile.Plan) (control.Claim, error) {
	i, ok, err := s.runningIn(scope)
	switch {
	case err != nil:
		return control.Claim{}, err
	case ok && i.Replaced():
		err = s.endReplaced(i)
	case ok && i.Note.Directory != scope.Directory:
		err = alreadyRunning(scope, i)
	}
	if err != nil {
		return control.Claim{}, err
	}
	runs, err := s.runs()
	if err != nil {
		return control.Claim{}, err
	}
	for _, killed := range runs.Killed(scope.Directory) {
		if ended, err := killed.CleanUp(orphanGrace); err == nil && len(ended) > 0 {
			s.noteKilled(killed.Note, ended)
		}
	}
	slot := runs.Slot(scope.Directory, scope.Worktree)
	c, err := slot.Claim(control.Note{
		Directory: scope.Directory, Project: scope.Project, Worktree: scope.Worktree, Terminal: terminalName(), NoPins: noPins,
		Version: version().Devports, Outside: plan.Outside,
	}, orphanGrace)
	var running *control.RunningError
	if errors.As(err, &running) {
		return c, alreadyRunning(scope, running.Instance)
	}
	if err != nil {
		return c, err
	}
	if k := c.Killed; len(k.Orphans) > 0 {
		s.noteKilled(k.Note, k.Orphans)
	}
	if c.Killed.Note.ID != "" {
		err := s.removeContainers(scope, false, "", "the last run was killed; removed its containers: %s")
		if err != nil && hasContainers(plan) { // else it had none, as far as is known
			s.note("%v", err)
		}
	}
	return c, nil
}

// claimAfterSetup is claim, once a devports setup in the scope has ended.
func (s session) claimAfterSetup(ctx context.Context, scope registry.Scope, noPins bool, plan procfile.Plan) (control.Claim, error) {
	i, ok, err := s.runningIn(scope)
	if ok && s.getenv(envvar.Instance) != i.Note.ID { // else a step has started this process
		err = s.awaitSetup(ctx, scope, i)
	}
	if err != nil {
		return control.Claim{}, err
	}
	return s.claim(scope, noPins, plan)
}

// awaitSetup waits for the end of a run, as long as it is one of devports setup.
func (s session) awaitSetup(ctx context.Context, scope registry.Scope, i control.Instance) error {
	for said := false; ; said = true {
		info, err := i.Client().Status(ctx)
		ending := said && errors.Is(err, launcher.ErrEnded)
		if !ending && (err != nil || !isSetup(info)) {
			return ctx.Err()
		}
		if !said {
			s.note("waiting for the setup of %s, which is running (pid %d)", scope, i.Note.PID)
		}
		bounded, cancel := context.WithTimeout(ctx, time.Second)
		err = i.AwaitEnd(bounded)
		cancel()
		if err == nil || ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// isSetup reports whether a run ends with its steps: it has nothing else but what
// they depend on.
func isSetup(info control.Info) bool {
	if !info.Temporary {
		return false
	}
	dependsOn, needed := map[string][]string{}, map[string]bool{}
	var need func(name string)
	need = func(name string) {
		if !needed[name] {
			needed[name] = true
			for _, d := range dependsOn[name] {
				need(d)
			}
		}
	}
	for _, st := range info.Services {
		dependsOn[st.Service] = st.DependsOn
	}
	for _, st := range info.Services {
		if st.Step {
			need(st.Service)
		}
	}
	return !slices.ContainsFunc(info.Services, func(st launcher.Status) bool { return !needed[st.Service] })
}

func (s session) noteKilled(n control.Note, ended []launcher.Orphan) {
	s.note("the last run (pid %d) was killed; %s", n.PID, formatKilled("killed its leftover processes: ", ended))
}

// runningIn finds the run of a scope: see [control.Runs.Running].
func (s session) runningIn(scope registry.Scope) (i control.Instance, ok bool, err error) {
	runs, err := s.runs()
	if err == nil {
		i, ok = runs.Running(scope.Directory, scope.Worktree)
	}
	return i, ok, err
}

// endReplaced ends the run of a directory that was removed and replaced by another
// one. If the directory was moved instead, its run continues and the error says
// so.
func (s session) endReplaced(i control.Instance) error {
	ctx, scope := context.Background(), scopeOfNote(i.Note)
	if place := i.MovedTo(); place != "" {
		return fail(exitRunning, "to stop it: devports down --dir "+text.QuoteArg(place),
			"the directory that was here was moved to %s, where it is still running (pid %d)", place, i.Note.PID)
	}
	err := i.Client().Down(ctx)
	if errors.As(err, new(*control.UnresponsiveError)) || errors.As(err, new(*control.UnreachableError)) || errors.As(err, new(*control.OtherVersionError)) {
		_, err = i.Kill(ctx, orphanGrace)
	}
	if err == nil {
		err = awaitEnd(ctx, i, scope)
	}
	if err != nil && !errors.Is(err, launcher.ErrEnded) {
		return requestFailed(scope, err)
	}
	s.note("stopped the run of another directory that used to be at %s (pid %d)", scope.Directory, i.Note.PID)
	return nil
}

func alreadyRunning(scope registry.Scope, other control.Instance) error {
	note := other.Note
	if note.PID == 0 {
		return fail(exitRunning, "to see which process: "+wording.WhoOpened(other.Lock()), "%s is already running: an unknown process holds its lock %s", scope, other.Lock())
	}
	where := ""
	if note.Terminal != "" {
		where = " in " + note.Terminal
	}
	return fail(exitRunning, "devports ps lists its services, devports restart SERVICE restarts one, devports down stops it",
		"%s is already running: pid %d%s, since %s", scope, note.PID, where, note.Since.Local().Format(time.DateTime))
}

// terminalName is the path of the terminal that devports was started in; "" if
// there is none or the system does not reveal it.
func terminalName() string {
	if !isTerminal(os.Stdin) {
		return ""
	}
	name, _ := os.Readlink("/proc/self/fd/0")
	return name
}
