package allocator

import "sync"

// DefaultRange is the range of ports if no other is given. It is below the
// default ephemeral ranges of Linux (32768-60999), macOS and Windows (both
// 49152-65535), and below the NodePort range of Kubernetes, so that the choice
// is the same everywhere.
var DefaultRange = Range{10000, 29999}

// Fewer candidates than these are too few: see "Too few candidates" in the
// package documentation.
const (
	enoughInDefaultRange  = 200
	enoughInExplicitRange = 20
)

// userPorts are the User Ports of RFC 6335, section 6.
var userPorts = Range{1024, 49151}

// Pool is the set of candidates on one machine. It is an immutable value, safe
// for concurrent use. The zero value has no candidates.
type Pool struct {
	rules  tier
	probed []uint16 // the portable set as a list, with 0 in place of the excluded ports
	left   int      // candidates before any rule was dropped
	cause  Cause
}

// Cause is what leaves only a few ports to choose from.
type Cause int

const (
	NoCause        Cause = iota // there are enough
	SmallRange                  // the explicit range
	EphemeralPorts              // the ephemeral range of the machine
	ReservedPorts               // the reserved ports of the machine
)

// tier is the result of some of the rules: a portable set, the same on every
// machine, and the ports that this machine excludes from it.
type tier struct {
	portable, excluded Set
}

// list returns the portable set as a list, with 0 in place of those excluded.
func (t tier) list() []uint16 {
	list := make([]uint16, 0, t.portable.Len())
	for _, r := range t.portable.ranges {
		for port := r.First; port <= r.Last; port++ {
			if t.excluded.Contains(port) {
				list = append(list, 0)
			} else {
				list = append(list, uint16(port))
			}
		}
	}
	return list
}

func (t tier) candidates() Set { return t.portable.Subtract(t.excluded) }

// NewPool returns the pool of the ports in allow without those of local. An
// empty allow means DefaultRange.
func NewPool(allow Set, local Local) Pool {
	tiers, enough, plain := explicitTiers(allow, local), enoughInExplicitRange, 2
	if allow.Empty() {
		tiers, enough, plain = defaultTiers(local), enoughInDefaultRange, 1
	}
	p, most := Pool{rules: tiers[0]}, 0
	for i, t := range tiers {
		if most >= enough {
			break
		}
		if n := t.candidates().Len(); n > most {
			p.rules, most = t, n
		}
		if i < plain {
			p.left = most
		}
	}
	if most > p.left {
		p.cause = causeOf(allow, local)
	}
	p.probed = p.rules.list()
	return p
}

func causeOf(allow Set, local Local) Cause {
	if !allow.Empty() {
		return SmallRange
	}
	if local.Reserved.Empty() {
		return EphemeralPorts
	}
	local.Reserved = Set{}
	if _, cause := NewPool(allow, local).Widened(); cause != NoCause {
		return EphemeralPorts
	}
	return ReservedPorts
}

// defaultTiers and explicitTiers return the tiers in the order of their use;
// each drops one more rule than the one before.
func defaultTiers(local Local) []tier {
	setAside := local.Reserved.Union(local.Excluded)
	mine := local.Ephemeral.Union(setAside)
	return []tier{
		{quiet().Intersect(NewSet(DefaultRange)), mine},
		{quiet(), mine},
		{quiet(), setAside},
	}
}

func explicitTiers(allow Set, local Local) []tier {
	mine := local.Ephemeral.Subtract(local.Reserved).Union(local.Excluded)
	loadable := allow.Subtract(BrowserBlocked())
	wanted := loadable.Subtract(Denied())
	return []tier{
		{quiet().Intersect(allow), mine.Union(local.Reserved)},
		{quiet().Intersect(allow), mine}, // drops no rule: an explicit range may use reserved ports
		{wanted, mine},
		{wanted, local.Excluded},
		{loadable, local.Excluded},
	}
}

// quiet returns the ports that no known program wants, on any machine.
var quiet = sync.OnceValue(func() Set {
	return NewSet(userPorts).
		Subtract(Assigned()).
		Runs(27, 3).
		Subtract(Denied()).
		Subtract(BrowserBlocked())
})

// Candidates returns the candidates on this machine.
func (p Pool) Candidates() Set { return p.rules.candidates() }

// Widened reports why the pool includes ports that are otherwise avoided: this
// machine leaves only a few others, whose number is left; fewer than 200 in the
// default range, or fewer than 20 in an explicit one. A small explicit range
// without avoided ports is not widened: [NoCause].
func (p Pool) Widened() (left int, cause Cause) { return p.left, p.cause }
