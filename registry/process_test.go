package registry

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/devports/devports/allocator"
	"github.com/devports/devports/registry/checkout"
)

var (
	kills  = flag.Int("kills", 50, "how often TestKilled kills a process; a fifth of it with -short")
	names  = flag.Int("names", 100, "how many names TestManyNames and BenchmarkOneAfterAnother lease")
	mixing = flag.Duration("mixing", 500*time.Millisecond, "how long TestMixed has processes lease, remove, import and list")
)

// together runs 64 processes that lease at the same moment, and returns the
// line that each prints.
func together(t *testing.T, r Registry, name func(i int) string) []string {
	var start, finish [64]func()
	printed := make([]string, 64)
	for i := range printed {
		cmd, stdin, stdout := process(t, "lease", r.path, name(i))
		start[i] = func() { stdin.Close() }
		finish[i] = func() {
			stdout.Scan()
			printed[i] = stdout.Text()
			if err := cmd.Wait(); err != nil {
				t.Errorf("process %d: %v", i, err)
			}
		}
	}
	for _, f := range start {
		f()
	}
	for _, f := range finish {
		f()
	}
	return printed
}

func TestManyNewNames(t *testing.T) {
	r := scratch(t)
	printed := map[string]bool{}
	for _, line := range together(t, r, func(i int) string { return fmt.Sprint("name", i) }) {
		printed[strings.Replace(line, " ", "=", 1)] = true
	}
	leases := all(t, r)
	ports := map[int]bool{}
	for _, l := range leases {
		ports[l.Port] = true
		if !printed[show([]Lease{l})] {
			t.Errorf("no process printed %s", show([]Lease{l}))
		}
	}
	if len(printed) != 64 || len(leases) != 64 || len(ports) != 64 {
		t.Errorf("%d lines printed, %d leases, %d ports", len(printed), len(leases), len(ports))
	}
	checkLeftovers(t, filepath.Dir(r.path))
}

func TestOneNewName(t *testing.T) {
	r := scratch(t)
	for _, line := range together(t, r, func(int) string { return "auth" }) {
		if line != "auth 20000" {
			t.Errorf("printed %q", line)
		}
	}
	if got := show(all(t, r)); got != "auth=20000" {
		t.Errorf("leases: %s", got)
	}
}

// mixed is a process of TestMixed. At the end it prints its ledger.
func mixed(r Registry, own string) error {
	ended := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(ended)
	}()
	ctx := context.Background()
	directory := filepath.Join(filepath.Dir(r.path), own) // missing from the start, so only this process uses it
	places := []checkout.Checkout{{}, {Directory: directory, Project: own}, {Directory: directory + "-f", Project: own, Worktree: "f"}}
	options := Options{Choose: upFrom(20000)}
	ledger := map[string]int{} // the leases of this process
	key := func(l Lease) string { return l.Scope.String() + " " + l.Name.String() }
	note := func(leases []Lease) error {
		for _, l := range leases {
			if port, known := ledger[key(l)]; known && port != l.Port {
				return fmt.Errorf("%s had port %d, and now %d", key(l), port, l.Port)
			}
			ledger[key(l)] = l.Port
		}
		return nil
	}
	for i := 0; ; i++ {
		select {
		case <-ended:
			for name, port := range ledger {
				fmt.Printf("%s=%d\n", name, port)
			}
			return nil
		default:
		}
		place := places[rand.IntN(len(places))]
		name := func() allocator.PortName { return allocator.PortName{Service: fmt.Sprint(own, rand.IntN(4))} }
		switch rand.IntN(6) {
		case 0, 1:
			_, leases, err := r.Lease(ctx, place, []allocator.WantedPort{{Name: name()}, {Name: allocator.PortName{Service: name().Service, Port: "further"}}}, options)
			if err := errors.Join(err, note(leases)); err != nil {
				return err
			}
		case 2:
			scope, err := r.Scope(place)
			if err != nil {
				return err
			}
			n := name()
			removed, err := r.Remove(ctx, scope, n)
			var unknown *UnknownError
			if _, known := ledger[key(Lease{Scope: scope, Name: n})]; known == errors.As(err, &unknown) || err != nil && unknown == nil {
				return fmt.Errorf("%v known: %v, removed: %w", n, known, err)
			}
			for _, l := range removed {
				delete(ledger, key(l))
			}
		case 3:
			done, err := r.Import(ctx, []Claim{{Name: name(), Port: 40000 + rand.IntN(100)}})
			if err := errors.Join(err, note(done.Taken)); err != nil {
				return err
			}
		case 4:
			common := allocator.PortName{Service: "common"}
			var unknown *UnknownError
			if _, err := r.Remove(ctx, Scope{}, common); err != nil && !errors.As(err, &unknown) {
				return err
			}
			if _, _, err := r.Lease(ctx, checkout.Checkout{}, []allocator.WantedPort{{Name: common}}, options); err != nil {
				return err
			}
		}
		leases, err := r.Leases()
		if err != nil {
			return err
		}
		found := map[string]int{}
		for _, l := range leases {
			if strings.HasPrefix(l.Name.Service, own) {
				found[key(l)] = l.Port
			}
		}
		if !maps.Equal(found, ledger) {
			return fmt.Errorf("after step %d: %v, want %v", i, found, ledger)
		}
	}
}

// TestMixed runs processes that make random calls at once. The file is always
// valid for readers, and at the end contains the leases of all processes.
func TestMixed(t *testing.T) {
	r := scratch(t)
	var ends []func() []string
	for i := range 6 {
		cmd, stdin, stdout := process(t, "mixed", r.path, fmt.Sprint("p", i))
		ends = append(ends, func() (ledger []string) {
			stdin.Close()
			for stdout.Scan() {
				ledger = append(ledger, stdout.Text())
			}
			if err := cmd.Wait(); err != nil {
				t.Errorf("process %d: %v", i, err)
			}
			return ledger
		})
	}
	looks := 0
	for start := time.Now(); time.Since(start) < *mixing; looks++ {
		owners := map[int]Lease{}
		for _, l := range all(t, r) {
			if other, taken := owners[l.Port]; taken {
				t.Fatalf("one port for %v and %v", other, l)
			}
			owners[l.Port] = l
		}
	}
	var leased, found []string
	for _, end := range ends {
		leased = append(leased, end()...)
	}
	for _, l := range all(t, r) {
		if l.Name.Service != "common" {
			found = append(found, fmt.Sprintf("%s %s=%d", l.Scope, l.Name, l.Port))
		}
	}
	slices.Sort(leased)
	slices.Sort(found)
	if !slices.Equal(leased, found) {
		t.Errorf("leased: %q\nfound: %q", leased, found)
	}
	t.Logf("%d reads, %d leases at the end", looks, len(found))
	checkLeftovers(t, filepath.Dir(r.path))
}

// TestManyNames leases one name after another.
func TestManyNames(t *testing.T) {
	r := scratch(t)
	n := *names
	for i := range n {
		put(t, r, checkout.Checkout{}, fmt.Sprint("name", i))
	}
	ports := map[int]bool{}
	for _, l := range all(t, r) {
		ports[l.Port] = true
	}
	if len(ports) != n {
		t.Errorf("%d names have %d ports", n, len(ports))
	}
}

// atMostOneOfEach fails if temporary files of killed processes accumulate.
func atMostOneOfEach(t *testing.T, dir string) {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		switch f.Name() {
		case "registry.json", "registry.json.bak", "registry.json.lock", "registry.json.new", "registry.json.bak.new":
		default:
			t.Errorf("%s was left behind", f.Name())
		}
	}
}

// TestKilled kills processes at random moments. Every lease that they printed
// is in the registry.
func TestKilled(t *testing.T) {
	r := scratch(t)
	n := *kills
	if testing.Short() {
		n /= 5
	}
	known := map[string]bool{}
	for i := range n {
		cmd, _, stdout := process(t, "lease-for-ever", r.path, fmt.Sprintf("run%d-", i))
		for range 1 + rand.IntN(3) {
			if !stdout.Scan() {
				t.Fatal("the process exited on its own")
			}
			known[strings.Replace(stdout.Text(), " ", "=", 1)] = true
		}
		time.Sleep(rand.N(4 * time.Millisecond)) // to hit any moment of an update; nothing waits for it
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for stdout.Scan() {
			if name, port, ok := strings.Cut(stdout.Text(), " "); ok && len(port) == 5 {
				known[name+"="+port] = true
			}
		}
		_ = cmd.Wait() // killed
		atMostOneOfEach(t, filepath.Dir(r.path))
		found := map[string]bool{}
		for _, l := range all(t, r) {
			found[show([]Lease{l})] = true
		}
		for line := range known {
			if !found[line] {
				t.Fatalf("after kill %d: %s was printed and is not in the registry", i, line)
			}
		}
	}
	put(t, r, checkout.Checkout{}, "last") // replaces the files of killed processes
	checkLeftovers(t, filepath.Dir(r.path))
}
