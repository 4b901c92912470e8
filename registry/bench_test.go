package registry

import (
	"fmt"
	"testing"
	"time"

	"github.com/devports/devports/allocator"
	"github.com/devports/devports/registry/checkout"
	"github.com/devports/devports/registry/internal/gittest"
)

// many returns a state of n leases: half of them user-wide, the others five to
// a scope.
func many(n int) state {
	s := state{}
	since := time.Date(2026, 8, 17, 10, 0, 0, 0, time.UTC)
	user := record{}
	for i := range n / 2 {
		user.leases = append(user.leases, entry{allocator.PortName{Service: fmt.Sprintf("name%05d", i)}, 1 + i, false, since, false})
	}
	s.records = append(s.records, user)
	for i := n / 2; i < n; i++ {
		if i%5 == 0 || i == n/2 {
			name := fmt.Sprintf("project%05d", i)
			s.records = append(s.records, record{Scope: Scope{absolute("ann/work/" + name), name, ""}})
		}
		r := &s.records[len(s.records)-1]
		r.leases = append(r.leases, entry{allocator.PortName{Service: fmt.Sprintf("service%05d", i)}, 1 + i, false, since, false})
	}
	return s
}

func benchmark(b *testing.B, f func(b *testing.B, r Registry, n int)) {
	for _, n := range []int{10, 1000, 20000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			r := scratch(b)
			gittest.Write(b, r.path, string(encode(many(n))))
			b.ReportAllocs()
			b.ResetTimer()
			f(b, r, n)
		})
	}
}

func BenchmarkKnownName(b *testing.B) {
	benchmark(b, func(b *testing.B, r Registry, n int) {
		for b.Loop() {
			if _, _, err := r.Lease(b.Context(), checkout.Checkout{}, wantAll("name00001"), Options{}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkOneAfterAnother leases -names names. It reports the time per lease
// in the first and last tenth, and per KB of the file, which must not grow.
func BenchmarkOneAfterAnother(b *testing.B) {
	for b.Loop() {
		r := scratch(b)
		var start time.Time
		for i := range *names {
			switch i {
			case 0, *names * 9 / 10:
				start = time.Now()
			}
			put(b, r, checkout.Checkout{}, fmt.Sprint("name", i))
			if i+1 == *names/10 || i+1 == *names {
				part := map[bool]string{false: "first", true: "last"}[i+1 == *names]
				per := float64(time.Since(start).Microseconds()) / float64(*names/10)
				b.ReportMetric(per, "µs/lease-"+part)
				b.ReportMetric(per/float64(stat(b, r.path).Size()>>10), "µs/KB-"+part)
			}
		}
	}
}

func BenchmarkImportAgain(b *testing.B) {
	benchmark(b, func(b *testing.B, r Registry, n int) {
		list := []Claim{{Name: allocator.PortName{Service: "name00001"}, Port: 2}}
		for b.Loop() {
			if done, err := r.Import(b.Context(), list); err != nil || len(done.Already) != 1 {
				b.Fatal(done, err)
			}
		}
	})
}

func BenchmarkNewName(b *testing.B) {
	benchmark(b, func(b *testing.B, r Registry, n int) {
		for i := 0; b.Loop(); i++ {
			w := []allocator.WantedPort{{Name: allocator.PortName{Service: fmt.Sprint("new", i)}}}
			if _, _, err := r.Lease(b.Context(), checkout.Checkout{}, w, Options{Choose: upFrom(20001)}); err != nil {
				b.Fatal(err)
			}
		}
	})
}
