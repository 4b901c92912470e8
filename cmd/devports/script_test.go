package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/devports/devports/allocator/envvar"
	"github.com/devports/devports/launcher/control"
)

// programs are the programs of scripts, besides those of the system.
var programs map[string]func()

// scriptedDevports is main. CHECKOUT_GONE is how long a run outlives its checkout.
func scriptedDevports() {
	if gone, err := time.ParseDuration(os.Getenv("CHECKOUT_GONE")); err == nil {
		checkoutGone = gone
	}
	main()
}

func init() { // main refers to them
	programs = map[string]func(){
		"devports": scriptedDevports,
		"watchdog": main, // as which devports starts itself
		"later":    laterDevports,
		"serve":    serve,
		"hold":     hold,
		"https":    serveHTTPS,
		"lock":     lock,
		"print":    printLines,
		"show":     showArguments,
		"cleaner":  cleanUp,
		"poll":     poll,
		"freeport": freePort,
		"recite":   recite,

		"docker-proxy": dockerProxy,
		"engine":       containerEngine,
		"outgoing":     outgoing,

		"without-inotify": withoutInotify,
	}
}

// TestMain makes this binary devports and the programs that the scripts start,
// so that they need no others.
func TestMain(m *testing.M) {
	if _, set := os.LookupEnv(envvar.Front); !set { // tests that are no scripts
		os.Setenv(envvar.Front, "off")
	}
	// Scripts wait for processes more than they compute.
	flag.Set("test.parallel", strconv.Itoa(3*runtime.GOMAXPROCS(0))) // before the flags of go test, which win, are read
	testscript.Main(withEngine{m}, programs)
}

// laterDevports is a devports of a later version, with another protocol for
// running instances.
func laterDevports() {
	control.Protocol++
	packaged = "v99.0.0"
	main()
}

// TestScripts runs the scripts in testscripts, except those of TestExamples.
// To run one script:
//
//	go test ./cmd/devports -run TestScripts/up_follow
func TestScripts(t *testing.T) {
	runScripts(t, func(name string) bool { return !example(name) })
}

// TestExamples runs the scripts that build and run the examples. The first time
// that may take minutes, during which the other scripts should not compete for the
// processor: they have run by then.
func TestExamples(t *testing.T) {
	t.Parallel()
	runScripts(t, example)
}

func example(name string) bool { return strings.HasPrefix(name, "up_example_") || name == "up_shop" }

// runScripts runs the scripts with the wanted names, without extension.
func runScripts(t *testing.T, wanted func(name string) bool) {
	scripts, err := filepath.Glob("../../testscripts/*.txtar")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	slices.Sort(scripts)
	var files, names []string
	for _, script := range scripts {
		name := strings.TrimSuffix(filepath.Base(script), ".txtar")
		if names = append(names, name); wanted(name) {
			files = append(files, script)
		}
		if path := "/private/tmp/dp1234567890/script-" + name + "/.state/run/0123456789abcdef.sock"; len(path) > 100 {
			t.Errorf("%s: the name is too long for sockets of the script on macOS", name)
		}
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	toolchain := goEnvironment(t)
	work := shortTempDir(t)
	testscript.Run(t, testscript.Params{
		Files:               files,
		WorkdirRoot:         work,
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
			// Scripts that run in parallel choose from their own ranges, which
			// are parts of the default one.
			width := (28000 - 10000) / len(names) // above are the fixed pools of the portserver's
			first := 10000 + width*slices.Index(names, strings.TrimPrefix(filepath.Base(e.WorkDir), "script-"))
			e.Vars = append(
				e.Vars,
				"HOME="+filepath.Join(e.WorkDir, ".home"),
				"DEVPORTS_HOME="+filepath.Join(e.WorkDir, ".state"),
				fmt.Sprintf("DEVPORTS_RANGE=%d-%d", first, first+2*width/3-1),
				fmt.Sprintf("FREE_RANGE=%d-%d", first+2*width/3, first+width-1),
				"DEVPORTS_FRONT=off", // scripts of the front set a port of their own
				"ROOT="+root,
				"TZ=UTC",
				"GORACE=atexit_sleep_ms=0", // else every process of a test with -race takes 1 s to exit
				"CGO_ENABLED=0",            // scripts build without a C compiler
			)
			e.Vars = append(e.Vars, toolchain...)
			e.Values[jobs{}] = map[string]*job{}
			e.Values[skillTasksKey{}] = &skillTasks{}
			if !keepWork() {
				e.Defer(func() { removeAll(e.WorkDir) })
			}
			return nil
		},
	})
}

// shortTempDir returns a directory that is removed after the test. Scripts
// create sockets in it: their paths may have 103 bytes on macOS, where TMPDIR
// takes 49 of them.
func shortTempDir(t *testing.T) string {
	parent := ""
	if info, err := os.Stat("/tmp"); err == nil && info.IsDir() && runtime.GOOS != "windows" {
		parent = "/tmp"
	}
	dir, err := os.MkdirTemp(parent, "dp")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if !keepWork() {
			removeAll(dir)
		}
	})
	return dir
}

// keepWork reports whether testscript's option -testwork is set.
func keepWork() bool { return flag.Lookup("testwork").Value.String() == "true" }

// removeAll removes a directory, and also what is in a read-only one.
func removeAll(dir string) {
	_ = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if entry != nil && entry.IsDir() {
			_ = os.Chmod(path, 0o700)
		}
		return nil
	})
	_ = os.RemoveAll(dir)
}

// goEnvironment lets scripts that call `go run` use this machine's caches,
// although they have another HOME.
func goEnvironment(t *testing.T) []string {
	names := []string{"GOCACHE", "GOMODCACHE", "GOPATH", "GOPROXY", "GOFLAGS", "GOTOOLCHAIN"}
	out, err := exec.Command("go", append([]string{"env", "-json"}, names...)...).Output()
	if errors.Is(err, exec.ErrNotFound) {
		return nil // such scripts are skipped
	}
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
