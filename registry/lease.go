package registry

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/devports/devports/allocator"
	"github.com/devports/devports/registry/checkout"
)

// Lease says that a port is a name's, until it is removed.
type Lease struct {
	Scope  Scope
	Name   allocator.PortName
	Port   int       // 1-65535
	Pinned bool      // the Portfile names the number, or for a user-wide name the user; else it was chosen
	Since  time.Time // when the name came to this port; UTC, whole seconds

	Undeclared bool // the project's file did not have the name when it was last leased: see [allocator.WantedPort]
}

// String is for messages: what the lease is for, as "auth of shop (feature)".
func (l Lease) String() string { return l.Scope.Qualify(l.Name.String()) }

// ByPort groups leases by their ports: several names may pin one.
func ByPort(leases []Lease) map[int][]Lease {
	by := map[int][]Lease{}
	for _, l := range leases {
		by[l.Port] = append(by[l.Port], l)
	}
	return by
}

// Chooser picks a port, 1-65535, for a name that has none. It may pick only what usable says yes to: that no lease and no pin
// has the port. Whether the port is free on this machine is the Chooser's own business. Its error ends the call of Lease, which
// returns it as it is.
type Chooser func(s Scope, n allocator.PortName, usable func(port int) bool) (int, error)

// Options are how to lease.
type Options struct {
	Choose Chooser          // needed unless every name has a lease or a pin
	Move   func(Lease) bool // whether a chosen lease is to move to another port; nil moves none. A pinned lease is never asked about

	// Changed is called when a scope has been moved or named. Nil takes no note.
	Changed func(Change)

	// NoPins has no pin bind: a port is chosen, as where the checkout is not the main one, also for a name that was pinned before.
	NoPins bool

	// Confirm is called last, with what Lease is about to return. Its error ends the call: then nothing is written. Nil confirms all.
	Confirm func(Scope, []Lease) error
}

func (o Options) confirm(s Scope, leases []Lease) error {
	if o.Confirm == nil {
		return nil
	}
	return o.Confirm(s, leases)
}

// plan is what has to be done so that a scope gets what it wants. It is made from a state without changing it.
type plan struct {
	state  state
	at     int    // where the scope's record stands in the state, or -1
	record record // the scope's record, with the leases it has
	disk   disk
	steps  []step // in name order
}

type step struct {
	allocator.WantedPort // Pin is 0 where pins do not bind

	shunned int       // the pin as wanted: never chosen, even where it does not bind
	had     entry     // the lease so far, or the zero entry
	do      transform // what becomes of it
}

// transform is what becomes of a lease.
type transform int

const (
	keep   transform = iota // it is as it should be
	mark                    // it stays on its port, but is declared now, or no longer
	pin                     // it goes to its pin
	unpin                   // it lost its pin: it stays on the number as a chosen one, if nobody else has it
	choose                  // it gets a port that is chosen
)

// plan compares what a scope has with what it wants. wants are in name order, no name twice.
func (s state) plan(c checkout.Checkout, wants []allocator.WantedPort, o Options, d disk) plan {
	at, r := s.place(c, d)
	p := plan{s, at, r, d, make([]step, len(wants))}
	for i, w := range wants {
		st := step{WantedPort: w, shunned: w.Pin}
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

// settled tells whether everything is as it should be, labels included.
func (p plan) settled() bool {
	if p.at >= 0 && !p.record.sameHeader(p.state.records[p.at]) {
		return false
	}
	return !slices.ContainsFunc(p.steps, func(s step) bool { return s.do != keep })
}

// leases are the scope's leases of the wanted names as they are, in name order.
func (p plan) leases() []Lease {
	leases := make([]Lease, len(p.steps))
	for i, s := range p.steps {
		leases[i] = p.record.lease(s.had)
	}
	return leases
}

// carryOut does what the plan says: all of it, or nothing, with an error.
//
// The order decides who gets a number. Leases that stay come first; then pins, which yield only to chosen leases; then leases that
// lost their pin, which yield to anybody; last the names that need a port chosen, in name order.
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
		case taken[s.had.Port] == nobody:
			set(i, s.had.Port, false)
		default:
			p.steps[i].do = choose
		}
	}
	for _, s := range p.steps {
		if taken[s.shunned] == nobody {
			taken[s.shunned] = pinned
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

// pickPort calls the Chooser and holds it to its word.
func pickPort(pick Chooser, s Scope, st step, taken *ports) (int, error) {
	if pick == nil {
		return 0, errors.New("registry: a port has to be chosen, and Options.Choose is nil")
	}
	usable := func(port int) bool {
		return validPort(port) && taken[port] == nobody && port != st.had.Port
	}
	port, err := pick(s, st.Name, usable)
	if err == nil && !usable(port) {
		err = fmt.Errorf("registry: port %d was chosen for %s, and is not usable", port, st.Name)
	}
	return port, err
}

// others are the ports of every lease that the plan is not about.
func (p plan) others() *ports {
	var taken ports
	for i, r := range p.state.records {
		for _, e := range r.leases {
			if i != p.at || !p.about(e.Name) {
				taken.add(e)
			}
		}
	}
	return &taken
}

func (p plan) about(n allocator.PortName) bool {
	_, found := slices.BinarySearchFunc(p.steps, n, func(s step, n allocator.PortName) int { return s.Name.Compare(n) })
	return found
}

// conflicts is the error for the steps whose pins were refused: it names the chosen lease that has each number.
func (p plan) conflicts(refused []int) error {
	e := &ConflictError{Scope: p.record.Scope}
	for _, i := range refused {
		w := p.steps[i].WantedPort
		owner, gone := p.owner(w)
		e.Conflicts = append(e.Conflicts, Conflict{w.Name, w.Pin, owner, gone})
	}
	return e
}

// owner finds the chosen lease that another name has on the number that w pins,
// and whether its directory is gone.
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

// ports says of every port who has it. A chosen port has one owner; a pinned one may have several.
type ports [1 << 16]use

// newPorts returns ports that nobody has, on the heap. On the stack they would take
// a tenth of the start of `devports port`: a stack grows by copying, and is cleared.
//
//go:noinline
func newPorts() *ports { return new(ports) }

type use uint8

const (
	nobody use = iota
	chosen
	pinned
)

// allow tells whether e may have its port beside those that have been added.
func (p *ports) allow(e entry) bool {
	return p[e.Port] == nobody || p[e.Port] == pinned && e.Pinned
}

func (p *ports) add(e entry) {
	p[e.Port] = chosen
	if e.Pinned {
		p[e.Port] = pinned
	}
}

func validPort(port int) bool { return 0 < port && port < 1<<16 }
