package launcher

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// Controller lets any goroutine query and control a run. Create it with
// [NewController]; it serves one run.
type Controller struct {
	requests chan func(*supervisor)
	ended    chan struct{} // closed when the run has ended
	watchers watchers
}

// NewController returns a Controller for [Options.Controller].
func NewController() *Controller {
	return &Controller{requests: make(chan func(*supervisor)), ended: make(chan struct{})}
}

// Watch returns a channel that has a value, and receives another when the services
// may have another Status than when the previous one was received, until stop is
// called.
func (c *Controller) Watch() (changed <-chan struct{}, stop func()) { return c.watchers.add() }

// NotifyWatchers makes the channels of Watch receive a value, although no
// Status has changed.
func (c *Controller) NotifyWatchers() { c.watchers.notify() }

// Ended returns a channel that is closed when the run has ended.
func (c *Controller) Ended() <-chan struct{} { return c.ended }

// watchers are the channels of Watch. The zero value has none.
type watchers struct {
	mu  sync.Mutex // guards all
	all []chan struct{}
}

func (w *watchers) add() (changed <-chan struct{}, stop func()) {
	one := make(chan struct{}, 1)
	one <- struct{}{}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = append(w.all, one)
	return one, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.all = slices.DeleteFunc(w.all, func(other chan struct{}) bool { return other == one })
	}
}

// notify sends to all channels. Queries of the status do not call it: a receiver
// that queries it each time would otherwise loop forever.
func (w *watchers) notify() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, one := range w.all {
		select {
		case one <- struct{}{}:
		default:
		}
	}
}

// ErrEnded reports that the run has ended.
var ErrEnded = errors.New("the run has ended")

// UnknownServiceError lists names that are not services of the run.
type UnknownServiceError struct{ Names, Known []string }

func (e *UnknownServiceError) Error() string {
	return "no such service: " + strings.Join(e.Names, ", ")
}

// call runs do in the supervisor's goroutine. The error is ErrEnded or that of
// ctx.
func (c *Controller) call(ctx context.Context, do func(*supervisor)) error {
	done := make(chan struct{})
	select {
	case c.requests <- func(s *supervisor) { do(s); close(done) }:
		<-done
		return nil
	case <-c.ended:
		return ErrEnded
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Status returns all services, sorted by name.
func (c *Controller) Status(ctx context.Context) (all []Status, err error) {
	err = c.call(ctx, func(s *supervisor) { all = s.statuses() })
	return all, err
}

// Members returns the pids of all live processes of the services.
func (c *Controller) Members(ctx context.Context) (pids []int) {
	var children []child
	_ = c.call(ctx, func(s *supervisor) { // ErrEnded: there are none
		for _, name := range s.names {
			if c := s.childOf(name); c != nil {
				children = append(children, c)
			}
			if b := s.builds[name]; b != nil && b.child != nil && s.services[name].build.live() {
				children = append(children, b.child)
			}
		}
	})
	for _, c := range children {
		pids = append(pids, c.Members()...)
	}
	return pids
}

// Ending reports whether the run is stopping or has ended.
func (c *Controller) Ending() (ending bool) {
	err := c.call(context.Background(), func(s *supervisor) { ending = s.closing })
	return ending || err != nil
}

// Inactive returns the services of the plan that were neither selected nor
// started since, sorted.
func (c *Controller) Inactive(ctx context.Context) (names []string) {
	_ = c.call(ctx, func(s *supervisor) { names = slices.Sorted(maps.Keys(s.inactive)) }) // ErrEnded: there are none
	return names
}

// Start starts the services named that are neither running nor waiting,
// inactive ones included, and those of their dependencies that have ended. No
// names stand for all but the inactive ones. The error may be an
// *UnknownServiceError.
func (c *Controller) Start(ctx context.Context, names ...string) error {
	return c.all(ctx, names, true, func(s *supervisor, names []string) {
		s.startIdle(names)
		s.startDependencies(names)
	})
}

// Restart restarts the services named, and starts those that have ended or are
// inactive, and their dependencies. No names stand for all but the inactive
// ones. The error may be an *UnknownServiceError.
func (c *Controller) Restart(ctx context.Context, names ...string) error {
	return c.restart(ctx, names, func(service) bool { return true })
}

// RestartOlder is Restart, except for services whose latest process was spawned
// after since.
func (c *Controller) RestartOlder(ctx context.Context, since time.Time, names ...string) error {
	return c.restart(ctx, names, func(sv service) bool { return sv.spawnedAt.Before(since) })
}

func (c *Controller) restart(ctx context.Context, names []string, wanted func(service) bool) error {
	return c.all(ctx, names, true, func(s *supervisor, names []string) {
		for _, name := range names {
			if wanted(s.services[name]) {
				s.force(name)
				s.apply(name, event{kind: evRestart})
			}
		}
		s.startDependencies(names)
	})
}

// RestartChanged restarts services whose files changed at the given times,
// except for those spawned after that, those that a user has stopped, and those
// that are not in the run any more. It does not start their dependencies, which a
// user may have stopped as well.
func (c *Controller) RestartChanged(ctx context.Context, changed map[string]time.Time) error {
	names := slices.Sorted(maps.Keys(changed))
	if len(names) == 0 {
		return nil
	}
	return c.all(ctx, nil, false, func(s *supervisor, all []string) {
		for _, name := range names {
			if sv := s.services[name]; slices.Contains(all, name) && !sv.userStopped && sv.spawnedAt.Before(changed[name]) {
				s.apply(name, event{kind: evRestart})
			}
		}
	})
}

// Stop stops the services named until they are started again. The run continues
// while a service is stopped, even if no other runs. No names stand for all.
// The error may be an *UnknownServiceError.
func (c *Controller) Stop(ctx context.Context, names ...string) error {
	return c.all(ctx, names, false, func(s *supervisor, names []string) {
		for _, name := range names {
			s.apply(name, event{kind: evStop})
		}
	})
}

// all calls do with the services named, or with all, unless the run is ending.
// With add, inactive services may be named as well. A service that an edit has
// removed is not one of the run, although its process may still be ending.
func (c *Controller) all(ctx context.Context, names []string, add bool, do func(s *supervisor, names []string)) error {
	var unknown error
	err := c.call(ctx, func(s *supervisor) {
		known := slices.DeleteFunc(slices.Clone(s.names), func(name string) bool { return s.services[name].goal == goalRemove })
		if len(names) == 0 {
			names = slices.Clone(known)
		}
		if add {
			known = slices.AppendSeq(known, maps.Keys(s.inactive))
			slices.Sort(known)
		}
		if missing := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return slices.Contains(known, name) }); len(missing) > 0 {
			unknown = &UnknownServiceError{missing, known}
			return
		}
		if s.closing {
			unknown = ErrEnded
			return
		}
		if add {
			for _, name := range names {
				s.add(name)
			}
			s.changed = true
		}
		do(s, names)
	})
	return errors.Join(err, unknown)
}

// startIdle starts those of the services that are neither running nor waiting.
func (s *supervisor) startIdle(names []string) {
	for _, name := range names {
		if sv := s.services[name]; sv.phase == ended || sv.phase == backoff || sv.goal == goalStop || sv.goal == goalRemove {
			s.apply(name, event{kind: evRestart})
		}
	}
}

// startDependencies starts the dependencies of the services, direct or not,
// that have failed or were stopped: the services would wait for them forever.
func (s *supervisor) startDependencies(names []string) {
	for i, on := 0, slices.Clone(names); i < len(on); i++ {
		for _, name := range s.services[on[i]].spec.DependsOn {
			sv, ok := s.services[name]
			if !ok || slices.Contains(on, name) {
				continue
			}
			on = append(on, name)
			if !sv.available() {
				s.startIdle([]string{name})
			}
		}
	}
}

// Down stops all services and ends the run.
func (c *Controller) Down(ctx context.Context) error { return c.End(ctx, "devports down") }

// End is Down for another reason, which is shown to the user.
func (c *Controller) End(ctx context.Context, reason string) error {
	return c.call(ctx, func(s *supervisor) {
		s.stopRequested = true
		s.close(Stopping{Reason: reason})
	})
}

// Wait waits until settled holds for all the services named, and returns them.
// No names stand for all. It returns the errors of Start, and ctx.Err().
func (c *Controller) Wait(ctx context.Context, settled func(Status) bool, names ...string) ([]Status, error) {
	result := make(chan []Status, 1)
	var unknown error
	w := &waiter{names: names, settled: settled, result: result}
	if err := c.call(ctx, func(s *supervisor) {
		for _, name := range names {
			if _, known := s.services[name]; !known {
				unknown = &UnknownServiceError{[]string{name}, slices.Clone(s.names)}
				return
			}
		}
		s.waiters = append(s.waiters, w)
	}); err != nil {
		return nil, err
	}
	if unknown != nil {
		return nil, unknown
	}
	select {
	case all := <-result:
		return all, nil
	case <-c.ended:
		return nil, ErrEnded
	case <-ctx.Done():
		_ = c.call(context.WithoutCancel(ctx), func(s *supervisor) {
			s.waiters = slices.DeleteFunc(s.waiters, func(other *waiter) bool { return other == w })
		})
		return nil, ctx.Err()
	}
}

// waiter is one call of Wait.
type waiter struct {
	names   []string
	settled func(Status) bool
	result  chan<- []Status
}

// answerWaiters completes the calls of Wait whose condition holds now.
func (s *supervisor) answerWaiters() {
	if len(s.waiters) == 0 {
		return
	}
	all := s.statuses()
	s.waiters = slices.DeleteFunc(s.waiters, func(w *waiter) bool {
		var wanted []Status
		for _, status := range all {
			if len(w.names) > 0 && !slices.Contains(w.names, status.Service) {
				continue
			}
			if !w.settled(status) {
				return false
			}
			wanted = append(wanted, status)
		}
		w.result <- wanted
		return true
	})
}
