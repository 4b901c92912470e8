package registry

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/devports/devports/allocator"
	"github.com/devports/devports/registry/checkout"
)

// Lease gives a port to a name, until it is removed.
type Lease struct {
	Scope  Scope
	Name   allocator.PortName
	Port   int       // 1-65535
	Pinned bool      // by the Portfile, or for a user-wide name by the user; otherwise it was chosen
	Since  time.Time // when the name got this port; UTC, whole seconds

	Undeclared bool // the project's file did not declare the name at its last lease: see [allocator.WantedPort]
}

// String returns the owner of the lease for messages: "auth of shop (feature)".
func (l Lease) String() string { return l.Scope.Qualify(l.Name.String()) }

// ByPort groups leases by port: several names may pin the same one.
func ByPort(leases []Lease) map[int][]Lease {
	by := map[int][]Lease{}
	for _, l := range leases {
		by[l.Port] = append(by[l.Port], l)
	}
	return by
}

// Chooser picks a port, 1-65535, for a name that has none. It may pick only a
// port that is usable: neither leased nor pinned. The Chooser itself checks
// whether the port is free on this machine. Lease returns its error unchanged.
type Chooser func(s Scope, n allocator.PortName, usable func(port int) bool) (int, error)

// Options are the options of [Registry.Lease].
type Options struct {
	Choose Chooser          // required unless every name has a lease or a pin
	Move   func(Lease) bool // reports whether a chosen lease should move to another port; nil moves none. It is not called for pinned leases

	// Changed, if not nil, is called if the scope has moved or got new labels.
	Changed func(Change)

	// NoPins ignores pins: a port is chosen, as in a checkout that is not the
	// main one, even for a name that was pinned before.
	NoPins bool

	// Confirm, if not nil, is called last, with the results of Lease. If it
	// returns an error, so does Lease, and nothing is written.
	Confirm func(Scope, []Lease) error
}

func (o Options) confirm(s Scope, leases []Lease) error {
	if o.Confirm == nil {
		return nil
	}
	return o.Confirm(s, leases)
}

// plan is the difference between the leases that a scope has and those that it
// wants.
type plan struct {
	state  state
	at     int    // the index of the scope's record in the state, or -1
	record record // the scope's record, with its current leases
	disk   disk
	steps  []step // in name order
}

type step struct {
	allocator.WantedPort // Pin is 0 if pins do not apply

	avoid int   // the wanted pin: never chosen, even if it does not apply
	had   entry // the current lease, or the zero entry
	do    transform
}

// transform is the change of a lease.
type transform int

const (
	keep   transform = iota // no change
	mark                    // it keeps its port, but whether it is declared has changed
	pin                     // it gets the pinned port
	unpin                   // it is no longer pinned, and keeps its port as a chosen one unless another lease has it
	choose                  // it gets a newly chosen port
)

// plan compares the leases of a scope with wants, which are in name order and
// unique.
func (s state) plan(c checkout.Checkout, wants []allocator.WantedPort, o Options, d disk) plan {
	at, r := s.match(c, d)
	p := plan{s, at, r, d, make([]step, len(wants))}
	for i, w := range wants {
		st := step{WantedPort: w, avoid: w.Pin}
		if !r.Main() || o.NoPins {
			st.Pin = 0
		}
		had, found := r.find(w.Name)
		st.had = had
		switch {
		case st.Pin != 0 && had.Pinned && had.Port == st.Pin && !had.undeclared:
			st.do = keep
		case st.Pin != 0:
			st.do = pin
		case !found:
			st.do = choose
		case had.Pinned && r.UserWide():
			st.do = keep
		case had.Pinned && o.NoPins:
			st.do = choose
		case had.Pinned:
			st.do = unpin
		case o.Move != nil && o.Move(r.lease(had)):
			st.do = choose
		case had.undeclared != st.Undeclared:
			st.do = mark
		}
		p.steps[i] = st
	}
	return p
}

// settled reports whether nothing has to change, labels included.
func (p plan) settled() bool {
	if p.at >= 0 && !p.record.sameHeader(p.state.records[p.at]) {
		return false
	}
	return !slices.ContainsFunc(p.steps, func(s step) bool { return s.do != keep })
}

// leases returns the scope's current leases of the wanted names, in name order.
func (p plan) leases() []Lease {
	leases := make([]Lease, len(p.steps))
	for i, s := range p.steps {
		leases[i] = p.record.lease(s.had)
	}
	return leases
}

// carryOut executes the plan: all of it, or, with an error, nothing.
//
// The order decides which name gets a number. Leases that do not change come
// first; then pins, which yield only to chosen leases; then leases that lost
// their pin, which yield to any other; last the names that need a port chosen,
// in name order.
func (p plan) carryOut(pick Chooser, now time.Time) (state, []Lease, error) {
	taken := p.others()
	leased := make([]entry, len(p.steps))
	set := func(i, port int, pinned bool) {
		e := entry{p.steps[i].Name, port, pinned, p.steps[i].had.Since, p.steps[i].Undeclared}
		if port != p.steps[i].had.Port {
			e.Since = now.UTC().Truncate(time.Second)
		}
		leased[i] = e
		taken.add(e)
	}

	for i, s := range p.steps {
		if s.do == keep || s.do == mark {
			set(i, s.had.Port, s.had.Pinned)
		}
	}
	var refused []int
	for i, s := range p.steps {
		switch {
		case s.do != pin:
		case taken[s.Pin] == chosen:
			refused = append(refused, i)
		default:
			set(i, s.Pin, true)
		}
	}
	if len(refused) > 0 {
		return state{}, nil, p.conflicts(refused)
	}
	for i, s := range p.steps {
		switch {
		case s.do != unpin:
		case taken[s.had.Port] == unused:
			set(i, s.had.Port, false)
		default:
			p.steps[i].do = choose
		}
	}
	for _, s := range p.steps {
		if taken[s.avoid] == unused {
			taken[s.avoid] = pinned
		}
	}
	for i, s := range p.steps {
		if s.do != choose {
			continue
		}
		port, err := pickPort(pick, p.record.Scope, s, taken)
		if err != nil {
			return state{}, nil, err
		}
		set(i, port, false)
	}

	r := p.record.with(leased)
	leases := make([]Lease, len(leased))
	for i, e := range leased {
		leases[i] = r.lease(e)
	}
	return p.state.put(p.at, r), leases, nil
}

// pickPort calls the Chooser and verifies its result.
func pickPort(pick Chooser, s Scope, st step, taken *ports) (int, error) {
	if pick == nil {
		return 0, errors.New("registry: Options.Choose is nil, and a port has to be chosen")
	}
	usable := func(port int) bool {
		return validPort(port) && taken[port] == unused && port != st.had.Port
	}
	port, err := pick(s, st.Name, usable)
	if err == nil && !usable(port) {
		err = fmt.Errorf("registry: Choose returned port %d for %s, which is not usable", port, st.Name)
	}
	return port, err
}

// others returns the ports of all leases that the plan does not cover.
func (p plan) others() *ports {
	var taken ports
	for i, r := range p.state.records {
		for _, e := range r.leases {
			if i != p.at || !p.covers(e.Name) {
				taken.add(e)
			}
		}
	}
	return &taken
}

func (p plan) covers(n allocator.PortName) bool {
	_, found := slices.BinarySearchFunc(p.steps, n, func(s step, n allocator.PortName) int { return s.Name.Compare(n) })
	return found
}

// conflicts returns the error for the steps whose pins were refused, with the
// chosen lease that has each number.
func (p plan) conflicts(refused []int) error {
	e := &ConflictError{Scope: p.record.Scope}
	for _, i := range refused {
		w := p.steps[i].WantedPort
		owner, gone := p.owner(w)
		e.Conflicts = append(e.Conflicts, Conflict{w.Name, w.Pin, owner, gone})
	}
	return e
}

// owner returns the chosen lease of another name on the number that w pins, and
// whether its directory is gone.
func (p plan) owner(w allocator.WantedPort) (Lease, bool) {
	for i, r := range p.state.records {
		for _, e := range r.leases {
			if e.Port == w.Pin && !e.Pinned && (i != p.at || e.Name != w.Name) {
				return r.lease(e), !r.UserWide() && p.disk.gone(r)
			}
		}
	}
	return Lease{}, false
}

// ports is the use of every port. A chosen port has one owner; a pinned one may
// have several.
type ports [1 << 16]use

// newPorts returns unused ports on the heap. On the stack they would take a
// tenth of the time of `devports port`: a stack grows by copying, and is
// cleared.
//
//go:noinline
func newPorts() *ports { return new(ports) }

type use uint8

const (
	unused use = iota
	chosen
	pinned
)

// allow reports whether e may have its port, given the leases added so far.
func (p *ports) allow(e entry) bool {
	return p[e.Port] == unused || p[e.Port] == pinned && e.Pinned
}

func (p *ports) add(e entry) {
	p[e.Port] = chosen
	if e.Pinned {
		p[e.Port] = pinned
	}
}

func validPort(port int) bool { return 0 < port && port < 1<<16 }
