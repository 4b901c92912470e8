package main

import (
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// slowInits are packages with slow initialization, which every command pays
// for. These are required, and cannot be faster.
var slowInits = map[string]string{
	"runtime":                     "the runtime itself",
	"internal/godebug":            "it reads the variable with which this test asks for the figures",
	"github.com/joho/godotenv":    "regular expressions",
	"github.com/urfave/cli/v2":    "regular expressions",
	"golang.org/x/sys/cpu":        "it asks the processor, which a virtual machine answers slowly",
	"internal/cpu":                "likewise",
	"vendor/golang.org/x/sys/cpu": "likewise",
}

// initLimit is the limit for all other packages. The slowest take 30 µs on a quiet
// machine, a table or an expression that few commands need several hundred.
const initLimit = 100 * time.Microsecond

// No package delays main for long. Tables and regular expressions that few
// commands need are created with sync.OnceValue.
func TestInit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "devports")
	if out, err := staticBuild(path, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	// A busy machine slows down single runs, but hardly all of them.
	fastest := map[string]time.Duration{}
	var slow []string
	for range 100 {
		cmd := exec.Command(path, "version")
		cmd.Env = append(cmd.Environ(), "GODEBUG=inittrace=1")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		for line := range strings.Lines(string(out)) {
			if name, took, ok := parseInit(line); ok {
				if least, seen := fastest[name]; !seen || took < least {
					fastest[name] = took
				}
			}
		}
		if len(fastest) == 0 {
			t.Skipf("this Go does not list what it initializes: %s", out)
		}
		slow = slices.DeleteFunc(slices.Sorted(maps.Keys(fastest)), func(name string) bool {
			return fastest[name] <= initLimit || slowInits[name] != ""
		})
		if len(slow) == 0 {
			return
		}
	}
	for _, name := range slow {
		t.Errorf("%s takes %v to initialize, at least", name, fastest[name])
	}
}

// parseInit parses "init unicode @0.29 ms, 0.021 ms clock, 11400 bytes, 55
// allocs".
func parseInit(line string) (name string, took time.Duration, ok bool) {
	fields := strings.Fields(line)
	if len(fields) < 7 || fields[0] != "init" || fields[6] != "clock," {
		return "", 0, false
	}
	ms, err := strconv.ParseFloat(fields[4], 64)
	return fields[1], time.Duration(ms * float64(time.Millisecond)), err == nil
}
