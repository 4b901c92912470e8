package main

import (
	"testing"

	"github.com/devports/devports/allocator/holder"
	"github.com/devports/devports/cmd/devports/internal/wording"
)

func TestFreeing(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		holder holder.Process
		want   string
	}{
		{holder.Process{PID: 7, Command: "nginx"}, "stop it (" + wording.Kill(7) + "), or INSTEAD"},
		{holder.Process{}, "stop it, or INSTEAD"},
		{
			holder.Process{PID: 399, Command: "/System/Library/CoreServices/ControlCenter.app/Contents/MacOS/ControlCenter"},
			"turn off AirPlay Receiver in System Settings, General, AirDrop & Handoff, or INSTEAD",
		},
	} {
		if got := freeing(7000, tt.holder, "INSTEAD"); got != tt.want {
			t.Errorf("%+v: %q, want %q", tt.holder, got, tt.want)
		}
	}
}
