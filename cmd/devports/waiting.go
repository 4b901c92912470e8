package main

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/devports/devports/cmd/devports/internal/wording"
	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/control"
)

const (
	// longWait is how long a command waits for services before it prints which.
	longWait = 5 * time.Second
	// maxAwaited is how many of them it prints with the reason.
	maxAwaited = 3
)

// noteWaiting prints what a command is waiting for, once that has taken longWait:
// a service that is restarted over and over, for one, has no outcome. The caller
// calls stop when the wait ends.
func (s session) noteWaiting(ctx context.Context, client control.Client, names []string, settled func(launcher.Status) bool) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var printing sync.WaitGroup
	printing.Go(func() {
		select {
		case <-time.After(longWait):
		case <-ctx.Done():
			return
		}
		info, err := client.Status(ctx)
		if err != nil {
			return // the wait fails, too
		}
		var awaited []launcher.Status
		for _, st := range info.Services {
			if !settled(st) && (len(names) == 0 || slices.Contains(names, st.Service)) {
				awaited = append(awaited, st)
			}
		}
		for _, st := range awaited[:min(len(awaited), maxAwaited)] {
			s.note("still waiting: %s", formatStatus(st))
		}
		if more := len(awaited) - maxAwaited; more > 0 {
			s.note("still waiting for %s", wording.Count(more, "more service"))
		}
	})
	return func() {
		cancel()
		printing.Wait()
	}
}
