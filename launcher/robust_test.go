//go:build unix

package launcher

import (
	"bufio"
	"cmp"
	"context"
	"crypto/rand"
	"flag"
	"fmt"
	mathrand "math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/devports/devports/launcher/system"

	proc "github.com/devports/devports/allocator/process"
	"github.com/devports/devports/launcher/output"
	"github.com/devports/devports/launcher/proctree"
	"github.com/devports/devports/procfile"
)

// Long tests are short unless asked:
//
//	go test -race ./launcher -run Chaos -chaos 10m -timeout 0
//	go test ./launcher -run Restarts -restarts 1000
//	go test ./launcher -run Killed -kills 100
var (
	chaos    = flag.Duration("chaos", 2*time.Second, "how long TestChaos goes on")
	restarts = flag.Int("restarts", 200, "how often TestRestarts restarts")
	kills    = flag.Int("kills", 5, "how often TestKilled kills")
)

// The stop timeouts of several services run concurrently.
func TestStubbornTogether(t *testing.T) {
	const each = 4 * time.Second
	var portfile strings.Builder
	for _, name := range []string{"a", "b", "c"} {
		fmt.Fprintf(&portfile, "[services.%s]\ncommand = 'trap \"\" TERM INT; echo %[1]s is ready; while :; do sleep 0.02; done'\nstop_timeout = '%v'\n", name, each)
	}
	w := run(t, plan(t, portfile.String()))
	for _, name := range []string{"a", "b", "c"} {
		w.printed(name + " is ready")
	}
	start := time.Now()
	w.signals <- syscall.SIGINT
	w.status()
	if took := time.Since(start); took < each || took >= 3*each { // one after another would take as long as all
		t.Errorf("it took %v, with a stop_timeout of %v for each", took, each)
	}
}

// stalled is a writer that blocks until it is closed, and keeps what was
// written before.
type stalled struct{ release chan struct{} }

func (s stalled) Write(p []byte) (int, error) {
	<-s.release
	return len(p), nil
}

// A service that blocks, because nothing reads devports' output, ends all the
// same.
func TestStalledReader(t *testing.T) {
	for name, terminals := range map[string]*Terminals{"pipe": nil, "terminal": {}} {
		t.Run(name, func(t *testing.T) {
			reader := stalled{make(chan struct{})}
			out := output.New(reader, output.Style{})
			started, signals := make(chan bool, 10), make(chan os.Signal, 1)
			ended := make(chan int, 1)
			go func() {
				ended <- statusOf(Run(t.Context(), plan(t, "[services]\nflood = 'exec yes'"), Options{
					Output: out, Signals: signals, Terminals: terminals,
					Notify: func(e Event) { started <- KindOf(e) == "started" },
				}))
			}()
			<-started
			signals <- syscall.SIGTERM
			select {
			case status := <-ended:
				if status != 0 {
					t.Errorf("status %d", status)
				}
			case <-time.After(time.Minute):
				t.Error("it does not end")
			}
			close(reader.release)
			if err := out.Close(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

// When a stalled reader continues, no output is missing.
func TestReaderResumes(t *testing.T) {
	const lines = 50000
	reader := &collecting{stalled: stalled{make(chan struct{})}, begun: make(chan struct{}, 1)}
	out := output.New(reader, output.Style{})
	ended := make(chan int, 1)
	p := plan(t, fmt.Sprintf("[services]\ncount = 'i=0; while [ $i -lt %d ]; do i=$((i+1)); echo $i; done'", lines))
	go func() {
		ended <- statusOf(Run(t.Context(), p, Options{Output: out}))
	}()
	<-reader.begun // it has stalled
	close(reader.release)
	if status := <-ended; status != 0 {
		t.Errorf("status %d", status)
	}
	if err := out.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(reader.text.String()) {
		n++
		if want := fmt.Sprintf("count    | %d\n", n); line != want {
			t.Fatalf("line %d is %q", n, line)
		}
	}
	if n != lines {
		t.Errorf("%d lines of %d", n, lines)
	}
}

// collecting stores what is written to it, once it has been released.
type collecting struct {
	stalled
	begun chan struct{} // receives a value when the first write has begun
	text  strings.Builder
}

func (c *collecting) Write(p []byte) (int, error) {
	select {
	case c.begun <- struct{}{}:
	default:
	}
	<-c.release
	return c.text.Write(p)
}

// The output of a process that ends at once is complete.
func TestShortLives(t *testing.T) {
	var portfile strings.Builder
	portfile.WriteString("[services]\n")
	const services = 250
	for i := range services {
		fmt.Fprintf(&portfile, "s%d = ['echo', 'said by %[1]d.']\n", i)
	}
	p := plan(t, portfile.String())
	for _, terminals := range []*Terminals{nil, {}} {
		for range 2 {
			w := runWith(t, p, Options{Terminals: terminals})
			w.status()
			for i := range services {
				w.printed(fmt.Sprintf("said by %d.\n", i))
			}
		}
	}
}

func TestManyServices(t *testing.T) {
	var portfile strings.Builder
	portfile.WriteString("[services]\n")
	const services = 500
	for i := range services {
		fmt.Fprintf(&portfile, "s%d = 'echo s%[1]d runs.; exec sleep 1000'\n", i)
	}
	w := run(t, plan(t, portfile.String()))
	for i := range services {
		w.printed(fmt.Sprintf("s%d runs.", i))
	}
	w.signals <- syscall.SIGTERM
	if status := w.status(); status != 0 {
		t.Errorf("status %d", status)
	}
}

func TestDirectoryIsGone(t *testing.T) {
	p := plan(t, "[services]\na = 'echo never'")
	p.Services[0].Dir = t.TempDir() + "/gone"
	w := run(t, p)
	if status := w.status(); status != 126 {
		t.Errorf("status %d", status)
	}
	w.until("the reason", func(events []Event, _ string) bool {
		for _, e := range events {
			if e, ok := e.(NotStarted); ok && strings.Contains(e.Exit.String(), "its directory "+p.Services[0].Dir+" does not exist") {
				return true
			}
		}
		return false
	})
}

// Many restarts leave nothing behind: no zombie, no descriptor, no goroutine.
func TestRestarts(t *testing.T) {
	version := func(n int) procfile.Plan {
		return plan(t, fmt.Sprintf("[services]\na = 'sleep 1000 & echo version %d.; wait'\nkeep = 'echo kept; exec sleep 1000'", n))
	}
	w := runWith(t, version(0), Options{Instance: &Instance{}})
	w.printed("version 0.")
	w.printed("kept")
	descriptors, routines := openDescriptors(t), runtime.NumGoroutine()
	for n := range *restarts {
		w.plans <- version(n + 1)
		w.printed(fmt.Sprintf("version %d.", n+1))
	}
	for end := time.Now().Add(time.Minute); openDescriptors(t) > descriptors || runtime.NumGoroutine() > routines; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d descriptors and %d goroutines became %d and %d", descriptors, routines, openDescriptors(t), runtime.NumGoroutine())
		}
	}
	if runtime.GOOS == "linux" {
		children, err := proctree.Children(os.Getpid())
		if err != nil || len(children) > 3 { // a, keep and the watchdog
			t.Errorf("children: %v, %v", children, err)
		}
	}
	w.signals <- syscall.SIGTERM
	w.status()
	if n := strings.Count(w.text.String(), "kept"); n != 1 {
		t.Errorf("the service that no edit touched was started %d times", n)
	}
}

// TestChaos makes services of every kind come, change, go and fail at random.
// In the end no process is left.
func TestChaos(t *testing.T) {
	seed := cmp.Or(*seed, mathrand.Uint64())
	t.Logf("-seed %d", seed)
	random := mathrand.New(mathrand.NewPCG(seed, 0))
	commands := []string{
		"exec sleep 1000",
		"exit %d",
		"sleep 0.0%d",
		"kill -KILL $$ # %d",
		"trap \"\" TERM; while :; do sleep 0.01; done # %d",
		"setsid sleep 10%d & wait",
		"(setsid sleep 10%d &)",
		"kill -STOP $$ # %d",
		"echo %d; exec yes | head -n 1000",
		"/no/such/program %d",
		"while :; do sleep 0.001 & done # %d",
	}
	next := func() procfile.Plan {
		var portfile strings.Builder
		for i := range random.IntN(8) {
			command := strings.ReplaceAll(commands[random.IntN(len(commands))], "%d", fmt.Sprint(random.IntN(3)))
			fmt.Fprintf(&portfile, "[services.s%d]\ncommand = '%s'\nstop_timeout = '%dms'\n", i, command, 1+random.IntN(50))
			if i > 0 && random.IntN(3) == 0 {
				fmt.Fprintf(&portfile, "depends_on = ['s%d']\n", random.IntN(i))
			}
		}
		portfile.WriteString("[services.last]\ncommand = 'exec sleep 1000'\n") // keeps the run alive
		return plan(t, portfile.String())
	}
	instance := rand.Text()
	w := runWith(t, next(), Options{Instance: &Instance{ID: instance}})
	for end := time.Now().Add(*chaos); time.Now().Before(end); {
		w.plans <- next()
		select {
		case <-time.After(time.Duration(random.IntN(30)) * time.Millisecond):
		case s := <-w.ended:
			t.Fatalf("it ended with status %d", s)
		}
	}
	w.signals <- syscall.SIGINT
	if status := w.status(); status != 0 {
		t.Errorf("status %d", status)
	}
	if left := markedBy(t, instance); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// victimVariable makes this binary run the victim of a test, as that instance.
const victimVariable = "LAUNCHER_TEST_VICTIM"

// victim runs services that try to escape, and prints when all have started.
func victim(instance string) {
	portfile := `[services]
group = 'sleep 1001 & (trap "" TERM INT HUP; sleep 1002; sleep 1002) & echo there; wait'
session = 'setsid sh -c "trap : TERM; sleep 1003; sleep 1003" & echo there; wait'
daemon = '(setsid sh -c "sleep 1004 & sleep 1004" &); echo there; exec sleep 1004'
`
	f, err := procfile.Parse("Portfile", []byte(portfile))
	if err != nil {
		panic(err)
	}
	f.Dir = "/"
	p, err := f.Resolve(procfile.Context{Environ: os.Environ()})
	if err != nil {
		panic(err)
	}
	_ = Run(context.Background(), p, Options{Output: output.New(os.Stdout, output.Style{}), Instance: &Instance{ID: instance}})
	os.Exit(0)
}

// After devports was killed, its watchdog ends all of its processes, in well
// under a second unless the machine is busy.
func TestKilled(t *testing.T) {
	if _, err := exec.LookPath("setsid"); err != nil || runtime.GOOS == "darwin" {
		t.Skip("it needs setsid, and on macOS Apple's own programs hide their environment")
	}
	for range *kills {
		instance := rand.Text()
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), victimVariable+"="+instance)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for there := 0; there < 3 && lines.Scan(); {
			if strings.HasSuffix(lines.Text(), "there") {
				there++
			}
		}
		if len(markedBy(t, instance)) < 4 {
			t.Errorf("only there: %v", markedBy(t, instance))
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		end := time.Now().Add(time.Minute)
		_ = cmd.Wait()
		for len(markedBy(t, instance)) > 0 && time.Now().Before(end) {
			time.Sleep(5 * time.Millisecond)
		}
		if left := markedBy(t, instance); len(left) > 0 {
			t.Fatalf("still running: %v", left)
		}
	}
}

// markedBy returns the live processes of a run.
func markedBy(t *testing.T, instance string) (list []string) {
	t.Helper()
	tree, err := proctree.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range tree.Marked(system.MarkOf(instance)) {
		list = append(list, fmt.Sprintf("%d %s", p.PID, proc.Command(p.PID)))
	}
	return list
}
