package control

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/devports/devports/launcher"
)

// Sync brings a run up to date with the files that it follows: it returns once
// the run follows every edit made before, or ctx ends. With urgent,
// restarts that wait, because files change too often, wait no longer.
type Sync func(ctx context.Context, urgent bool) Pending

// Pending is what the run does not follow, or not yet, though it is up to date.
type Pending struct {
	Refused []Refusal         // why the latest edit is not followed; none: it is
	Delayed map[string]string // services whose restart waits, and why
}

// Refusal is a reason why an edit is not followed, such as a mistake in the file.
// The run goes on as before that edit.
type Refusal struct {
	Text string `json:"text"`
	Hint string `json:"hint,omitempty"`
}

const (
	// syncTimeout is how long an answer waits for edits: an env file may be on a
	// file system that hangs.
	syncTimeout = 5 * time.Second

	// briefly is how long a wait takes at most that need not look for edits that
	// have come meanwhile.
	briefly = 50 * time.Millisecond

	// maxChain is how many services in a row may be restarted because the one
	// before has written what the next watches, as by an edit, at once. More than
	// that may be one that writes what it watches itself.
	maxChain = 4

	// recheckPause is how long a wait waits until it asks a service again that is
	// ready, but does not answer.
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

// settle waits until the services are all as settled says, in the version of the
// files that is there then, and those that are ready answer.
func (s server) settle(ctx context.Context, settled func(launcher.Status) bool, names []string) ([]launcher.Status, []Refusal, error) {
	var services []launcher.Status // as they were when all had settled
	for round := 0; ; round++ {
		refused := s.sync(ctx, round < maxChain).Refused
		began := time.Now()
		now, err := s.run.Controller.Wait(ctx, settled, names...)
		if errors.Is(err, launcher.ErrOver) && services != nil {
			return services, refused, nil
		}
		if err != nil {
			return nil, nil, err
		}
		services = now
		if time.Since(began) > briefly {
			continue
		}
		silent, err := s.run.Controller.Unresponsive(ctx, names...)
		if errors.Is(err, launcher.ErrOver) {
			err = nil
		}
		if err != nil || len(silent) == 0 {
			return services, refused, err
		}
		select {
		case <-time.After(recheckPause):
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		}
	}
}

// mark marks those of the services that have not read the latest edit yet.
func (p Pending) mark(services []launcher.Status) {
	for i, st := range services {
		if why := p.Delayed[st.Service]; why != "" && !st.Ended() {
			services[i].Outdated, services[i].Detail = true, why
		}
	}
}

// recheck marks those of the services that are ready but do not answer now.
func (s server) recheck(ctx context.Context, services []launcher.Status) error {
	silent, err := s.run.Controller.Unresponsive(ctx)
	for i, st := range services {
		if st.State == launcher.StateReady && slices.Contains(silent, st.Service) {
			services[i].Unresponsive, services[i].Detail = true, "does not answer now"
		}
	}
	return err
}
