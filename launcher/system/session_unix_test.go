//go:build unix

package system

import "testing"

func TestMustSuspend(t *testing.T) {
	for _, test := range []struct {
		executable            string
		handled, relays, want bool
	}{
		{"/usr/bin/flock", false, false, true},
		{"/usr/bin/flock", false, true, true},
		{"/usr/bin/dash", true, true, true},
		{"/usr/bin/bash (deleted)", true, false, true},
		{"/usr/local/go/bin/go", true, false, true},
		{"/usr/bin/node", true, false, true},
		{"/usr/bin/node", true, true, false},
		{"/usr/lib/postgresql/15/bin/postgres", true, false, false},
		{"/usr/bin/make", true, false, false},
	} {
		if got := mustSuspend(test.executable, test.handled, test.relays); got != test.want {
			t.Errorf("%+v", test)
		}
	}
}
