package launcher

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

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
