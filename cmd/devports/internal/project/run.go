package project

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/devports/devports/allocator"
	"github.com/devports/devports/allocator/holder"
	"github.com/devports/devports/procfile"
	"github.com/devports/devports/registry"
)

// Run is the project of one `up`, with its options.
type Run struct {
	Project  Project
	Selected []string // the services and groups named on the command line; none stands for all with autostart
	Below    string   // the directory that selects an included file, if Selected is empty; "": none
	Without  []string // services and groups that are not started
	Reassign bool     // at the start, replace ports that are taken
	Shared   bool     // it starts only the shared services, on request; otherwise only the others

	// Members returns the pids of all processes that the run has started,
	// including those whose environment does not show it; nil for none.
	Members func(ctx context.Context) []int

	free func() map[int]bool // ports that were free a moment ago; nil: not probed
}

// Prepare is [Project.Check] and [Project.Scope] before a start. If the file has
// all its ports already, the run that it returns holds the plan with them, and
// which of them are free, so that Start need not find out again.
func (r Run) Prepare() (Run, procfile.Plan, registry.Scope, error) {
	p := r.Project
	scope, leases, known, failed := p.known()
	if failed != nil || !known {
		plan, err := p.Check()
		return r, plan, scope, cmp.Or(err, failed)
	}
	if starts, err := r.starts(); err == nil {
		r.free = freeNow(portsOf(r.needed(leases, starts, procfile.Plan{}))) // takes about as long as the plan
	}
	ports := byName(leases)
	plan, err := p.plan(scope, ports)
	if err != nil {
		return r, plan, scope, err
	}
	r.Project.prepared = &prepared{scope, ports, plan}
	plan.Notes = slices.Concat(plan.Notes, p.patternNotes(nil), p.shareNotes())
	return r, plan, scope, nil
}

// starts returns the services that the run starts.
func (r Run) starts() ([]string, error) {
	selected := r.Selected
	if len(selected) == 0 && r.Below != "" {
		selected = r.Project.File.ServicesAt(r.Below)
	}
	return r.Project.File.Starts(selected, r.Without)
}

// needed returns the leases whose ports the services of the run get, unless the
// running plan holds them.
func (r Run) needed(leases []registry.Lease, starts []string, running procfile.Plan) []registry.Lease {
	started := map[string]bool{}
	for _, name := range starts {
		started[name] = true
	}
	for _, name := range r.Project.File.SharedServices() {
		delete(started, name)
	}
	return slices.DeleteFunc(slices.Clone(leases), func(l registry.Lease) bool {
		return r.Shared || running.Holds(l.Port) || !started[l.Name.Service]
	})
}

// Start makes the plan for the start. It reports all problems at once, before
// anything is written.
func (r Run) Start(ctx context.Context) (procfile.Plan, error) {
	var move func(registry.Lease) bool
	if r.Reassign {
		move = func(l registry.Lease) bool { return allocator.Busy(l.Port) }
	}
	none := func(registry.Scope) func(holder.Process) bool {
		return func(holder.Process) bool { return false }
	}
	plan, err := r.resolve(ctx, procfile.Plan{}, move, none)
	var taken *TakenError
	if errors.As(err, &taken) {
		taken.Reassign = r.Reassign
	}
	return plan, err
}

// Reload makes the plan of the files as they are now, to replace the running
// one: a service may get a port that a process of the run still holds. A plan
// that comes with an error still has the files to watch.
func (r Run) Reload(ctx context.Context, running procfile.Plan) (procfile.Plan, error) {
	var err error
	r.free = nil
	if r.Project, err = r.Project.Reload(); err != nil {
		return procfile.Plan{Watched: r.Project.File.Watched()}, err
	}
	ours := func(scope registry.Scope) func(holder.Process) bool {
		started := StartedIn(scope)
		members := sync.OnceValue(func() []int {
			if r.Members == nil {
				return nil
			}
			return r.Members(ctx)
		})
		return func(p holder.Process) bool {
			return started(p) || p.PID > 0 && slices.Contains(members(), p.PID)
		}
	}
	plan, err := r.resolve(ctx, running, nil, ours)
	if err == nil {
		plan.Notes = slices.Concat(plan.Notes, r.Project.patternNotes(running.Patterns()), r.Project.shareNotes())
	}
	return plan, err
}

// resolve leases the ports of the project and makes the plan. Ports that the
// running plan does not hold must be free, or held by our own processes.
func (r Run) resolve(
	ctx context.Context, running procfile.Plan,
	move func(registry.Lease) bool, ours func(registry.Scope) func(holder.Process) bool,
) (procfile.Plan, error) {
	p := r.Project
	starts, err := r.starts()
	if err != nil {
		return procfile.Plan{Watched: running.Watched}, err
	}
	var scope registry.Scope
	plan, err := p.resolve(ctx, move, func(s registry.Scope, leases []registry.Lease) error {
		scope = s
		var free map[int]bool
		if r.free != nil {
			free = r.free()
		}
		return p.free(ctx, r.needed(leases, starts, running), free, ours(scope))
	})
	if err == nil && p.host.Containers != nil && slices.ContainsFunc(plan.Services, func(s procfile.Process) bool { return s.Container != nil }) {
		if r.Shared {
			starts = p.File.SharedServices()
		}
		plan, err = p.host.Containers(ctx, plan, scope, starts)
		starts = plan.WithDependencies(starts) // compose files declare some
	}
	if r.Shared {
		return p.onlyShared(plan), err
	}
	if len(starts) < len(plan.Services) {
		plan = plan.Select(starts)
	}
	return p.mirrored(plan), err
}
