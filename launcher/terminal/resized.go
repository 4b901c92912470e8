package terminal

import (
	"os"
	"os/signal"
)

// Resized delivers a signal when the size of this process's terminal changes,
// until stop is called. Several changes may be one signal. On systems without such
// a signal it delivers nothing.
func Resized() (resized <-chan os.Signal, stop func()) { return Notified(resizeSignals()...) }

// Notified delivers these signals until stop is called; several may be one.
// Unlike signal.Notify, it delivers nothing for an empty list.
func Notified(signals ...os.Signal) (received <-chan os.Signal, stop func()) {
	notify := make(chan os.Signal, 1)
	if len(signals) > 0 {
		signal.Notify(notify, signals...)
	}
	return notify, func() { signal.Stop(notify) }
}
