package launcher

import "time"

// EchoTime is how long after the first signal further ones count as the same.
// Wrappers such as GNU timeout forward a Ctrl-C that the terminal has delivered
// already.
const EchoTime = 300 * time.Millisecond

// interrupts records the signals that a run has received.
type interrupts struct{ first time.Time } // zero: none yet

// signalAction is how the run responds to a signal.
type signalAction int

const (
	signalStop signalAction = iota // the first signal: stop everything
	signalEcho                     // a repetition of the first: ignore it
	signalKill                     // a second signal: kill what is left
)

// signal returns the response to a signal that arrives now.
func (m *machine) signal(now time.Time) (a signalAction) {
	m.interrupts, a = m.interrupts.next(now)
	if a == signalStop && m.stopRequested {
		a = signalKill // devports down came before
	}
	m.stopRequested = true
	return a
}

// next returns the response to a signal that arrives now.
func (i interrupts) next(now time.Time) (interrupts, signalAction) {
	switch {
	case i.first.IsZero():
		return interrupts{now}, signalStop
	case now.Sub(i.first) < EchoTime:
		return i, signalEcho
	}
	return i, signalKill
}
