package main

import (
	"context"
	"time"

	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/control"
)

// syncTimeout limits how long a key waits for edits to be applied: an env file
// may be on a file system that hangs.
const syncTimeout = 5 * time.Second

// viewedRun is the run of this process for its view. As for devports start and
// restart, what it starts has read all earlier edits.
type viewedRun struct {
	*launcher.Controller
	bringUpToDate func(context.Context)
	shared        *sharing // nil: it uses no shared services
}

// Stop stops services; a shared one unless other checkouts need it.
func (r viewedRun) Stop(ctx context.Context, services ...string) error {
	own, err := r.split(ctx, services, r.shared.Stop)
	if err != nil || len(own) == 0 && len(services) > 0 {
		return err
	}
	return r.Controller.Stop(ctx, own...)
}

// split calls do with the shared services among those named, and returns the
// others.
func (r viewedRun) split(ctx context.Context, services []string, do func(ctx context.Context, others bool, services ...string) error) (own []string, err error) {
	if r.shared == nil || len(services) == 0 {
		return services, nil
	}
	all, err := r.Controller.Status(ctx)
	if err != nil {
		return nil, err
	}
	own, shared := control.SplitShared(all, services)
	if len(shared) == 0 {
		return own, nil
	}
	return own, do(ctx, false, shared...)
}

// Start starts services.
func (r viewedRun) Start(ctx context.Context, services ...string) error {
	r.bringUpToDate(ctx)
	return r.Controller.Start(ctx, services...)
}

// Restart restarts services, unless an edit has restarted them since.
func (r viewedRun) Restart(ctx context.Context, services ...string) error {
	asked := time.Now()
	r.bringUpToDate(ctx)
	own, err := r.split(ctx, services, r.shared.Restart)
	if err != nil || len(own) == 0 && len(services) > 0 {
		return err
	}
	return r.Controller.RestartOlder(ctx, asked, own...)
}
