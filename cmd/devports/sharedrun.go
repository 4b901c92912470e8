package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/devports/devports/allocator/atomicfile"
	"github.com/devports/devports/cmd/devports/internal/project"
	"github.com/devports/devports/cmd/devports/internal/wording"
	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/control"
	"github.com/devports/devports/registry"
)

// sharedStart is about the start of the run of shared services.
type sharedStart struct {
	By        string `json:"by"`        // the checkout that starts it
	Directory string `json:"directory"` // of their home
	Attempt   string `json:"attempt"`   // unique
}

// sharedArguments start the run of shared services, followed by its handover.
var sharedArguments = []string{"up", "(shared)"}

func isSharedStart(args []string) bool {
	return len(args) == 4 && args[1] == sharedArguments[0] && args[2] == sharedArguments[1]
}

// firstHold is how long the run of shared services waits for the checkout that
// starts it.
const firstHold = 10 * time.Second

// upShared is the main function of the run of shared services.
func (s session) upShared(args []string) error {
	h, err := decodeHandover(strings.NewReader(args[3]))
	if err != nil || h.Shared == nil {
		return usage("to start it: devports up", "the run of shared services cannot read its options: %v", err)
	}
	if err := os.Chdir(h.Shared.Directory); err != nil {
		return err
	}
	s = s.labelled("")
	runs, err := s.runs()
	if err != nil {
		return err
	}
	slot := runs.SharedSlot(h.Shared.Directory)
	if err := os.MkdirAll(filepath.Dir(slot.Log()), 0o700); err != nil {
		return err
	}
	var messages bytes.Buffer // why it could not start
	starter := make(chan struct{})
	from := &background{starter: starter, shared: h.Shared}
	from.claimed = func() (io.Writer, error) {
		time.AfterFunc(firstHold, func() { close(starter) })
		return os.OpenFile(slot.Log(), os.O_WRONLY|os.O_CREATE|os.O_TRUNC|os.O_APPEND, 0o600)
	}
	log := &lateWriter{to: &messages}
	from.log = log
	s.stdin, s.stdout, s.stderr, s.notices = strings.NewReader(""), log, log, &notices{}
	err = s.up(h.Options, from)
	if err != nil && log.to == &messages && s.describe(err).status != exitRunning {
		report(s, err)
		h.Shared.fail(slot, messages.String())
	}
	return err
}

// lateWriter writes to a buffer until the run has its slot.
type lateWriter struct{ to io.Writer }

func (w *lateWriter) Write(p []byte) (int, error) { return w.to.Write(p) }

// fail records why the run could not be started.
func (st sharedStart) fail(slot control.Slot, why string) {
	var lines []string
	for line := range strings.Lines(why) {
		line = strings.TrimSpace(strings.TrimPrefix(strings.TrimPrefix(line, "devports: "), "error: "))
		if line != "" && !strings.HasPrefix(line, "hint: ") {
			lines = append(lines, line)
		}
	}
	text, _ := json.Marshal(sharedFailure{st.Attempt, strings.Join(lines, "; ")})
	_ = atomicfile.Write(sharedFailureFile(slot), text, atomicfile.Options{Mode: 0o600, Volatile: true, Unlocked: true})
}

type sharedFailure struct {
	Attempt string `json:"attempt"`
	Why     string `json:"why"`
}

func sharedFailureFile(slot control.Slot) string {
	return strings.TrimSuffix(slot.Log(), ".log") + ".failed"
}

// failure returns why this attempt to start the run has failed.
func (st sharedStart) failure(slot control.Slot) (why string, failed bool) {
	var f sharedFailure
	if text, err := os.ReadFile(sharedFailureFile(slot)); err != nil || json.Unmarshal(text, &f) != nil {
		return "", false
	}
	return f.Why, f.Attempt == st.Attempt
}

// claimShared makes this process the run of the shared services of a project.
func (s session) claimShared(p project.Project, scope registry.Scope, from *background) (control.Claim, error) {
	runs, err := s.runs()
	if err != nil {
		return control.Claim{}, err
	}
	shared := scope
	shared.Worktree = control.SharedLabel
	if i, ok := runs.RunningShared(scope.Directory); ok {
		return control.Claim{}, alreadyRunning(shared, i)
	}
	c, err := runs.SharedSlot(scope.Directory).Claim(control.Note{
		Directory: scope.Directory, Project: scope.Project, Worktree: control.SharedLabel, Shared: true, StartedBy: from.shared.By,
		Version: version().Devports, Outside: p.File.Outside,
	}, orphanGrace)
	var running *control.RunningError
	if errors.As(err, &running) {
		return c, alreadyRunning(shared, running.Instance)
	}
	if err != nil {
		return c, err
	}
	if len(c.Killed.Orphans) > 0 {
		s.noteKilled(c.Killed.Note, c.Killed.Orphans)
	}
	if err := s.rememberSharedHome(p, scope); err != nil {
		s.note("cannot remember where shared services run: %v", err)
	}
	return c, nil
}

// sharing reports whether it is the run of shared services.
func (b *background) sharing() bool { return b != nil && b.shared != nil }

// sharedRunOf finds the run of the shared services that a run uses.
func (s session) sharedRunOf(ctx context.Context, info control.Info) (control.Instance, bool) {
	runs, err := s.runs()
	if err != nil {
		return control.Instance{}, false
	}
	checkout := address(scopeOfInfo(info))
	for _, i := range runs.Instances() {
		if !i.Runs() || !i.Note.Shared || i.Note.Project != info.Project {
			continue
		}
		uses := func(h control.Holder) bool { return h.Checkout == checkout }
		if a := i.Query(ctx); a.Responded() && slices.ContainsFunc(a.Info.Holders, uses) {
			return i, true
		}
	}
	return control.Instance{}, false
}

// addUsers adds to the status of the shared services that are stopped in a run for
// which other checkouts they still run.
func (s session) addUsers(c *cli.Context, info control.Info) {
	isStopped := func(st launcher.Status) bool { return st.Shared && st.State == launcher.StateStopped }
	if !slices.ContainsFunc(info.Services, isStopped) {
		return
	}
	scope := scopeOfInfo(info)
	p, ok := s.projectOfRun(c, scope, nil)
	runs, err := s.runs()
	if !ok || err != nil {
		return
	}
	shared, ok := runs.RunningShared(p.Home().Checkout.Directory)
	if !ok {
		return
	}
	there := shared.Query(c.Context).Info
	for i := range info.Services {
		st := &info.Services[i]
		running := slices.ContainsFunc(there.Services, func(other launcher.Status) bool { return other.Service == st.Service && !other.Ended() })
		if checkouts := there.NeededBy(st.Service, address(scope)); running && len(checkouts) > 0 && isStopped(*st) {
			st.Detail = "it still runs for " + wording.List(checkouts)
		}
	}
}

// sharedRuns returns the pids of the runs of shared services in a project.
func (s session) sharedRuns(scope registry.Scope) (pids []int) {
	runs, err := s.runs()
	if err != nil {
		return nil
	}
	for _, i := range runs.Instances() {
		if i.Runs() && i.Note.Shared && i.Note.Project == scope.Project {
			pids = append(pids, i.Note.PID)
		}
	}
	return pids
}
