package registry

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/devports/devports/allocator"
	"github.com/devports/devports/registry/checkout"
)

var (
	mainCheckout = checkedOut("shop", "shop", "")
	feature      = checkedOut("shop-feature", "shop", "feature")
	other        = checkedOut("blog", "blog", "")
)

// never is a disk on which every directory exists.
var never = seeing(func(string) bool { return false })

// seeing is a disk on which only the directories are missing for which gone is
// true.
func seeing(gone func(dir string) bool) disk {
	return disk{
		gone: func(r record) bool { return gone(r.Directory) }, missing: gone,
		same:     func(a, b string) bool { return strings.EqualFold(a, b) },
		place:    func(string) string { return "here" },
		here:     func(record) bool { return true },
		identify: func(record) identity { return identity{} },
	}
}

// do leases in a state, choosing from 20000 up.
func do(s state, c checkout.Checkout, list, move string) (state, []Lease, error) {
	wants, err := normalize(wantAll(list))
	if err != nil {
		return s, nil, err
	}
	moves := func(l Lease) bool { return slices.Contains(strings.Fields(move), l.Name.String()) }
	p := s.plan(c, wants, Options{Move: moves}, never)
	if p.settled() {
		return s, p.leases(), nil
	}
	next, leases, err := p.carryOut(upFrom(20000), time.Now())
	if err != nil {
		return s, nil, err
	}
	return next, leases, nil
}

func TestLease(t *testing.T) {
	type call struct {
		in   checkout.Checkout
		list string // the wanted ports
		move string // the names to move
		want string // the leases, or "conflict:" and each conflict
	}
	user := checkout.Checkout{}
	for name, calls := range map[string][]call{
		"chosen in name order":  {{mainCheckout, "web auth:metrics auth", "", "auth=20000 auth:metrics=20001 web=20002"}},
		"order does not matter": {{mainCheckout, "web", "", "web=20000"}, {mainCheckout, "auth web", "", "auth=20001 web=20000"}},
		"same name twice":       {{user, "web web", "", "web=20000"}},
		"nothing":               {{user, "", "", ""}},
		"scopes are apart": {
			{mainCheckout, "web", "", "web=20000"},
			{feature, "web", "", "web=20001"},
			{other, "web", "", "web=20002"},
			{user, "web", "", "web=20003"},
			{mainCheckout, "web", "", "web=20000"},
			{feature, "web", "", "web=20001"},
		},
		"pin":                      {{mainCheckout, "db=5432", "", "db=5432!"}, {mainCheckout, "db=5432", "", "db=5432!"}},
		"user-wide pin":            {{user, "db=5432", "", "db=5432!"}},
		"user-wide pin stays":      {{user, "db=5432", "", "db=5432!"}, {user, "db web", "db", "db=5432! web=20000"}},
		"user-wide pin moves":      {{user, "db=5432", "", "db=5432!"}, {user, "db=5433", "", "db=5433!"}},
		"user-wide pins one":       {{mainCheckout, "db=5432", "", "db=5432!"}, {user, "pg=5432", "", "pg=5432!"}, {user, "pg", "", "pg=5432!"}},
		"user-wide becomes pinned": {{user, "db", "", "db=20000"}, {user, "db=20000", "", "db=20000!"}, {user, "db", "", "db=20000!"}},
		"user-wide on a chosen":    {{other, "web", "", "web=20000"}, {user, "db=20000", "", "conflict: db=20000 web@blog"}},
		"pin in a worktree":        {{feature, "db=5432", "", "db=20000"}},
		"pin moves":                {{mainCheckout, "db=5432", "", "db=5432!"}, {mainCheckout, "db=5433", "", "db=5433!"}},
		"chosen becomes pinned":    {{mainCheckout, "db", "", "db=20000"}, {mainCheckout, "db=20000", "", "db=20000!"}},
		"chosen moves to its pin":  {{mainCheckout, "db", "", "db=20000"}, {mainCheckout, "db=5432", "", "db=5432!"}, {other, "x", "", "x=20000"}},
		"two projects pin one":     {{mainCheckout, "db=5432", "", "db=5432!"}, {other, "db=5432", "", "db=5432!"}},
		"pins are never chosen":    {{mainCheckout, "db=20000", "", "db=20000!"}, {other, "web", "", "web=20001"}},
		"not even by the same":     {{mainCheckout, "auth db=20000", "", "auth=20001 db=20000!"}},
		"nor where they bind not":  {{feature, "auth db=20000", "", "auth=20001 db=20002"}},
		"pin removed":              {{mainCheckout, "db=5432", "", "db=5432!"}, {mainCheckout, "db", "", "db=5432"}},
		"pin removed, other pins":  {{other, "pg=5432", "", "pg=5432!"}, {mainCheckout, "db=5432", "", "db=5432!"}, {mainCheckout, "db", "", "db=20000"}},
		"pin passed on":            {{mainCheckout, "db=5432", "", "db=5432!"}, {mainCheckout, "db pg=5432", "", "db=20000 pg=5432!"}},
		"two pins removed":         {{mainCheckout, "a=80 b=80", "", "a=80! b=80!"}, {mainCheckout, "a b", "", "a=80 b=20000"}},
		"pins swapped":             {{mainCheckout, "a=80 b=81", "", "a=80! b=81!"}, {mainCheckout, "a=81 b=80", "", "a=81! b=80!"}},
		"chosen gives way to pins": {{mainCheckout, "a b", "", "a=20000 b=20001"}, {mainCheckout, "a=20001 b=20000", "", "a=20001! b=20000!"}},
		"move":                     {{mainCheckout, "a b", "", "a=20000 b=20001"}, {mainCheckout, "a b", "a", "a=20002 b=20001"}},
		"moved to another port":    {{mainCheckout, "a", "", "a=20000"}, {mainCheckout, "a", "a", "a=20001"}},
		"two change places":        {{mainCheckout, "a b", "", "a=20000 b=20001"}, {mainCheckout, "a b", "a b", "a=20001 b=20000"}},
		"a pin does not move":      {{mainCheckout, "db=5432", "", "db=5432!"}, {mainCheckout, "db=5432", "db", "db=5432!"}},
		"move makes room for pin":  {{mainCheckout, "a", "", "a=20000"}, {mainCheckout, "a b=20000", "a", "a=20001 b=20000!"}},
		"pin on a chosen port": {
			{other, "web", "", "web=20000"},
			{mainCheckout, "db=20000", "", "conflict: db=20000 web@blog"},
			{mainCheckout, "db", "", "db=20001"},
			{other, "web", "", "web=20000"},
		},
		"all conflicts at once": {
			{other, "web", "", "web=20000"},
			{mainCheckout, "auth", "", "auth=20001"},
			{mainCheckout, "z=20001 ok=80 db=20000 new", "", "conflict: db=20000 web@blog z=20001 auth@shop"},
			{mainCheckout, "new", "", "new=20002"},
		},
		"conflict with a name that stays": {{mainCheckout, "a", "", "a=20000"}, {mainCheckout, "a b=20000", "", "conflict: b=20000 a@shop"}},
	} {
		t.Run(name, func(t *testing.T) {
			var s state
			for i, c := range calls {
				before := string(encode(s))
				next, leases, err := do(s, c.in, c.list, c.move)
				got := show(leases)
				var conflict *ConflictError
				if errors.As(err, &conflict) {
					got = "conflict:"
					for _, c := range conflict.Conflicts {
						got += fmt.Sprintf(" %s=%d %s@%s", c.Name, c.Port, c.Owner.Name, c.Owner.Scope)
					}
				} else if err != nil {
					t.Fatal(err)
				}
				if got != c.want {
					t.Errorf("call %d: %s, want %s", i, got, c.want)
				}
				if string(encode(s)) != before {
					t.Errorf("call %d changed the state it was given", i)
				}
				s = next
			}
		})
	}
}

func TestLeaseSince(t *testing.T) {
	at := func(s state, list string, now time.Time) (state, time.Time) {
		t.Helper()
		s, leases, err := s.plan(mainCheckout, wantAll(list), Options{}, never).carryOut(upFrom(20000), now)
		if err != nil {
			t.Fatal(err)
		}
		return s, leases[0].Since
	}
	first := time.Date(2026, 8, 17, 12, 0, 0, 999, time.FixedZone("", 7200))
	s, since := at(state{}, "db", first)
	if want := time.Date(2026, 8, 17, 10, 0, 0, 0, time.UTC); since != want {
		t.Errorf("since %v, want %v", since, want)
	}
	later := first.Add(time.Hour)
	if s, since = at(s, "db=20000", later); !since.Equal(first.Truncate(time.Second)) {
		t.Errorf("since %v, on the same port", since)
	}
	if _, since = at(s, "db=5432", later); !since.Equal(later.Truncate(time.Second)) {
		t.Errorf("since %v, on a new port", since)
	}
}

func TestBadWants(t *testing.T) {
	r := scratch(t)
	for _, wants := range [][]allocator.WantedPort{
		{{Name: allocator.PortName{}}},
		{{Name: allocator.PortName{Service: "a=b"}}},
		{{Name: allocator.PortName{Service: "a", Port: " x"}}},
		{{Name: allocator.PortName{Service: "a"}, Pin: 65536}},
		{{Name: allocator.PortName{Service: "a"}, Pin: -1}},
		{{Name: allocator.PortName{Service: "a"}, Pin: 1}, {Name: allocator.PortName{Service: "a"}, Pin: 2}},
	} {
		if _, _, err := r.Lease(t.Context(), checkout.Checkout{}, wants, Options{Choose: upFrom(1)}); err == nil {
			t.Errorf("%v was leased", wants)
		}
	}
	mine := errors.New("mine")
	for name, choose := range map[string]Chooser{
		"none":     nil,
		"fails":    func(Scope, allocator.PortName, func(int) bool) (int, error) { return 0, mine },
		"zero":     func(Scope, allocator.PortName, func(int) bool) (int, error) { return 0, nil },
		"too high": func(Scope, allocator.PortName, func(int) bool) (int, error) { return 1 << 16, nil },
	} {
		_, _, err := r.Lease(t.Context(), checkout.Checkout{}, wantAll("auth"), Options{Choose: choose})
		if err == nil || name == "fails" && !errors.Is(err, mine) {
			t.Errorf("chooser %s: %v", name, err)
		}
	}
	if _, _, err := r.Lease(t.Context(), checkout.Checkout{Directory: "relative", Project: "x"}, wantAll("auth"), Options{Choose: upFrom(1)}); err == nil {
		t.Error("a relative checkout was leased")
	}
	if len(all(t, r)) != 0 {
		t.Errorf("leases: %s", show(all(t, r)))
	}
}

func TestRemove(t *testing.T) {
	r := scratch(t)
	scope, _ := put(t, r, mainCheckout, "auth db=5432 web")
	put(t, r, other, "auth")
	var unknown *UnknownError
	if _, err := r.Remove(t.Context(), scope, want("zoo").Name, want("auth").Name, want("ape").Name); !errors.As(err, &unknown) ||
		fmt.Sprint(unknown.Names) != "[ape zoo]" || unknown.Scope != scope {
		t.Errorf("error: %v", err)
	}
	if _, err := r.Remove(t.Context(), Scope{}, want("auth").Name); !errors.As(err, &unknown) {
		t.Errorf("error: %v", err)
	}
	if got := show(all(t, r)); got != "auth=20002 auth=20000 db=5432! web=20001" {
		t.Errorf("leases: %s", got)
	}
	removed, err := r.Remove(t.Context(), scope, want("web").Name, want("auth").Name, want("web").Name)
	if got := show(removed); err != nil || got != "auth=20000 web=20001" {
		t.Errorf("removed: %s %v", got, err)
	}
	if _, err := r.Remove(t.Context(), scope, want("db").Name); err != nil {
		t.Error(err)
	}
	if got := all(t, r); show(got) != "auth=20002" || got[0].Scope.Project != "blog" {
		t.Errorf("leases: %v", got)
	}
}

// TestLeaseProperties makes random calls and compares the result with a model.
func TestLeaseProperties(t *testing.T) {
	for seed := range uint64(100) {
		random := rand.New(rand.NewPCG(seed, 0))
		var s state
		wanted := map[string]bool{} // directory and name of what should be leased
		for range 60 {
			c := []checkout.Checkout{{}, mainCheckout, feature, other}[random.IntN(4)]
			key := func(n allocator.PortName) string { return c.Directory + "\x00" + n.String() }
			var words []string
			for i := range random.IntN(5) {
				word := fmt.Sprint("n", 3*i+random.IntN(3))
				if random.IntN(3) == 0 {
					word += fmt.Sprint("=", 20000+random.IntN(8))
				}
				words = append(words, word)
			}
			list := strings.Join(words, " ")
			if random.IntN(4) == 0 {
				_, rec := s.match(c, never)
				var names []allocator.PortName
				for _, w := range wantAll(list) {
					names = append(names, w.Name)
				}
				slices.SortFunc(names, allocator.PortName.Compare)
				next, removed, err := s.remove(rec.Scope, names)
				if known := !slices.ContainsFunc(names, func(n allocator.PortName) bool { return !wanted[key(n)] }); known != (err == nil) {
					t.Fatalf("seed %d: remove %s: %v", seed, list, err)
				}
				for _, l := range removed {
					delete(wanted, key(l.Name))
				}
				s = next
			} else {
				before := s
				next, leases, err := do(s, c, list, "n0 n4 n8")
				if err == nil {
					for _, w := range wantAll(list) {
						wanted[key(w.Name)] = true
						i := slices.IndexFunc(leases, func(l Lease) bool { return l.Name == w.Name })
						binds := w.Pin != 0 && c.Worktree == ""
						stays := c.Directory == "" && w.Pin == 0 && pinnedIn(before, w.Name)
						if l := leases[i]; l.Pinned != (binds || stays) || binds && l.Port != w.Pin {
							t.Fatalf("seed %d: %v became %v", seed, w, l)
						}
					}
				}
				s = next
			}
			check(t, s, wanted)
		}
	}
}

// pinnedIn reports whether a user-wide name is pinned.
func pinnedIn(s state, n allocator.PortName) bool {
	_, r := s.match(checkout.Checkout{}, never)
	e, found := r.find(n)
	return found && e.Pinned
}

// check fails unless s has the wanted leases, can be read back, and has no port
// twice unless it is pinned.
func check(t *testing.T, s state, wanted map[string]bool) {
	t.Helper()
	uses := map[int][]Lease{}
	for _, l := range s.all() {
		uses[l.Port] = append(uses[l.Port], l)
		if !wanted[l.Scope.Directory+"\x00"+l.Name.String()] {
			t.Fatalf("unexpected lease %v", l)
		}
	}
	if len(s.all()) != len(wanted) {
		t.Fatalf("%d leases, want %d", len(s.all()), len(wanted))
	}
	for port, owners := range uses {
		if len(owners) > 1 && slices.ContainsFunc(owners, func(l Lease) bool { return !l.Pinned }) {
			t.Fatalf("port %d: %v", port, owners)
		}
	}
	again, err := decode(encode(s))
	if err != nil || !slices.Equal(again.all(), s.all()) {
		t.Fatalf("read back: %v\n%s", err, encode(s))
	}
}
