package watcher

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Instances that were closed in the background do not count any more: a user may
// have 128, by default.
func TestClosedInstances(t *testing.T) { // not parallel: it counts instances
	text, err := os.ReadFile("/proc/sys/fs/inotify/max_user_instances")
	must(t, err)
	limit, err := strconv.Atoi(strings.TrimSpace(string(text)))
	must(t, err)
	if limit > 1000 {
		t.Skipf("a user may have %d instances", limit)
	}
	dir := t.TempDir()
	for i := range 2 * limit {
		deadline := time.Now().Add(20 * time.Second) // the kernel closes them when it has time, and other tests have some
		q, err := newQueue()
		for err != nil && time.Now().Before(deadline) {
			q, err = newQueue()
		}
		if err != nil {
			t.Fatalf("instance %d: %v", i, err)
		}
		must(t, q.Add(dir))
		must(t, q.Close())
	}
	if left := inotifyFiles(); len(left) > 0 {
		t.Errorf("descriptors are left: %v", left)
	}
}

func BenchmarkClose(b *testing.B) {
	dir := b.TempDir()
	for b.Loop() {
		b.StopTimer()
		q, err := newQueue()
		for err != nil { // the kernel has not closed those of earlier rounds yet
			q, err = newQueue()
		}
		must(b, q.Add(dir))
		b.StartTimer()
		must(b, q.Close())
	}
}
