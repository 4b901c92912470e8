//go:build !linux

package watcher

import "testing"

func TestNoLimits(t *testing.T) {
	if f, w := Limits(0); f != (Usage{}) || w != (Usage{}) {
		t.Errorf("limits where there are none: %v, %v", f, w)
	}
}
