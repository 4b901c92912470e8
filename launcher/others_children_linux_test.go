package launcher

import (
	"os/exec"
	"syscall"
	"testing"
)

// A run leaves the children of other parts of the program to these: it does not
// reap them.
func TestOthersChildren(t *testing.T) {
	for name, instance := range map[string]*Instance{"without an instance": nil, "with one": {}} {
		t.Run(name, func(t *testing.T) {
			const portfile = `[services]
web = 'while :; do (setsid sleep 0.001 &); sleep 0.002; done'`
			w := runWith(t, plan(t, portfile), Options{Instance: instance})
			w.happened("started", "web")
			for range 100 {
				if err := exec.Command("true").Run(); err != nil {
					t.Error(err)
					break
				}
			}
			w.signals <- syscall.SIGTERM
			if s := w.status(); s != 0 {
				t.Errorf("status %d", s)
			}
		})
	}
}
