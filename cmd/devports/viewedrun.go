package main

import (
	"context"
	"time"

	"github.com/devports/devports/launcher"
)

// syncTimeout limits how long a key waits for edits to be applied: an env file
// may be on a file system that hangs.
const syncTimeout = 5 * time.Second

// viewedRun is the run of this process for its view. As for devports start and
// restart, what it starts has read all earlier edits.
type viewedRun struct {
	*launcher.Controller
	bringUpToDate func(context.Context)
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
	return r.Controller.RestartOlder(ctx, asked, services...)
}
