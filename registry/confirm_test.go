package registry

import (
	"errors"
	"testing"
)

// If Confirm returns an error, nothing is written.
func TestConfirm(t *testing.T) {
	r := scratch(t)
	put(t, r, mainCheckout, "db")
	before, refused := contentOf(t, r.path), errors.New("refused")
	for name, test := range map[string]struct {
		list, want string
		move       func(Lease) bool
	}{
		"a new name":         {"db web", "db=20000 web=20001", nil},
		"as it is":           {"db", "db=20000", nil},
		"nothing moves":      {"db", "db=20000", func(Lease) bool { return false }},
		"another port":       {"db", "db=20001", func(Lease) bool { return true }},
		"pinned from now on": {"db=5432", "db=5432!", nil},
	} {
		o := Options{Choose: upFrom(20000), Move: test.move, Confirm: func(s Scope, leases []Lease) error {
			if got := show(leases); got != test.want || s.Project != "shop" {
				t.Errorf("%s: Confirm got %s of %s, want %s", name, got, s.Project, test.want)
			}
			return refused
		}}
		_, leases, err := r.Lease(t.Context(), mainCheckout, wantAll(test.list), o)
		if !errors.Is(err, refused) || leases != nil || contentOf(t, r.path) != before {
			t.Errorf("%s: %v, %v, and the file is\n%s", name, leases, err, contentOf(t, r.path))
		}
		o.Confirm = func(Scope, []Lease) error { return nil }
		scratch := scratch(t)
		put(t, scratch, mainCheckout, "db")
		if _, leases, err := scratch.Lease(t.Context(), mainCheckout, wantAll(test.list), o); err != nil || show(leases) != test.want {
			t.Errorf("%s: confirmed, it is %s, %v", name, show(leases), err)
		}
	}
}
