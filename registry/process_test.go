package registry

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var kills = flag.Int("kills", 50, "how often TestKilled kills a process; a fifth of it with -short")

// together runs 64 processes that lease at the same moment, and returns the line that each printed.
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
			t.Errorf("nobody printed %s", show([]Lease{l}))
		}
	}
	if len(printed) != 64 || len(leases) != 64 || len(ports) != 64 {
		t.Errorf("%d lines printed, %d leases, %d ports", len(printed), len(leases), len(ports))
	}
	tidyFolder(t, filepath.Dir(r.path))
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

// TestKilled kills processes in the middle of their work. Whatever they said is in the registry.
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
				t.Fatal("the process ended by itself")
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
		found := map[string]bool{}
		for _, l := range all(t, r) {
			found[show([]Lease{l})] = true
		}
		for line := range known {
			if !found[line] {
				t.Fatalf("after kill %d: %s was printed and is not there", i, line)
			}
		}
	}
	put(t, r, Checkout{}, "last") // takes what the killed ones left
	tidyFolder(t, filepath.Dir(r.path))
}
