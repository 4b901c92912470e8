package front

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
)

// routes are the services of all runs, by the names of their sites. It is
// immutable.
type routes struct {
	sites   map[string]site
	changed chan struct{} // closed when there are later routes
}

// site is a run with its services. It is immutable.
type site struct {
	run      *run
	services []Service          // as announced
	hosts    map[string]backend // those with a name, by label
}

// list returns the sites, sorted by name.
func (r *routes) list() []site {
	return slices.SortedFunc(maps.Values(r.sites), func(a, b site) int { return cmp.Compare(a.run.about.Site, b.run.about.Site) })
}

// find returns the backend of a service's name.
func (r *routes) find(n name) (backend, bool) {
	b, ok := r.sites[n.site].hosts[n.service]
	return b, ok
}

// table has the current routes.
type table struct {
	mu  sync.Mutex // held while the routes change
	now atomic.Pointer[routes]
}

func newTable() *table {
	t := &table{}
	t.now.Store(&routes{map[string]site{}, make(chan struct{})})
	return t
}

func (t *table) routes() *routes { return t.now.Load() }

// set makes services the services of a run. It returns the run that has the
// site, unless that is the run itself: then nothing changes.
func (t *table) set(r *run, services []Service) (other *run) {
	s := site{r, services, map[string]backend{}}
	for _, service := range services {
		if _, taken := s.hosts[service.Host]; service.Host != "" && !taken {
			s.hosts[service.Host] = newBackend(r, service)
		}
	}
	return t.change(r, func(sites map[string]site) { sites[r.about.Site] = s })
}

// remove removes a run, if it has its site.
func (t *table) remove(r *run) {
	t.change(r, func(sites map[string]site) { delete(sites, r.about.Site) })
}

func (t *table) change(r *run, edit func(map[string]site)) (other *run) {
	t.mu.Lock()
	defer t.mu.Unlock()
	before := t.now.Load()
	if now, taken := before.sites[r.about.Site]; taken && now.run != r {
		return now.run
	}
	sites := maps.Clone(before.sites)
	edit(sites)
	t.now.Store(&routes{sites, make(chan struct{})})
	close(before.changed)
	return nil
}
