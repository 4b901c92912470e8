package launcher

import "time"

// EchoTime is how long after the first signal others count as the same one.
// Wrappers such as GNU timeout pass on a Ctrl-C that the terminal has delivered
// already.
const EchoTime = 300 * time.Millisecond

// interrupts are the signals that a run has received.
type interrupts struct{ first time.Time } // zero: none yet

// verdict is what a signal asks for.
type verdict int

const (
	verdictStop verdict = iota // it is the first: stop everything
	verdictEcho                // it is the first once more
	verdictKill                // it is another: kill what is left
)

// signal decides what a signal that comes now asks of the run.
func (m *machine) signal(now time.Time) (v verdict) {
	m.interrupts, v = m.interrupts.next(now)
	if v == verdictStop && m.stopRequested {
		v = verdictKill // devports down has asked before
	}
	m.stopRequested = true
	return v
}

// next decides what a signal that comes now asks for.
func (i interrupts) next(now time.Time) (interrupts, verdict) {
	switch {
	case i.first.IsZero():
		return interrupts{now}, verdictStop
	case now.Sub(i.first) < EchoTime:
		return i, verdictEcho
	}
	return i, verdictKill
}
