package logstore

import (
	"bytes"
	"context"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

// printing is how long flooded prints.
const printing = 10 * time.Second

// flooded prints blocks for ten seconds, each as soon as the previous one is
// recorded or dropped, at most one in a while, to a recorder whose disk writes so
// many bytes a second; 0: it does not respond. It returns how many were printed
// and lost, and the time that printing them waited.
func flooded(t *testing.T, disk int, while time.Duration) (printed, lost int, waited time.Duration) {
	const block, batch = 64 << 10, 256 << 10
	r := &Recorder{waitBudget: maxWait}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			r.mu.Lock()
			n := min(batch, r.queued)
			r.queued, r.writing = r.queued-n, n
			r.mu.Unlock()
			delay := time.Millisecond
			if n > 0 {
				delay = 1000 * time.Hour
				if disk > 0 {
					delay = time.Duration(n) * time.Second / time.Duration(disk)
				}
			}
			select {
			case <-time.After(delay):
				r.wrote(n)
			case <-stop:
				return
			}
		}
	}()
	for begin := time.Now(); time.Since(begin) < printing; time.Sleep(while) {
		before := time.Now()
		r.mu.Lock()
		if r.awaitRoom(block) {
			r.queued += block
		} else {
			lost++
		}
		if pending := r.queued + r.writing; pending > maxPending {
			t.Fatalf("%d bytes are pending", pending)
		}
		r.mu.Unlock()
		waited += time.Since(before)
		printed++
	}
	close(stop)
	<-stopped
	return printed, lost, waited
}

// Those who print wait for the disk rather than lose lines, but are not slowed
// down below minSpeed.
func TestWait(t *testing.T) {
	const block = 64 << 10
	atMinSpeed := time.Second * block / minSpeed
	for _, c := range []struct {
		name    string
		disk    int           // bytes a second
		while   time.Duration // between blocks
		lost    bool
		longest time.Duration // that printing may wait
	}{
		{"fast", 1_000_000_000, 200 * time.Microsecond, false, 0},
		{"slower than what is printed", 100_000_000, 200 * time.Microsecond, false, printing},
		{"slow, and not much is printed", 3_000_000, 30 * time.Millisecond, false, 0},
		{"slow", 5_000_000, 200 * time.Microsecond, true, printing/2 + maxWait},
		{"very slow", 100_000, 200 * time.Microsecond, true, printing/100 + maxWait},
		{"does not respond", 0, atMinSpeed, true, maxWait},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				printed, lost, waited := flooded(t, c.disk, c.while)
				t.Logf("%d printed, %d lost, waited %v", printed, lost, waited)
				if lost > 0 != c.lost || waited > c.longest {
					t.Errorf("lost %d of %d, waited %v", lost, printed, waited)
				}
				if speed := printed * block / int(printing/time.Second); c.while <= atMinSpeed && speed < minSpeed*9/10 {
					t.Errorf("slowed down to %d bytes a second", speed)
				}
			})
		})
	}
}

// TestSyncInFlood always has enough text to write: a Sync is served nevertheless,
// once what was appended before it can be read.
func TestSyncInFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(t.TempDir(), DefaultLimit)
		r := &Recorder{
			store: s, about: RunID{PID: os.Getpid(), Slot: "a", Began: time.Now()}, pages: segmentPages, services: map[string]*service{},
			wake: make(chan struct{}, 1), stop: make(chan struct{}), syncs: make(chan chan struct{}), waitBudget: maxWait,
		}
		r.Stream("web").Append(bytes.Repeat([]byte("0123456789\n"), flushAt/10))
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		synced := make(chan error, 1)
		go func() { synced <- r.Sync(ctx) }()
		synctest.Wait()
		if !r.await(flushAt, nil) {
			t.Error("recording has ended")
		}
		synctest.Wait()
		select {
		case err := <-synced:
			if lines := read(t, latest(t, s, "a"), Query{Last: -1}); err != nil || len(lines) != flushAt/10 {
				t.Errorf("%d lines, %v", len(lines), err)
			}
		default:
			t.Error("it still waits")
		}
		r.finish()
	})
}
