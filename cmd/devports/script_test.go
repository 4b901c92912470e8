package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets this binary stand for devports and for the programs that the
// scripts start: no others are needed.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"devports": main,
		"watchdog": main, // as devports starts itself once more
		"serve":    serve,
		"hold":     hold,
		"lock":     lock,
		"print":    printLines,
		"freeport": freePort,

		"docker-proxy": dockerProxy,
	})
}

// TestScripts runs the scripts of testscripts. One alone:
//
//	go test ./cmd/devports -run TestScripts/up_follow
func TestScripts(t *testing.T) {
	scripts, err := filepath.Glob("../../testscripts/*.txtar")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	slices.Sort(scripts)
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	toolchain := goEnvironment(t)
	testscript.Run(t, testscript.Params{
		Files:               scripts,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
		Cmds:                scriptCommands,
		Condition: func(cond string) (bool, error) {
			name, argument, _ := strings.Cut(cond, ":")
			holds, ok := conditions[name]
			if !ok {
				return false, fmt.Errorf("unknown condition %q", cond)
			}
			return holds(argument), nil
		},
		Setup: func(e *testscript.Env) error {
			// Scripts that run side by side choose from ranges of their own.
			name := strings.TrimPrefix(filepath.Base(e.WorkDir), "script-") + ".txtar"
			i := slices.IndexFunc(scripts, func(s string) bool { return filepath.Base(s) == name })
			first := 10000 + 250*i
			e.Vars = append(
				e.Vars,
				"HOME="+filepath.Join(e.WorkDir, ".home"),
				"DEVPORTS_HOME="+filepath.Join(e.WorkDir, ".state"),
				fmt.Sprintf("DEVPORTS_RANGE=%d-%d", first, first+169),
				fmt.Sprintf("FREE_RANGE=%d-%d", first+170, first+249),
				"ROOT="+root,
				"TZ=UTC",
				"GORACE=atexit_sleep_ms=0", // or every process of a test with -race takes 1 s to end
			)
			e.Vars = append(e.Vars, toolchain...)
			e.Values[jobs{}] = map[string]*job{}
			return nil
		},
	})
}

// goEnvironment lets scripts that run `go run` use this machine's caches,
// although their HOME is another.
func goEnvironment(t *testing.T) []string {
	names := []string{"GOCACHE", "GOMODCACHE", "GOPATH", "GOPROXY", "GOFLAGS", "GOTOOLCHAIN"}
	out, err := exec.Command("go", append([]string{"env", "-json"}, names...)...).Output()
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]string{}
	if err := json.Unmarshal(out, &values); err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, name := range names {
		list = append(list, name+"="+values[name])
	}
	return list
}
