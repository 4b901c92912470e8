package control

import (
	"context"
	"fmt"
	"hash/fnv"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/devports/devports/launcher"
)

// SharedLabel is the worktree label of the run that starts the services which all
// checkouts of a project share.
const SharedLabel = "shared"

// SharedSlot returns the slot of the run of shared services, which has the
// directory of the main checkout.
func (r Runs) SharedSlot(directory string) Slot {
	h := fnv.New64a()
	fmt.Fprintf(h, "%s\x00\x00shared", directory)
	return Slot{r, fmt.Sprintf("%016x", h.Sum64())}
}

// RunningShared returns the run of shared services of a directory, even if that
// has moved since. ok is false if there is none.
func (r Runs) RunningShared(directory string) (i Instance, ok bool) {
	if i, ok = r.SharedSlot(directory).Running(); ok {
		return i, ok
	}
	id := directoryID(directory)
	for _, other := range r.Instances() {
		if id != "" && other.Runs() && other.Note.Shared && other.Note.DirectoryID == id {
			return other, true
		}
	}
	return i, false
}

// Holder is a checkout that uses services of the run of shared services.
type Holder struct {
	Checkout string   `json:"checkout"`
	Services []string `json:"services,omitempty"`
}

// SharedError reports that other checkouts need a shared service.
type SharedError struct {
	Service   string
	Checkouts []string
}

func (e *SharedError) Error() string {
	return fmt.Sprintf("%s is shared with %s", e.Service, strings.Join(e.Checkouts, ", "))
}

// SharedCommands carries out commands for shared services, in the run that starts
// them. Without others, the error is a *SharedError if other checkouts need one of
// them.
type SharedCommands interface {
	Stop(ctx context.Context, others bool, services ...string) error
	Restart(ctx context.Context, others bool, services ...string) error
}

// NeededBy returns the checkouts other than this one that hold a service.
func (i Info) NeededBy(service, except string) (checkouts []string) {
	for _, h := range i.Holders {
		if h.Checkout != except && slices.Contains(h.Services, service) && !slices.Contains(checkouts, h.Checkout) {
			checkouts = append(checkouts, h.Checkout)
		}
	}
	slices.Sort(checkouts)
	return checkouts
}

// WithForce returns a client whose commands stop and restart shared services
// even if other checkouts need them (others=true).
func (c Client) WithForce() Client {
	c.force = true
	return c
}

// splitShared wraps a command for services: for those that are shared and named,
// it calls shared instead.
func (s server) splitShared(
	do func(ctx context.Context, arrived time.Time, names ...string) error,
	shared func(c SharedCommands) func(ctx context.Context, others bool, names ...string) error,
) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		others := query.Get("others") == "true"
		if query.Del("others"); others {
			r.URL.RawQuery = query.Encode()
		}
		s.command(func(ctx context.Context, arrived time.Time, names ...string) error {
			if s.run.Shared == nil || len(names) == 0 {
				return do(ctx, arrived, names...)
			}
			all, err := s.run.Controller.Status(ctx)
			if err != nil {
				return err
			}
			names, theirs := SplitShared(all, names)
			if len(theirs) > 0 {
				if err := shared(s.run.Shared)(ctx, others, theirs...); err != nil || len(names) == 0 {
					return err
				}
			}
			return do(ctx, arrived, names...)
		})(w, r)
	}
}

// SplitShared returns those of the services named that are the run's own, and
// those that are shared.
func SplitShared(all []launcher.Status, names []string) (own, shared []string) {
	for _, name := range names {
		if slices.ContainsFunc(all, func(st launcher.Status) bool { return st.Service == name && st.Shared }) {
			shared = append(shared, name)
		} else {
			own = append(own, name)
		}
	}
	return own, shared
}

// leave ends a hold whose client has disconnected; after the linger time of the
// run, so that the services do not stop between two clients.
func (h *holds) leave(id string) {
	h.mu.Lock()
	delete(h.holders, id)
	h.mu.Unlock()
	if h.run.Linger == 0 {
		h.release(id)
		return
	}
	time.AfterFunc(h.run.Linger, func() { h.release(id) })
}

// list returns the checkouts that hold services.
func (h *holds) list() (all []Holder) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for id, checkout := range h.holders {
		all = append(all, Holder{checkout, h.needed[id]})
	}
	slices.SortFunc(all, func(a, b Holder) int {
		return strings.Compare(a.Checkout+"\x00"+strings.Join(a.Services, "\x00"), b.Checkout+"\x00"+strings.Join(b.Services, "\x00"))
	})
	return all
}

// HoldShared is Hold for a checkout that uses a shared service.
func (c Client) HoldShared(ctx context.Context, checkout, service string) (Hold, error) {
	c.holder = checkout
	return c.Hold(ctx, []string{service}, false, false)
}
