package launcher

import (
	"context"
	"io"
	"os"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/devports/devports/launcher/output"
	"github.com/devports/devports/launcher/probe"
	"github.com/devports/devports/procfile"
)

// A service may never listen, unless another waits for it: then it has a
// minute.
func TestDefaultCheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeSystem(t, 1)
		f.neverReady = "db"
		r := f.start(procfile.Plan{Services: []procfile.Process{
			{Service: "app", Ready: procfile.Check{Kind: procfile.None}, DependsOn: []string{"db"}},
			{Service: "db", Ready: procfile.Check{Kind: procfile.TCP}, StopTimeout: time.Second},
		}})
		begin := time.Now()
		if status := <-r.ended; status != 1 {
			t.Errorf("status %d", status)
		}
		if took := time.Since(begin); took < guessTimeout || took > guessTimeout+15*time.Second {
			t.Errorf("it ended after %v", took)
		}
		_ = r.out.Close(t.Context())
	})
	synctest.Test(t, func(t *testing.T) {
		f := newFakeSystem(t, 1)
		f.neverReady = "worker"
		r := f.start(procfile.Plan{Services: []procfile.Process{
			{Service: "worker", Ready: procfile.Check{Kind: procfile.TCP}, StopTimeout: time.Second},
		}})
		select {
		case status := <-r.ended:
			t.Errorf("it ended with %d", status)
		case <-time.After(time.Hour):
			r.close()
		}
	})
}

func TestForeignPorts(t *testing.T) {
	if got := foreignPorts([]int{3000, InspectorPort, 16500, 16501}, []int{16500, 16501}); !slices.Equal(got, []int{3000}) {
		t.Errorf("got %v", got)
	}
}

// suspendedSystem is one whose devports is suspended during a first check.
type suspendedSystem struct {
	*fakeSystem
	until time.Duration
}

func (s suspendedSystem) Probe(procfile.Process, procfile.Check) probe.Try {
	first := true
	return func(context.Context) error {
		if first {
			first = false
			time.Sleep(s.until)
			return context.DeadlineExceeded
		}
		return nil
	}
}

// A service that responds after devports was suspended has not missed its time.
func TestReadyAfterSuspension(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeSystem(t, 1)
		f.out = output.New(io.Discard, output.Style{})
		ended, signals, ready := make(chan int, 1), make(chan os.Signal), make(chan bool, 1)
		plan := procfile.Plan{Services: []procfile.Process{
			{Service: "web", Ready: procfile.Check{Kind: procfile.HTTP, Arg: "/", Timeout: time.Minute}, StopTimeout: time.Second},
		}}
		go func() {
			ended <- statusOf(runOn(t.Context(), func(Options, func(Event)) operatingSystem { return suspendedSystem{f, 90 * time.Second} }, plan, Options{
				Output: f.out, Signals: signals, Notify: func(e Event) {
					if KindOf(e) == "ready" {
						ready <- true
					}
				},
			}))
		}()
		select {
		case <-ready:
			signals <- os.Interrupt
			<-ended
		case status := <-ended:
			t.Errorf("it ended with %d", status)
		}
		_ = f.out.Close(t.Context())
	})
}
