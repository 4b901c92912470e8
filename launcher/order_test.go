//go:build unix

package launcher

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// A service is terminated only when its dependents have ended, even if its name
// comes first; independent services are terminated together.
func TestStopOrder(t *testing.T) {
	// Services at the same level end only when all of them have been
	// terminated.
	const portfile = `[services]
a = { command = '''%[1]s''', port = false }
b = { command = '''%[1]s''', port = false, depends_on = ['a'] }
c1 = { command = '''%[2]s''', port = false, depends_on = ['b'], stop_timeout = '1h' }
c2 = { command = '''%[2]s''', port = false, depends_on = ['b'], stop_timeout = '1h' }
`
	const alone = `trap "echo terminated; exit" TERM; echo up; while :; do sleep 0.01; done`
	const together = `trap "mkdir $DEVPORTS_SERVICE; while ! [ -d c1 -a -d c2 ]; do sleep 0.01; done; sleep 0.1; exit" TERM; echo up; while :; do sleep 0.01; done`
	p := plan(t, fmt.Sprintf(portfile, alone, together))
	dir := t.TempDir()
	for i := range p.Services {
		p.Services[i].Dir = dir
	}
	w := run(t, p)
	for _, name := range []string{"a ", "b ", "c1", "c2"} {
		w.printed(name + "       | up")
	}
	before := map[string][]string{"a": {"b", "c1", "c2"}, "b": {"c1", "c2"}}
	terminated := map[string]bool{}
	w.mu.Lock()
	w.onWrite = func(text string, events []Event) {
		for name, dependents := range before {
			if terminated[name] || !strings.Contains(text, name+"        | terminated") {
				continue
			}
			terminated[name] = true
			for _, other := range dependents {
				if !slices.ContainsFunc(events, func(e Event) bool { return KindOf(e) == "ended" && e.Subject() == other }) {
					t.Errorf("%s is terminated while %s, which needs it, is alive", name, other)
				}
			}
		}
	}
	w.mu.Unlock()
	w.signals <- syscall.SIGTERM
	if status := w.status(); status != 0 {
		t.Errorf("status %d", status)
	}
	if len(terminated) != 2 {
		t.Errorf("want 2 terminated, got: %v", terminated)
	}
}
