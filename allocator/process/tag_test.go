package process

import "testing"

func TestTagNames(t *testing.T) {
	run, other := RunTag("a"), RunTag("b")
	web := run.Service("web")
	switch {
	case run == other, run.SameRun(other), run.SameRun(Outside):
		t.Error("runs are mixed up")
	case !web.SameRun(run), web == run.Service("api"), web == run, web == run.Watchdog():
		t.Error("services are mixed up")
	case run.HasService(), run.Watchdog().HasService(), !web.HasService():
		t.Error("HasService is wrong")
	case web>>62 != 1:
		t.Errorf("%x looks like a real limit", uint64(web))
	}
}
