package control

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/devports/devports/launcher"
)

// Sync brings a run up to date with its files: it returns once the run has
// applied every edit made before, or ctx ends. With urgent, it does not wait
// for restarts that are delayed because files change too often, but starts
// them.
type Sync func(ctx context.Context, urgent bool) Pending

// Pending describes the edits that a run has not applied, though it is up to
// date.
type Pending struct {
	Refused []Refusal         // why the latest edit was not applied; none if it was
	Delayed map[string]string // services whose restart is delayed, with the reason
}

// Refusal is a reason why an edit was not applied, such as a mistake in the
// file. The run continues as before the edit.
type Refusal struct {
	Text string `json:"text"`
	Hint string `json:"hint,omitempty"`
}

const (
	// syncTimeout limits how long a response waits for edits: an env file may
	// be on a file system that hangs.
	syncTimeout = 5 * time.Second

	// quickWait is the longest wait after which there is no need to look for
	// new edits.
	quickWait = 50 * time.Millisecond

	// maxChain is how many services in a row are restarted at once because the
	// one before writes what the next watches. A longer chain is likely to be one
	// service that writes what it watches itself.
	maxChain = 4

	// recheckPause is the pause between rechecks of a service that is ready but
	// does not respond.
	recheckPause = 200 * time.Millisecond
)

func (s server) sync(ctx context.Context, urgent bool) Pending {
	if s.run.Sync == nil {
		return Pending{}
	}
	ctx, cancel := context.WithTimeout(ctx, syncTimeout)
	defer cancel()
	return s.run.Sync(ctx, urgent)
}

// waitSettled waits until settled holds for all services, with the files as
// they are then, and those that are ready respond. Without sync, it applies
// edits only after a wait of more than quickWait.
func (s server) waitSettled(ctx context.Context, settled func(launcher.Status) bool, sync bool, names []string) ([]launcher.Status, []Refusal, error) {
	var services []launcher.Status // at the time when all had settled
	hung := false                  // one of them did not respond
	ended := func(err error) bool { return errors.Is(err, launcher.ErrEnded) || errors.Is(err, context.Canceled) }
	for round := 0; ; round++ {
		var refused []Refusal
		if sync || round > 0 {
			refused = s.sync(ctx, round < maxChain).Refused
		}
		began := time.Now()
		now, err := s.run.Controller.Wait(ctx, settled, names...)
		if ended(err) && services != nil && !hung {
			return services, refused, nil
		}
		if err != nil {
			return nil, nil, err
		}
		services = now
		if time.Since(began) > quickWait {
			continue
		}
		unresponsive, err := s.run.Controller.Unresponsive(ctx, names...)
		if ended(err) && !hung {
			return services, refused, nil
		}
		if err != nil || len(unresponsive) == 0 {
			return services, refused, err
		}
		hung = true
		select {
		case <-time.After(recheckPause):
		case <-ctx.Done(): // the run has ended, or the client has disconnected
			return nil, nil, ctx.Err()
		}
	}
}

// markOutdated marks the services whose process is older than the latest edit.
func (p Pending) markOutdated(services []launcher.Status) {
	for i, st := range services {
		if why := p.Delayed[st.Service]; why != "" && !st.Ended() {
			services[i].Outdated, services[i].Detail = true, why
		}
	}
}

// markUnresponsive marks services that are ready but do not respond.
func (s server) markUnresponsive(ctx context.Context, services []launcher.Status) error {
	unresponsive, err := s.run.Controller.Unresponsive(ctx)
	for i, st := range services {
		if st.State == launcher.StateReady && slices.Contains(unresponsive, st.Service) {
			services[i].Unresponsive, services[i].Detail = true, "does not respond"
		}
	}
	return err
}
