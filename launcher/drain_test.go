package launcher

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/devports/devports/procfile"
)

// A restart sends the stop signal once the service has finished its requests. A
// stop, a kill and the end of the run do not wait for that, even if they come
// meanwhile.
func TestDrain(t *testing.T) {
	for _, tt := range []struct {
		name  string
		host  string
		do    func(context.Context, *Controller)
		waits time.Duration // until the process is terminated or killed
	}{
		{"restart", "web", func(ctx context.Context, c *Controller) { _ = c.Restart(ctx, "web") }, 700 * time.Millisecond},
		{"restart without a name", "", func(ctx context.Context, c *Controller) { _ = c.Restart(ctx, "web") }, 0},
		{"stop", "web", func(ctx context.Context, c *Controller) { _ = c.Stop(ctx, "web") }, 0},
		{"down", "web", func(ctx context.Context, c *Controller) { _ = c.Down(ctx) }, 0},
		{"stop during a restart", "web", func(ctx context.Context, c *Controller) {
			_ = c.Restart(ctx, "web")
			time.Sleep(300 * time.Millisecond)
			_ = c.Stop(ctx, "web")
		}, 300 * time.Millisecond},
		{"down during a restart", "web", func(ctx context.Context, c *Controller) {
			_ = c.Restart(ctx, "web")
			time.Sleep(300 * time.Millisecond)
			_ = c.Down(ctx)
		}, 300 * time.Millisecond},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFakeSystem(t, 1)
				f.drain = func(ctx context.Context) {
					select {
					case <-time.After(700 * time.Millisecond):
					case <-ctx.Done():
					}
				}
				web := procfile.Process{Service: "web", Host: tt.host, Port: 4000, Ready: procfile.Check{Kind: procfile.TCP, Timeout: time.Minute}, StopTimeout: time.Second}
				r := f.start(withKeeper(procfile.Plan{Services: []procfile.Process{web}}))
				r.settle()
				f.mu.Lock()
				p := f.latest["web"]
				f.mu.Unlock()
				began := time.Now()
				tt.do(t.Context(), r.controller)
				synctest.Wait()
				time.Sleep(5 * time.Second)
				f.mu.Lock()
				if waited := p.terminatedAt.Sub(began); waited != tt.waits {
					t.Errorf("it was terminated after %s, want %s", waited, tt.waits)
				}
				f.mu.Unlock()
				r.close()
			})
		})
	}
}
