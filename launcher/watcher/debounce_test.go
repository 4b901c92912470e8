package watcher

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestDebounce runs in fake time: events arrive at the times in, and the receiver
// starts to receive at busy.
func TestDebounce(t *testing.T) {
	const quiet = 100 * time.Millisecond
	ms := func(ns ...int) (times []time.Duration) {
		for _, n := range ns {
			times = append(times, time.Duration(n)*time.Millisecond)
		}
		return times
	}
	for _, test := range []struct {
		name string
		in   []time.Duration // since the start, in order
		busy time.Duration   // the receiver receives nothing before
		want []time.Duration // when it receives
	}{
		{"nothing", nil, 0, nil},
		{"one", ms(0), 0, ms(100)},
		{"a burst", ms(0, 0, 0, 1, 5, 6), 0, ms(106)},
		{"quiet time restarts", ms(0, 99, 198, 297), 0, ms(397)},
		{"two bursts", ms(0, 50, 300, 310), 0, ms(150, 410)},
		{"again after it was sent", ms(0, 101), 0, ms(100, 201)},
		{"a slow receiver gets one", ms(0), 5 * time.Second, ms(5000)},
		{"and one for two bursts", ms(0, 1000, 2000), 5 * time.Second, ms(5000)},
		{"not in the middle of a burst", ms(0, 4950, 4990), 5 * time.Second, ms(5090)},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				in, out, done, ended := make(chan struct{}), make(chan struct{}), make(chan struct{}), make(chan struct{})
				start := time.Now()
				go func() {
					debounce(quiet, in, nil, out, done)
					close(ended)
				}()
				go func() {
					for _, at := range test.in {
						time.Sleep(at - time.Since(start))
						in <- struct{}{}
					}
				}()
				got := make(chan []time.Duration)
				go func() {
					var times []time.Duration
					time.Sleep(test.busy)
					for {
						select {
						case <-out:
							times = append(times, time.Since(start))
						case <-time.After(time.Hour):
							got <- times
							return
						}
					}
				}()
				times := <-got
				if len(times) != len(test.want) {
					t.Fatalf("sent at %v, want %v", times, test.want)
				}
				for i := range times {
					if times[i] != test.want[i] {
						t.Errorf("sent at %v, want %v", times, test.want)
					}
				}
				close(done)
				<-ended
			})
		})
	}
}

func TestDebounceEnds(t *testing.T) {
	for _, after := range []time.Duration{0, time.Millisecond, time.Hour} { // idle, in a burst, with a change that is not received
		for _, ins := range []int{0, 1} {
			synctest.Test(t, func(t *testing.T) {
				in, done, ended := make(chan struct{}), make(chan struct{}), make(chan struct{})
				go func() {
					debounce(Quiet, in, nil, make(chan struct{}), done)
					close(ended)
				}()
				for range ins {
					in <- struct{}{}
				}
				time.Sleep(after)
				synctest.Wait()
				close(done)
				<-ended
			})
		}
	}
}
