package dashboard

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/devports/devports/launcher/control"
	"github.com/devports/devports/launcher/logstore"
	"github.com/devports/devports/launcher/output"
)

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

// found updates the entry of a slot, and reports whether its run is to be
// followed.
func (h *hub) found(i control.Instance, first bool) (follow bool) {
	h.mu.Lock()
	k, listed := h.checkouts[i.Name()]
	following := h.watching[i.Note.ID]
	h.mu.Unlock()
	switch {
	case i.Runs() && !following:
		if listed && k.instance.Note.ID != i.Note.ID {
			k.info, k.loads = control.Info{}, nil
		}
		k.slot, k.instance, k.Checkout, k.running, k.ended, k.problem = i.Slot, i, identity(i.Note), true, "", ""
		h.mu.Lock()
		h.checkouts[i.Name()] = k
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
			k.info = h.checkouts[i.Name()].info
			h.checkouts[i.Name()] = k
			h.change()
		case listed:
			delete(h.checkouts, i.Name())
			h.change()
		}
	}
	return false
}

// remains returns what is left of the last run of a slot. ok is false if it ended
// long ago.
func (h *hub) remains(i control.Instance) (k checkoutInfo, ok bool) {
	k = checkoutInfo{slot: i.Slot, instance: i, Checkout: identity(i.Note)}
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
			h.update(k.instance, func(k *checkoutInfo) { k.branch, k.commit = branch, commit })
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
	readers.Go(func() { h.watchSuspended(ctx, i) })
	for ctx.Err() == nil {
		err := i.Client().Watch(ctx, func(info control.Info) error {
			h.update(i, func(k *checkoutInfo) {
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
			h.update(i, func(k *checkoutInfo) {
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
	h.update(i, func(k *checkoutInfo) {
		k.running, k.ended, k.endedAt, k.stored, k.loads, k.problem = false, text, time.Now(), stored, nil, ""
	})
}

// watchSuspended polls whether a run is suspended, and updates its problem,
// until ctx ends. No event reports a suspension: the connections of the run
// only fall silent.
func (h *hub) watchSuspended(ctx context.Context, i control.Instance) {
	for was := false; ; {
		select {
		case <-time.After(scanInterval):
		case <-ctx.Done():
			return
		}
		suspended := i.Suspended()
		if suspended == was {
			continue
		}
		was = suspended
		h.update(i, func(k *checkoutInfo) {
			if k.problem = ""; suspended {
				k.problem, _ = h.options.Explain(k.Checkout, &control.UnresponsiveError{PID: i.Note.PID, Suspended: true})
			}
		})
	}
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
		statuses := h.checkouts[i.Name()].info.Services
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
			h.update(i, func(k *checkoutInfo) { k.loads = loads })
		}
		before = loads
	}
}
