package terminal

import (
	"os"
	"os/signal"
)

// Resized delivers a signal when the terminal of this process has another
// size, until stop is called. Several changes may be one signal. Where the
// system sends none, nothing is delivered.
func Resized() (resized <-chan os.Signal, stop func()) { return Notified(resizeSignals()...) }

// Notified delivers these signals until stop is called; several may be one.
// Unlike signal.Notify, no signals are none.
func Notified(signals ...os.Signal) (came <-chan os.Signal, stop func()) {
	notify := make(chan os.Signal, 1)
	if len(signals) > 0 {
		signal.Notify(notify, signals...)
	}
	return notify, func() { signal.Stop(notify) }
}
