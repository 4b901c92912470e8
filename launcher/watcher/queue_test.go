package watcher

import (
	"testing"

	"github.com/fsnotify/fsnotify"
)

// collect receives events even if none are received from it.
func TestCollectAlwaysReceives(t *testing.T) {
	t.Parallel()
	events, failures, out := make(chan fsnotify.Event), make(chan error), make(chan []event)
	defer close(events)
	go collect(events, failures, nil, out)
	const n = 10_000
	for i := range n {
		events <- fsnotify.Event{Name: "/a", Op: fsnotify.Op(i)}
	}
	failures <- fsnotify.ErrEventOverflow
	var got []event
	for len(got) <= n {
		got = append(got, <-out...)
	}
	for i, e := range got[:n] {
		if e != (event{Name: "/a", Op: fsnotify.Op(i)}) {
			t.Fatalf("event %d is %v", i, e)
		}
	}
	if got[n] != (event{Err: fsnotify.ErrEventOverflow}) {
		t.Errorf("the last is %v", got[n])
	}
}
