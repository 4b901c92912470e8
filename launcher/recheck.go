package launcher

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/devports/devports/launcher/probe"
	"github.com/devports/devports/procfile"
)

// recheckTimeout is how long a service may take to answer one more time.
const recheckTimeout = time.Second

// Unresponsive asks those of the services once more that are ready, and returns
// the ones that do not answer now. A check that runs a command or reads what a
// service prints is not made again. No names stand for all; one that the run does
// not have is no error.
func (st *Controller) Unresponsive(ctx context.Context, names ...string) (silent []string, err error) {
	tries := map[string]probe.Try{}
	err = st.ask(ctx, func(s *supervisor) {
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
	ctx, cancel := context.WithTimeout(ctx, recheckTimeout)
	defer cancel()
	var mu sync.Mutex // guards silent
	var asking sync.WaitGroup
	for name, try := range tries {
		asking.Go(func() {
			if try(ctx) != nil {
				mu.Lock()
				silent = append(silent, name)
				mu.Unlock()
			}
		})
	}
	asking.Wait()
	slices.Sort(silent)
	return silent, err
}
