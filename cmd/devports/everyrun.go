package main

import (
	"cmp"
	"fmt"
	"slices"
	"sync"

	"github.com/urfave/cli/v2"

	"github.com/devports/devports/allocator/text"
	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/control"
	"github.com/devports/devports/registry"
)

// everyRun returns all live runs of this user. It is an error if there are
// none.
func (s session) everyRun(c *cli.Context) ([]control.Instance, error) {
	for _, option := range []string{"dir", "checkout", "file"} {
		if c.String(option) != "" {
			return nil, usage("", "--all and --%s cannot be used together", option)
		}
	}
	directory, err := s.runs()
	if err != nil {
		return nil, err
	}
	runs := slices.DeleteFunc(directory.Instances(), func(i control.Instance) bool { return !i.Runs() })
	if len(runs) == 0 {
		return nil, fail(exitRunning, "to start a project: devports up", "nothing is running")
	}
	return runs, nil
}

// downAll stops or kills all runs at the same time, and prints a line as each ends.
func (s session) downAll(c *cli.Context) error {
	runs, err := s.everyRun(c)
	if err != nil {
		return err
	}
	var wait sync.WaitGroup
	var mu sync.Mutex // guards failed and the output
	failed := false
	stop := down
	if c.Bool("kill") {
		stop = kill
	}
	isShared := func(i control.Instance) bool { return i.Note.Shared }
	shared := slices.DeleteFunc(slices.Clone(runs), func(i control.Instance) bool { return !isShared(i) })
	for _, i := range slices.DeleteFunc(runs, isShared) {
		wait.Go(func() {
			scope := scopeOf(c.Context, i)
			how, err := stop(c.Context, i, scope)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed = true
				report(s, err)
				return
			}
			fmt.Fprintf(s.stdout, "%s is down%s\n", scope, how)
		})
	}
	wait.Wait()
	for _, i := range shared { // last: the others use their services
		scope := scopeOf(c.Context, i)
		how, err := stop(c.Context, i, scope)
		if now := i.Slot.Instance(); err != nil && now.Runs() && now.Note.ID == i.Note.ID {
			failed = true
			report(s, err)
			continue
		}
		fmt.Fprintf(s.stdout, "%s is down%s\n", scope, how)
	}
	if failed {
		return failure{status: exitFailed}
	}
	return nil
}

// runInfo is a run as ps --all prints it.
type runInfo struct {
	Checkout string `json:"checkout"` // what --checkout takes
	Socket   string `json:"socket,omitempty"`
	Devports string `json:"devports,omitempty"` // the version of its devports
	Problem  string `json:"problem,omitempty"`  // why it does not respond
	control.Info
}

// address is the value of --checkout for a run.
func address(scope registry.Scope) string {
	if scope.Worktree == "" {
		return scope.Project
	}
	return scope.Project + "/" + scope.Worktree
}

func infoOf(i control.Instance, info control.Info) runInfo {
	return runInfo{Checkout: address(scopeOfInfo(info)), Socket: i.Note.Socket, Devports: i.Note.Version, Info: info}
}

// queryAll requests the status of runs, all at the same time. With --check the
// runs also repeat the ready checks of their services.
func queryAll(c *cli.Context, runs []control.Instance) []control.QueryResult {
	answers := control.QueryAll(c.Context, runs)
	var wait sync.WaitGroup
	for i := range answers {
		a := &answers[i]
		ask := a.Client().Status // AskAll does not wait for edits
		if c.Bool("check") {
			ask = a.Client().Check
		}
		if a.Responded() {
			wait.Go(func() {
				if now, err := ask(c.Context); err == nil {
					a.Info = now
				}
			})
		}
	}
	wait.Wait()
	return answers
}

// infosOf requests the status of runs, all at the same time. Runs that have
// ended meanwhile are left out.
func infosOf(c *cli.Context, runs []control.Instance) []runInfo {
	infos := []runInfo{}
	for _, a := range queryAll(c, runs) {
		switch {
		case !a.Runs():
		case a.Responded():
			infos = append(infos, infoOf(a.Instance, a.Info))
		default:
			scope := scopeOfNote(a.Note)
			infos = append(infos, runInfo{Checkout: address(scope), Socket: a.Note.Socket, Devports: a.Note.Version, Problem: oneLine(requestFailed(scope, a.Err)), Info: control.Info{
				PID: a.Note.PID, Since: a.Note.Since, Project: scope.Project, Worktree: scope.Worktree,
				Directory: a.Note.Directory, Terminal: a.Note.Terminal, Services: []launcher.Status{},
			}})
		}
	}
	slices.SortStableFunc(infos, func(a, b runInfo) int { return cmp.Compare(a.Checkout, b.Checkout) })
	return infos
}

// psAll lists runs with their services.
func (s session) psAll(c *cli.Context, runs []control.Instance) error {
	infos := infosOf(c, runs)
	for _, i := range infos {
		s.noteRefused(i.Checkout+": ", i.Info)
	}
	if c.Bool("json") {
		return s.json(runsOutput{Runs: infos})
	}
	for n, i := range infos {
		if n > 0 {
			fmt.Fprintln(s.stdout)
		}
		fmt.Fprintf(s.stdout, "%s  pid %d  %s\n", text.OneLine(i.Checkout), i.PID, text.OneLine(i.Directory))
		if i.Problem != "" {
			fmt.Fprintln(s.stdout, i.Problem)
			continue
		}
		if err := s.psTable(i.Services); err != nil {
			return err
		}
	}
	return nil
}

// checkouts completes --checkout with the live runs.
func checkouts(l line) (candidates []candidate) {
	directory, err := l.session.runs()
	if err != nil {
		return nil
	}
	runs := slices.DeleteFunc(directory.Instances(), func(i control.Instance) bool { return !i.Runs() })
	for _, i := range infosOf(l.context, runs) {
		candidates = append(candidates, candidate{Word: i.Checkout, About: i.Directory})
	}
	return candidates
}
