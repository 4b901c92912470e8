package launcher

import (
	"testing"
	"time"
)

func TestInterrupts(t *testing.T) {
	begin := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	var i interrupts
	for _, step := range []struct {
		after time.Duration
		want  signalAction
	}{
		{0, signalStop},
		{0, signalEcho},
		{299 * time.Millisecond, signalEcho}, // which does not extend the echo
		{300 * time.Millisecond, signalKill},
		{301 * time.Millisecond, signalKill},
		{time.Hour, signalKill},
	} {
		var got signalAction
		if i, got = i.next(begin.Add(step.after)); got != step.want {
			t.Errorf("a signal %v after the first: %v, want %v", step.after, got, step.want)
		}
	}
}
