package launcher

import "time"

// EchoTime is how long after the first signal further ones count as the same.
// Wrappers such as GNU timeout forward a Ctrl-C that the terminal has delivered
// already.
const EchoTime = 300 * time.Millisecond

// interrupts records the signals that a run has received.
type interrupts struct{ first time.Time } // zero: none yet

// verdict is how the run responds to a signal.
type verdict int

const (
	verdictStop verdict = iota // the first signal: stop everything
	verdictEcho                // a repetition of the first: ignore it
	verdictKill                // a second signal: kill what is left
)

// signal returns the response to a signal that arrives now.
func (m *machine) signal(now time.Time) (v verdict) {
	m.interrupts, v = m.interrupts.next(now)
	if v == verdictStop && m.stopRequested {
		v = verdictKill // devports down came before
	}
	m.stopRequested = true
	return v
}

// next returns the response to a signal that arrives now.
func (i interrupts) next(now time.Time) (interrupts, verdict) {
	switch {
	case i.first.IsZero():
		return interrupts{now}, verdictStop
	case now.Sub(i.first) < EchoTime:
		return i, verdictEcho
	}
	return i, verdictKill
}
