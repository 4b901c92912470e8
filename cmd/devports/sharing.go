package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/devports/devports/allocator/atomicfile"
	"github.com/devports/devports/allocator/text"
	"github.com/devports/devports/cmd/devports/internal/project"
	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/control"
	"github.com/devports/devports/registry"
)

const (
	// shareLinger is how long the run of shared services goes on after the last
	// checkout that uses it has gone.
	shareLinger = 2 * time.Second

	// shareStart limits how long that run may take to start.
	shareStart = 30 * time.Second

	// sharePoll is how often a run looks whether the run of shared services, which
	// was stopped, has been started again.
	sharePoll = time.Second
)

// sharing connects a run with the run that starts its shared services: see
// [launcher.Sharing]. It starts that run if there is none.
type sharing struct {
	runs    control.Runs
	home    project.Project
	self    string // the checkout of this run, as --checkout names it
	options upOptions

	controller *launcher.Controller // of this run

	starting sync.Mutex // held while this process starts the run
}

// newSharing returns nil for a project without shared services.
func (s session) newSharing(p project.Project, scope registry.Scope, o upOptions, c *launcher.Controller) (*sharing, error) {
	if p.File.Path == "" || scope.UserWide() {
		return nil, nil
	}
	runs, err := s.runs()
	if err != nil {
		return nil, err
	}
	return &sharing{runs: runs, home: p.Home(), self: address(scope), options: o, controller: c}, nil
}

// Follow implements [launcher.Sharing].
func (h *sharing) Follow(ctx context.Context, service string, update func(launcher.SharedState)) {
	for ctx.Err() == nil {
		i, hold, err := h.join(ctx, service)
		if err != nil {
			if ctx.Err() == nil {
				update(launcher.SharedState{Err: err})
				<-ctx.Done()
			}
			return
		}
		startedBy := i.Note.StartedBy
		_ = i.Client().Watch(ctx, func(info control.Info) error {
			for _, st := range info.Services {
				if st.Service == service {
					update(launcher.SharedState{Status: st, StartedBy: startedBy})
				}
			}
			return nil
		})
		hold.Close()
		if ctx.Err() != nil {
			return
		}
		if h.ended(ctx, i) {
			update(launcher.SharedState{Ended: true})
			h.awaitRun(ctx)
		} else if ctx.Err() == nil {
			update(launcher.SharedState{Lost: true})
		}
	}
}

// ended waits until a run that cannot be reached has ended, and reports whether
// it did so in an orderly way.
func (h *sharing) ended(ctx context.Context, i control.Instance) bool {
	bounded, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	_ = i.AwaitEnd(bounded)
	now := i.Slot.Instance()
	return !now.Runs() && !now.Killed()
}

// awaitRun waits until there is a run of shared services.
func (h *sharing) awaitRun(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(sharePoll):
		}
		if _, ok := h.runs.RunningShared(h.home.Checkout.Directory); ok {
			return
		}
	}
}

// join holds a service in the run of shared services, which it starts if there is
// none.
func (h *sharing) join(ctx context.Context, service string) (control.Instance, control.Hold, error) {
	h.starting.Lock()
	defer h.starting.Unlock()
	for {
		i, err := h.start(ctx)
		if err != nil {
			return i, control.Hold{}, err
		}
		hold, err := i.Client().HoldShared(ctx, h.self, service)
		switch {
		case errors.Is(err, launcher.ErrEnded):
			if err := i.AwaitEnd(ctx); err != nil {
				return i, hold, err
			}
			continue
		case errors.As(err, new(*control.OtherVersionError)):
			return i, hold, fmt.Errorf("cannot use the shared instance: %w; to stop that for all checkouts: devports down --checkout %s",
				err, text.QuoteSh(address(scopeOfNote(i.Note))))
		case err != nil:
			return i, hold, fmt.Errorf("cannot use the shared instance: %w", err)
		}
		return i, hold, nil
	}
}

// start returns the run of shared services. If there is none, it starts one in the
// directory of their home.
func (h *sharing) start(ctx context.Context) (control.Instance, error) {
	dir := h.home.Checkout.Directory
	running := func() (control.Instance, bool) {
		i, ok := h.runs.RunningShared(dir)
		return i, ok && i.Controllable()
	}
	if i, ok := running(); ok {
		return i, nil
	}
	o := upOptions{File: h.home.File.Path, Registry: h.options.Registry, NoFront: true, NoWatch: h.options.NoWatch, Color: "never"}
	if o.Registry != "" {
		path, err := filepath.Abs(o.Registry)
		if err != nil {
			return control.Instance{}, err
		}
		o.Registry = path
	}
	start := handover{Options: o, Temporary: true, Shared: &sharedStart{h.self, dir, rand.Text()}}
	input, err := start.encode()
	if err != nil {
		return control.Instance{}, err
	}
	program, err := os.Executable()
	if err != nil {
		return control.Instance{}, err
	}
	if err := h.controller.StartOutside(ctx, append(append([]string{program}, sharedArguments...), string(input))...); err != nil {
		return control.Instance{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, shareStart)
	defer cancel()
	for {
		if i, ok := running(); ok {
			return i, nil
		}
		if why, failed := start.Shared.failure(h.runs.SharedSlot(dir)); failed {
			return control.Instance{}, fmt.Errorf("cannot start the run that shares it: %s", why)
		}
		select {
		case <-ctx.Done():
			return control.Instance{}, ctx.Err()
		case <-time.After(startPoll):
		}
	}
}

// startPoll is how often to look whether the run of shared services has started.
const startPoll = 5 * time.Millisecond

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

// upShared is the whole life of the run of shared services.
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

// commands returns the commands for shared services; nil for a project without.
func (h *sharing) commands() control.SharedCommands {
	if h == nil {
		return nil
	}
	return h
}

// Stop stops shared services.
func (h *sharing) Stop(ctx context.Context, others bool, services ...string) error {
	return h.command(ctx, others, services, control.Client.Stop)
}

// Restart restarts shared services.
func (h *sharing) Restart(ctx context.Context, others bool, services ...string) error {
	return h.command(ctx, others, services, control.Client.Restart)
}

func (h *sharing) command(ctx context.Context, others bool, services []string, send func(control.Client, context.Context, ...string) (control.Info, error)) error {
	i, ok := h.runs.RunningShared(h.home.Checkout.Directory)
	if !ok {
		return nil // they are stopped
	}
	client := i.Client()
	if !others {
		info, err := client.Status(ctx)
		if err != nil {
			return err
		}
		for _, service := range services {
			if checkouts := info.NeededBy(service, h.self); len(checkouts) > 0 {
				return &control.SharedError{Service: service, Checkouts: checkouts}
			}
		}
	}
	_, err := send(client, ctx, services...)
	return err
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
		Version: version().Devports,
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

// follower returns h for the launcher; nil for a project without shared services.
func (h *sharing) follower() launcher.Sharing {
	if h == nil {
		return nil
	}
	return h
}

// sharedHomeFile is the file that names the checkout which was the first to start
// shared services, in a repository without a main checkout.
func (s session) sharedHomeFile(repository, path string) (string, error) {
	home, err := registry.Home(s.getenv)
	key := fnv.New64a()
	fmt.Fprintf(key, "%s\x00%s", repository, path)
	return filepath.Join(home, "shared", fmt.Sprintf("%016x.json", key.Sum64())), err
}

type sharedHome struct {
	Directory string `json:"directory"`
}

// sharedHome implements [project.Host].
func (s session) sharedHome(repository, path string) string {
	file, err := s.sharedHomeFile(repository, path)
	if err != nil || repository == "" {
		return ""
	}
	var home sharedHome
	if text, err := os.ReadFile(file); err != nil || json.Unmarshal(text, &home) != nil {
		return ""
	}
	return home.Directory
}

// rememberSharedHome records where shared services run, unless that is the main
// checkout.
func (s session) rememberSharedHome(p project.Project, scope registry.Scope) error {
	if scope.Main() || p.Checkout.Repository == "" || s.sharedHome(p.Checkout.Repository, p.Checkout.Path) == scope.Directory {
		return nil
	}
	file, err := s.sharedHomeFile(p.Checkout.Repository, p.Checkout.Path)
	if err != nil {
		return err
	}
	text, err := json.Marshal(sharedHome{scope.Directory})
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	return atomicfile.Write(file, text, atomicfile.Options{Mode: 0o600, Unlocked: true})
}

// sync returns once this run knows the state of the shared services, after the
// run that starts them has applied all earlier edits.
func (h *sharing) sync(ctx context.Context) {
	if h == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, sharedSync)
	defer cancel()
	for ctx.Err() == nil {
		i, ok := h.runs.RunningShared(h.home.Checkout.Directory)
		if !ok {
			return
		}
		there, err := i.Client().Status(ctx)
		if err != nil {
			return
		}
		here, err := h.controller.Status(ctx)
		if err != nil || agree(here, there.Services) {
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(startPoll):
		}
	}
}

// sharedSync limits how long a command waits for the state of shared services.
const sharedSync = time.Second

// agree reports whether the states of shared services in this run are those of the
// run that starts them.
func agree(here, there []launcher.Status) bool {
	return !slices.ContainsFunc(here, func(st launcher.Status) bool {
		i := slices.IndexFunc(there, func(other launcher.Status) bool { return other.Service == st.Service })
		if !st.Shared || st.StartedBy == "" || i < 0 {
			return false
		}
		return st.State != there[i].State || !st.LastStarted.Equal(there[i].LastStarted)
	})
}

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
		if a := i.Ask(ctx); a.Responded() && slices.ContainsFunc(a.Info.Holders, uses) {
			return i, true
		}
	}
	return control.Instance{}, false
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
