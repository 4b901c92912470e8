package launcher

import (
	"context"
	"slices"
	"sync"

	"github.com/devports/devports/launcher/probe"
	"github.com/devports/devports/procfile"
)

// Unresponsive checks those of the services again that are ready, and returns
// the ones that do not answer now. It repeats only checks over TCP and HTTP,
// not commands and log patterns. No names stand for all; unknown names are
// ignored.
func (c *Controller) Unresponsive(ctx context.Context, names ...string) (unresponsive []string, err error) {
	tries := map[string]probe.Try{}
	err = c.call(ctx, func(s *supervisor) {
		for _, name := range s.names {
			sv := s.services[name]
			if len(names) > 0 && !slices.Contains(names, name) || sv.phase != running || !sv.ready || sv.goal != goalNone {
				continue
			}
			switch check := sv.procSpec.Ready; check.Kind {
			case procfile.TCP:
				tries[name] = probe.Accepts(sv.procSpec.Port)
			case procfile.HTTP:
				tries[name] = s.system.Probe(sv.procSpec, check)
			}
		}
	})
	ctx, cancel := context.WithTimeout(ctx, probe.Timeout)
	defer cancel()
	var mu sync.Mutex // guards unresponsive
	var checks sync.WaitGroup
	for name, try := range tries {
		checks.Go(func() {
			if try(ctx) != nil {
				mu.Lock()
				unresponsive = append(unresponsive, name)
				mu.Unlock()
			}
		})
	}
	checks.Wait()
	slices.Sort(unresponsive)
	return unresponsive, err
}
