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
	"github.com/devports/devports/launcher/logstore"
	"github.com/devports/devports/launcher/output"
)

const (
	scanInterval = time.Second     // of searches for runs that the front does not know
	loadInterval = 2 * time.Second // of readings of CPU and memory
	retryWatch   = 200 * time.Millisecond
	endedListed  = 24 * time.Hour  // how long a checkout is listed after its end
	lingerTime   = 3 * time.Second // how long runs are watched after the last page was closed
)

// known is what is known about a checkout. It is immutable, except for the map of
// the hub that has it.
type known struct {
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

	mu       sync.Mutex // guards the fields below
	users    int
	stop     context.CancelFunc // nil: nothing is watched
	linger   *time.Timer
	scanned  chan struct{}    // closed when the first search is complete
	all      map[string]known // by slot
	number   int              // of changes
	changed  chan struct{}    // closed at the next change
	text     []byte           // the state, as of textOf
	textOf   int
	watching map[string]bool // by the run's ID
}

func newHub(ctx context.Context, o Options) *hub {
	return &hub{ctx: ctx, options: o, all: map[string]known{}, changed: make(chan struct{}), textOf: -1, watching: map[string]bool{}}
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
	h.number++
	close(h.changed)
	h.changed = make(chan struct{})
}

// list returns the checkouts with their ids, sorted by these, so that none moves
// when it ends.
func (h *hub) list() []known {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.listed()
}

func (h *hub) listed() []known {
	all := slices.Collect(maps.Values(h.all))
	slices.SortFunc(all, func(a, b known) int {
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
	slices.SortFunc(all, func(a, b known) int { return cmp.Compare(a.id, b.id) })
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
func (h *hub) find(ctx context.Context, id string) (known, bool) {
	defer h.use(ctx)()
	all := h.list()
	if i := slices.IndexFunc(all, func(k known) bool { return k.id == id }); i >= 0 {
		return all[i], true
	}
	return known{}, false
}

// state returns the state as JSON, its number, and a channel that is closed when
// there is a later one.
func (h *hub) state() (text []byte, number int, changed <-chan struct{}) {
	points := h.options.Points()
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.textOf != h.number {
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
			if i := slices.IndexFunc(all, func(k known) bool { return k.Directory == p.Checkout.Directory && k.Worktree == p.Checkout.Worktree }); i >= 0 {
				shown.Checkout = all[i].id
			}
			s.Points = append(s.Points, shown)
		}
		h.text, _ = json.Marshal(s)
		h.textOf = h.number
	}
	return h.text, h.number, h.changed
}

// update changes what is known about a checkout, if it still has that run.
func (h *hub) update(i control.Instance, edit func(*known)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	k, ok := h.all[i.Name()]
	if !ok || k.instance.Note.ID != i.Note.ID {
		return
	}
	edit(&k)
	h.all[i.Name()] = k
	h.change()
}

// watch searches for runs, and follows each, until ctx ends.
func (h *hub) watch(ctx context.Context, scanned chan struct{}) {
	var runs sync.WaitGroup
	defer runs.Wait()
	for first := true; ctx.Err() == nil; first = false {
		announced := h.options.Announced()
		var starting []control.Instance
		for _, i := range h.options.Runs.Instances() {
			if h.found(i, first) {
				starting = append(starting, i)
			}
		}
		h.readHeads()
		responded := make(chan struct{}, len(starting))
		for _, i := range starting {
			runs.Go(func() { h.follow(ctx, i, func() { responded <- struct{}{} }) })
		}
		if first {
			// The status of all runs, unless one does not respond.
			timeout := time.After(500 * time.Millisecond)
			for range starting {
				select {
				case <-responded:
				case <-timeout:
				case <-ctx.Done():
				}
			}
			close(scanned)
		}
		select {
		case <-announced:
		case <-time.After(scanInterval):
		case <-ctx.Done():
		}
	}
}

// found reports whether a run of a slot shall be followed.
func (h *hub) found(i control.Instance, first bool) (follow bool) {
	h.mu.Lock()
	k, listed := h.all[i.Name()]
	following := h.watching[i.Note.ID]
	h.mu.Unlock()
	switch {
	case i.Runs() && !following:
		if listed && k.instance.Note.ID != i.Note.ID {
			k.info, k.loads = control.Info{}, nil
		}
		k.slot, k.instance, k.Checkout, k.running, k.ended, k.problem = i.Slot, i, identity(i.Note), true, "", ""
		h.mu.Lock()
		h.all[i.Name()] = k
		h.watching[i.Note.ID] = true
		h.change()
		h.mu.Unlock()
		return true
	case !i.Runs() && !following && (!listed || first):
		k, ok := h.remains(i)
		h.mu.Lock()
		defer h.mu.Unlock()
		switch {
		case ok:
			k.info = h.all[i.Name()].info
			h.all[i.Name()] = k
			h.change()
		case listed:
			delete(h.all, i.Name())
			h.change()
		}
	}
	return false
}

// remains returns what is left of the last run of a slot. ok is false if it ended
// long ago.
func (h *hub) remains(i control.Instance) (k known, ok bool) {
	k = known{slot: i.Slot, instance: i, Checkout: identity(i.Note)}
	runs := h.options.Logs.Runs(i.Name())
	if len(runs) == 0 {
		k.ended = "it was killed"
		return k, i.Killed() && time.Since(i.Note.Since) < endedListed
	}
	r := runs[0]
	k.Checkout = Checkout{r.Directory, r.Project, r.Worktree}
	k.instance.Note.Since = r.Began
	k.endedAt = laterOf(r.At, r.Last(), r.Began)
	k.ended, k.stored = h.options.Ended(r), services(r)
	return k, time.Since(k.endedAt) < endedListed && r.Directory != ""
}

func laterOf(times ...time.Time) (latest time.Time) {
	for _, t := range times {
		if t.After(latest) {
			latest = t
		}
	}
	return latest
}

// services are those of a run with output, without devports itself.
func services(r logstore.Run) []string {
	return slices.DeleteFunc(r.Known(), func(name string) bool { return name == output.Own })
}

// readHeads reads the branches of all checkouts that run.
func (h *hub) readHeads() {
	for _, k := range h.list() {
		if k.branch != "" && !k.running {
			continue
		}
		branch, commit := h.options.Head(k.Directory)
		if branch != k.branch || commit != k.commit {
			h.update(k.instance, func(k *known) { k.branch, k.commit = branch, commit })
		}
	}
}

// follow follows a run until it has ended. responded is called once its status is
// known.
func (h *hub) follow(ctx context.Context, i control.Instance, responded func()) {
	responded = sync.OnceFunc(responded)
	defer responded()
	defer func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.watching, i.Note.ID)
	}()
	var readers sync.WaitGroup
	defer readers.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	readers.Go(func() { h.readLoads(ctx, i) })
	for ctx.Err() == nil {
		err := i.Client().Watch(ctx, func(info control.Info) error {
			h.update(i, func(k *known) {
				k.info, k.problem = info, ""
				k.Checkout = Checkout{info.Directory, info.Project, info.Worktree}
			})
			responded()
			return nil
		})
		if ctx.Err() != nil {
			return
		}
		if now := i.Slot.Instance(); !now.Runs() || now.Note.ID != i.Note.ID {
			h.ended(i, now)
			return
		}
		if err != nil {
			h.update(i, func(k *known) {
				k.problem, _ = h.options.Explain(k.Checkout, err)
			})
			responded()
		}
		select {
		case <-time.After(retryWatch):
		case <-ctx.Done():
		}
	}
}

// ended records that a run has ended; now is what is left of it, or the next run.
func (h *hub) ended(i, now control.Instance) {
	text, stored := "", []string(nil)
	for _, r := range h.options.Logs.Runs(i.Name()) {
		if r.ID == i.Note.ID && r.ID != "" {
			text, stored = h.options.Ended(r), services(r)
		}
	}
	if text == "" {
		text = "it has ended"
		if now.Killed() {
			text = "it was killed"
		}
	}
	h.update(i, func(k *known) {
		k.running, k.ended, k.endedAt, k.stored, k.loads, k.problem = false, text, time.Now(), stored, nil, ""
	})
}

// readLoads reads what the services of a run use, until ctx ends.
func (h *hub) readLoads(ctx context.Context, i control.Instance) {
	before := map[string]load{}
	for wait := 200 * time.Millisecond; ; wait = loadInterval { // the second reading soon
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
		h.mu.Lock()
		statuses := h.all[i.Name()].info.Services
		h.mu.Unlock()
		loads := map[string]load{}
		for _, st := range statuses {
			if st.PID == 0 {
				continue
			}
			d, err := i.Client().Inspect(ctx, st.Service)
			if err == nil && d.PID == st.PID && d.Memory > 0 {
				loads[st.Service] = before[st.Service].after(d)
			}
		}
		if len(loads) > 0 || len(before) > 0 {
			h.update(i, func(k *known) { k.loads = loads })
		}
		before = loads
	}
}
