package dashboard

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/devports/devports/launcher/control"
)

const (
	scanInterval = time.Second     // of searches for runs that the front does not know, and for suspended ones
	loadInterval = 2 * time.Second // of readings of CPU and memory
	retryWatch   = 200 * time.Millisecond
	endedListed  = 24 * time.Hour  // how long a checkout is listed after its end
	lingerTime   = 3 * time.Second // how long runs are watched after the last page was closed
)

// checkoutInfo is the latest information about a checkout. It is immutable: an
// update replaces it in hub.checkouts.
type checkoutInfo struct {
	Checkout
	id             string
	slot           control.Slot
	instance       control.Instance // the latest run
	info           control.Info     // its latest status
	running        bool
	ended, problem string
	endedAt        time.Time
	branch, commit string
	stored         []string // services with output
	loads          map[string]load
}

// hub watches the runs of all checkouts while there are users.
type hub struct {
	ctx     context.Context
	options Options

	mu         sync.Mutex // guards the fields below
	users      int
	stop       context.CancelFunc // nil: nothing is watched
	linger     *time.Timer
	scanned    chan struct{}           // closed when the first search is complete
	checkouts  map[string]checkoutInfo // by slot
	generation int                     // of changes
	changed    chan struct{}           // closed at the next change
	text       []byte                  // the state, as of textOf
	textOf     int
	watching   map[string]bool // by the run's ID
}

func newHub(ctx context.Context, o Options) *hub {
	return &hub{ctx: ctx, options: o, checkouts: map[string]checkoutInfo{}, changed: make(chan struct{}), textOf: -1, watching: map[string]bool{}}
}

// use watches the runs until release is called. It returns once all are known.
func (h *hub) use(ctx context.Context) (release func()) {
	h.mu.Lock()
	h.users++
	if h.linger != nil {
		h.linger.Stop()
		h.linger = nil
	}
	if h.stop == nil {
		var watching context.Context
		watching, h.stop = context.WithCancel(h.ctx)
		h.scanned = make(chan struct{})
		go h.watch(watching, h.scanned)
	}
	scanned := h.scanned
	h.mu.Unlock()
	select {
	case <-scanned:
	case <-ctx.Done():
	case <-h.ctx.Done():
	}
	return sync.OnceFunc(func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.users--; h.users > 0 {
			return
		}
		h.linger = time.AfterFunc(lingerTime, func() {
			h.mu.Lock()
			defer h.mu.Unlock()
			if h.users == 0 && h.stop != nil {
				h.stop()
				h.stop = nil
			}
		})
	})
}

// notify reports a change.
func (h *hub) notify() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.change()
}

// change is notify with mu held.
func (h *hub) change() {
	h.generation++
	close(h.changed)
	h.changed = make(chan struct{})
}

// list returns the checkouts with their ids, sorted by these, so that none moves
// when it ends.
func (h *hub) list() []checkoutInfo {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.listed()
}

func (h *hub) listed() []checkoutInfo {
	all := slices.Collect(maps.Values(h.checkouts))
	slices.SortFunc(all, func(a, b checkoutInfo) int {
		return cmp.Or(compareBool(b.running, a.running), b.instance.Note.Since.Compare(a.instance.Note.Since), cmp.Compare(a.slot.Name(), b.slot.Name()))
	})
	taken := map[string]bool{}
	for i := range all {
		id := h.options.Name(all[i].Checkout)
		if taken[id] {
			id += "~" + all[i].slot.Name()
		}
		taken[id] = true
		all[i].id = id
	}
	slices.SortFunc(all, func(a, b checkoutInfo) int { return cmp.Compare(a.id, b.id) })
	return all
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// find returns a checkout.
func (h *hub) find(ctx context.Context, id string) (checkoutInfo, bool) {
	defer h.use(ctx)()
	all := h.list()
	if i := slices.IndexFunc(all, func(k checkoutInfo) bool { return k.id == id }); i >= 0 {
		return all[i], true
	}
	return checkoutInfo{}, false
}

// state returns the state as JSON, its number, and a channel that is closed when
// there is a later one.
func (h *hub) state() (text []byte, number int, changed <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var points []Point
	for of := -1; of != h.generation; { // again if there was a change meanwhile
		of = h.generation
		h.mu.Unlock()
		points = h.options.Points()
		h.mu.Lock()
	}
	if h.textOf != h.generation {
		s := state{Version: h.options.Version + " " + staticVersion(), Checkouts: []checkoutState{}, Points: []pointState{}}
		all := h.listed()
		for _, k := range all {
			url := ""
			if k.running {
				url = siteURL(k, h.options.Name(k.Checkout), h.options.Port)
			}
			s.Checkouts = append(s.Checkouts, stateOf(k, url))
		}
		for _, p := range points {
			shown := pointState{Port: p.Port, Service: p.Service, State: "waiting", Detail: p.Error}
			if p.Running {
				shown.State = "ready"
			} else if p.Error != "" {
				shown.State = "blocked"
			}
			if i := slices.IndexFunc(all, func(k checkoutInfo) bool {
				return k.Directory == p.Checkout.Directory && k.Worktree == p.Checkout.Worktree
			}); i >= 0 {
				shown.Checkout = all[i].id
			}
			s.Points = append(s.Points, shown)
		}
		h.text, _ = json.Marshal(s)
		h.textOf = h.generation
	}
	return h.text, h.generation, h.changed
}

// update changes what is known about a checkout, if it still has that run.
func (h *hub) update(i control.Instance, edit func(*checkoutInfo)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	k, ok := h.checkouts[i.Name()]
	if !ok || k.instance.Note.ID != i.Note.ID {
		return
	}
	edit(&k)
	h.checkouts[i.Name()] = k
	h.change()
}
