package watcher

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func ms(n int) time.Duration { return time.Duration(n) * time.Millisecond }

// steady returns times from 0 to end, in milliseconds.
func steady(step, end int) (times []int) {
	for n := 0; n <= end; n += step {
		times = append(times, n)
	}
	return times
}

// TestRun runs in fake time, in milliseconds since the start.
func TestRun(t *testing.T) {
	for _, test := range []struct {
		name  string
		in    []int // when relevant events arrive
		other []int // when other events arrive
		busy  int   // the receiver receives nothing before
		takes int   // duration of handle
		want  []int // when a change is sent
		files []int // number of events in it
	}{
		{name: "nothing"},
		{name: "nothing relevant", other: []int{0, 50, 500}},
		{name: "one", in: []int{0}, want: []int{100}, files: []int{1}},
		{name: "a burst", in: []int{0, 0, 1, 5, 99, 198}, want: []int{298}, files: []int{6}},
		{name: "two", in: []int{0, 50, 300, 310}, want: []int{150, 410}, files: []int{2, 2}},
		{name: "again at once", in: []int{0, 101}, want: []int{100, 201}, files: []int{1, 1}},
		{name: "irrelevant events do not extend the quiet time", in: []int{0}, other: steady(10, 500), want: []int{100}, files: []int{1}},
		{name: "constant change", in: steady(30, 4010), want: []int{2000, 4010}, files: []int{67, 67}},
		{name: "a slow receiver", in: []int{0, 500, 1500}, busy: 5000, want: []int{5000}, files: []int{3}},
		{name: "not in the middle", in: []int{0, 500, 930}, busy: 1000, want: []int{1030}, files: []int{3}},
		{name: "but if it is late", in: []int{0, 4990}, busy: 5000, want: []int{5000}, files: []int{2}},
		{name: "events during handle belong to the burst", in: []int{0, 1, 2}, takes: 300, want: []int{1000}, files: []int{3}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				in := make(chan []event, 100)
				out, done, ended := make(chan Change), make(chan struct{}), make(chan struct{})
				n := 0
				handle := func(batch []event, b *burst) {
					for _, e := range batch {
						time.Sleep(ms(test.takes))
						if e.Name != "" {
							n++
							b.add([]string{"s"}, string(rune('a'+n)), true, true)
						}
					}
				}
				start := time.Now()
				go func() {
					run(in, handle, burst{}, options{quiet: Quiet, latest: MaxDelay}, nil, nil, out, done)
					close(ended)
				}()
				send := func(times []int, name string) {
					for _, at := range times {
						time.Sleep(ms(at) - time.Since(start))
						in <- []event{{Name: name}}
					}
				}
				go send(test.in, "x")
				go send(test.other, "")
				time.Sleep(ms(test.busy))
				var times, files []int
				for waiting := true; waiting; {
					select {
					case c := <-out:
						times = append(times, int(time.Since(start).Milliseconds()))
						files = append(files, c.Sets[0].Files)
					case <-time.After(time.Hour):
						waiting = false
					}
				}
				close(done)
				<-ended
				if !slices.Equal(times, test.want) || !slices.Equal(files, test.files) {
					t.Errorf("sent at %v with %v, want %v with %v", times, files, test.want, test.files)
				}
			})
		})
	}
}

// A file that is created and removed is not reported; a later change is.
func TestRunSkipsEmptyChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, out, done, ended := make(chan []event), make(chan Change), make(chan struct{}), make(chan struct{})
		handle := func(batch []event, b *burst) {
			for _, e := range batch {
				b.add([]string{"s"}, "x", e.Op == fsnotify.Remove, e.Op == fsnotify.Create)
			}
		}
		go func() {
			run(in, handle, burst{}, options{quiet: Quiet, latest: MaxDelay}, nil, nil, out, done)
			close(ended)
		}()
		in <- []event{{Op: fsnotify.Create}, {Op: fsnotify.Remove}}
		time.Sleep(time.Minute)
		start := time.Now()
		in <- []event{{Op: fsnotify.Create}}
		if c := <-out; len(c.Sets) != 1 || time.Since(start) != Quiet {
			t.Errorf("sent %v after %v", c, time.Since(start))
		}
		close(done)
		<-ended
	})
}

func TestRunEnds(t *testing.T) {
	for _, after := range []time.Duration{0, time.Millisecond, time.Hour} { // idle, in a burst, with a change that is not received
		for _, first := range []burst{{}, {count: 1, errs: []error{errors.New("x")}}} {
			synctest.Test(t, func(t *testing.T) {
				done, ended := make(chan struct{}), make(chan struct{})
				go func() {
					run(make(chan []event), nil, first, options{quiet: Quiet, latest: MaxDelay}, nil, nil, make(chan Change), done)
					close(ended)
				}()
				time.Sleep(after)
				synctest.Wait()
				close(done)
				<-ended
			})
		}
	}
}

func TestBurst(t *testing.T) {
	var b burst
	if diff := cmp.Diff(Change{}, b.change()); diff != "" {
		t.Error("empty:", diff)
	}
	b.add([]string{"web", "api"}, "x", true, true)
	b.add([]string{"web"}, "a", false, true)
	b.add([]string{"web"}, "a", true, true)
	b.add([]string{"web", "gone"}, "by-file", false, true)
	b.add([]string{"web", "gone"}, "by-file", true, false)
	want := []Touched{{Name: "api", Path: "x", Files: 1}, {Name: "web", Path: "x", Files: 2}}
	if diff := cmp.Diff(want, b.change().Sets, cmpopts.IgnoreFields(Touched{}, "Last")); diff != "" {
		t.Error(diff)
	}
	first, second := errors.New("first"), errors.New("second")
	b.fail(first)
	b.fail(second)
	if err := b.change().Err; !errors.Is(err, first) || !errors.Is(err, second) {
		t.Errorf("error is %v", err)
	}
	if b.count != 7 {
		t.Errorf("count is %d", b.count)
	}
}
