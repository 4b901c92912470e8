package allocator

import (
	"errors"
	"fmt"
	"slices"
	"testing"
)

func always(int) bool { return true }

func choose(t testing.TB, p Pool, k Key) int {
	t.Helper()
	port, err := p.Choose(k, always)
	if err != nil {
		t.Fatalf("%+v: %v", k, err)
	}
	return port
}

// A change of these numbers moves the ports of all users: it needs a better
// reason than a nicer hash.
func TestChooseIsStable(t *testing.T) {
	golden := []struct {
		key  Key
		port int
	}{
		{Key{Project: "shop", PortName: PortName{Service: "web"}}, 16532},
		{Key{Project: "shop", PortName: PortName{Service: "auth"}}, 16511},
		{Key{Project: "shop", PortName: PortName{Service: "auth", Port: "metrics"}}, 16496},
		{Key{Project: "shop", Worktree: "checkout", PortName: PortName{Service: "web"}}, 13430},
		{Key{Project: "blog", PortName: PortName{Service: "web"}}, 17702},
		{Key{PortName: PortName{Service: "a name of the user-wide scope"}}, 20366},
		{Key{}, 20362},
	}
	for name, local := range locals(t) {
		p := NewPool(Set{}, local)
		if _, cause := p.Widened(); cause != NoCause {
			continue
		}
		for _, g := range golden {
			if local.Reserved.Contains(g.port) {
				continue
			}
			if got := choose(t, p, g.key); got != g.port {
				t.Errorf("%s: %+v comes to %d, want %d", name, g.key, got, g.port)
			}
		}
	}
}

// An exclusion on this machine moves no other port.
func TestChooseSkipsLocalPorts(t *testing.T) {
	key := Key{Project: "shop", PortName: PortName{Service: "web"}}
	free := NewPool(Set{}, Local{})
	first := choose(t, free, key)
	second, err := free.Choose(key, func(port int) bool { return port != first })
	if err != nil {
		t.Fatal(err)
	}
	for name, local := range map[string]Local{
		"ephemeral": {Ephemeral: setOf(first)},
		"reserved":  {Reserved: setOf(first)},
	} {
		p := NewPool(Set{}, local)
		if got := choose(t, p, key); got != second {
			t.Errorf("%s: %d, want the next probe, %d", name, got, second)
		}
		other := Key{Project: "blog", PortName: PortName{Service: "web"}}
		if got, want := choose(t, p, other), choose(t, free, other); got != want {
			t.Errorf("%s: another project's port moved from %d to %d", name, want, got)
		}
	}
}

func TestKeysDoNotRunTogether(t *testing.T) {
	keys := []Key{
		{Project: "ab", Worktree: "c"},
		{Project: "a", Worktree: "bc"},
		{Project: "abc"},
		{Worktree: "abc"},
		{Project: "ab\x00c"},
		{Project: "1:a"},
		{Project: "a1:", Worktree: "b"},
		{Project: "a", Worktree: "1:b"},
	}
	seen := map[uint64]Key{}
	for _, k := range keys {
		h := sum(k.Project, k.Worktree)
		if other, ok := seen[h]; ok {
			t.Errorf("%+v and %+v have the same hash", k, other)
		}
		seen[h] = k
	}
}

// The services of a project are neighbours, even if they have the same start.
func TestServicesShareAStretch(t *testing.T) {
	p := NewPool(Set{}, fallback())
	for project := range 200 {
		taken := map[int]bool{}
		var indexes []int
		all := slices.Collect(p.Candidates().All())
		for service := range 50 {
			key := Key{Project: fmt.Sprint("project", project), PortName: PortName{Service: fmt.Sprint("service", service)}}
			port, err := p.Choose(key, func(port int) bool { return !taken[port] })
			if err != nil {
				t.Fatal(err)
			}
			taken[port] = true
			i, _ := slices.BinarySearch(all, port)
			indexes = append(indexes, i)
		}
		if width := slices.Max(indexes) - slices.Min(indexes); width > stretchLength {
			t.Errorf("project %d: its ports are %d candidates apart", project, width)
		}
	}
}

// Projects and services are distributed evenly.
func TestSpread(t *testing.T) {
	const n = 18000
	stretches := map[int]int{}
	places := map[int]int{}
	for i := range 100 * n / stretchLength {
		for index := range probes(Key{Project: fmt.Sprint("project-", i), PortName: PortName{Service: "web"}}, n) {
			stretches[index/stretchLength]++
			break
		}
		for index := range probes(Key{Project: "shop", PortName: PortName{Service: fmt.Sprint("service-", i)}}, n) {
			places[index%stretchLength]++
			break
		}
	}
	for i := range n / stretchLength {
		if got := stretches[i]; got < 50 || got > 160 {
			t.Errorf("stretch %d is that of %d projects, want about 100", i, got)
		}
	}
	for i := range stretchLength {
		if got := places[i]; got < 120 || got > 250 {
			t.Errorf("place %d is that of %d services, want about 180", i, got)
		}
	}
}

func TestProbesVisitEachOnce(t *testing.T) {
	for _, n := range []int{0, 1, 2, 3, 49, 50, 99, 100, 149, 150, 151, 1000, 18011} {
		seen := make([]bool, n)
		count := 0
		for i := range probes(Key{Project: "shop", PortName: PortName{Service: "web"}}, n) {
			if seen[i] {
				t.Fatalf("of %d: %d twice", n, i)
			}
			seen[i] = true
			count++
		}
		if count != n {
			t.Errorf("of %d: %d visited", n, count)
		}
	}
}

func TestChooseUntilNoneIsLeft(t *testing.T) {
	for name, allow := range map[string]string{"several stretches": "20000-21000", "three ports": "3000-3002"} {
		t.Run(name, func(t *testing.T) {
			p := NewPool(mustParse(t, allow), fallback())
			key := Key{Project: "shop", PortName: PortName{Service: "web"}}
			taken := map[int]bool{}
			left := func(port int) bool { return !taken[port] }
			for range p.Candidates().Len() {
				port, err := p.Choose(key, left)
				if err != nil {
					t.Fatalf("after %d ports: %v", len(taken), err)
				}
				if taken[port] || !p.Candidates().Contains(port) {
					t.Fatalf("%d is taken or no candidate", port)
				}
				taken[port] = true
			}
			if port, err := p.Choose(key, left); !errors.Is(err, ErrNoneLeft) {
				t.Errorf("Choose returns %d, %v; want ErrNoneLeft", port, err)
			}
		})
	}
	if _, err := (Pool{}).Choose(Key{}, always); !errors.Is(err, ErrNoneLeft) {
		t.Errorf("the zero Pool: %v, want ErrNoneLeft", err)
	}
}

// A full stretch overflows to the next one, the last one to the first.
func TestFullStretchOverflows(t *testing.T) {
	const n = 300
	for project := range 20 {
		key := Key{Project: fmt.Sprint(project), PortName: PortName{Service: "web"}}
		order := slices.Collect(probes(key, n))
		stretch := order[0] / stretchLength
		for i, index := range order {
			if i < stretchLength && index/stretchLength != stretch {
				t.Fatalf("probe %d is %d, outside of stretch %d", i, index, stretch)
			}
		}
		if want := (stretch + 1) % (n / stretchLength) * stretchLength; order[stretchLength] != want {
			t.Errorf("after stretch %d comes %d, want %d", stretch, order[stretchLength], want)
		}
	}
}

// The modulo of a hash is in bounds with 32-bit ints, too.
func TestReduce(t *testing.T) {
	for _, h := range []uint64{0, 1 << 31, 1<<32 - 1, 1 << 63, 1<<64 - 1} {
		if got := reduce(h, 100); got != int(h%100) || got < 0 || got >= 100 {
			t.Errorf("reduce(%d, 100) = %d", h, got)
		}
	}
}

func BenchmarkChoose(b *testing.B) {
	p := NewPool(Set{}, fallback())
	key := Key{Project: "shop", PortName: PortName{Service: "web"}}
	for b.Loop() {
		if _, err := p.Choose(key, always); err != nil {
			b.Fatal(err)
		}
	}
}
