//go:build unix

package launcher

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/devports/devports/launcher/system"

	"github.com/devports/devports/allocator"
	"github.com/devports/devports/launcher/output"
	"github.com/devports/devports/launcher/proctree"
	"github.com/devports/devports/launcher/terminal"
	"github.com/devports/devports/procfile"
)

// The watchdog of a run is this binary, started again.
func TestMain(m *testing.M) {
	if system.IsWatchdog(os.Args) {
		system.Watchdog(os.Stdin)
		os.Exit(0)
	}
	if role := roles[os.Getenv(roleVariable)]; role != nil {
		role(os.Args[1:])
		os.Exit(0)
	}
	if instance := os.Getenv(victimVariable); instance != "" {
		victim(instance)
	}
	flag.Parse()
	os.Exit(m.Run())
}

// world runs a plan and records its events and output.
type world struct {
	t       *testing.T
	signals chan os.Signal
	plans   chan procfile.Plan
	ended   chan int // the status

	mu     sync.Mutex // guards the fields below
	events []Event
	text   bytes.Buffer
	more   chan struct{}

	onWrite func(text string, events []Event) // called after services have printed; nil for none
}

func (w *world) notify(e Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.events = append(w.events, e)
	close(w.more)
	w.more = make(chan struct{})
}

func (w *world) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	close(w.more)
	w.more = make(chan struct{})
	n, err := w.text.Write(p)
	if w.onWrite != nil {
		w.onWrite(w.text.String(), w.events)
	}
	return n, err
}

// until waits for a condition on the events and output so far.
func (w *world) until(what string, holds func(events []Event, text string) bool) {
	w.t.Helper()
	late := time.After(2 * time.Minute)
	for {
		w.mu.Lock()
		ok, more := holds(w.events, w.text.String()), w.more
		w.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-more:
		case <-late:
			w.mu.Lock()
			defer w.mu.Unlock()
			w.t.Fatalf("not in time: %s\nevents: %+v\noutput: %s", what, w.events, w.text.String())
		}
	}
}

func (w *world) printed(text string) {
	w.t.Helper()
	w.until("printed "+text, func(_ []Event, all string) bool { return strings.Contains(all, text) })
}

func (w *world) happened(kind, service string) {
	w.t.Helper()
	w.until(fmt.Sprintf("event %s of %s", kind, service), func(events []Event, _ string) bool {
		return slices.ContainsFunc(events, func(e Event) bool { return KindOf(e) == kind && e.Subject() == service })
	})
}

// status waits for the end of the run.
func (w *world) status() int {
	w.t.Helper()
	select {
	case s := <-w.ended:
		return s
	case <-time.After(2 * time.Minute):
		w.t.Fatal("it does not end")
		return 0
	}
}

func run(t *testing.T, plan procfile.Plan) *world { return runWith(t, plan, Options{}) }

// runWith runs a plan. It sets some of the options itself. The run of a test that
// fails ends with it: it would get the processes that later tests wait for.
func runWith(t *testing.T, plan procfile.Plan, o Options) *world {
	w := &world{
		t: t, signals: make(chan os.Signal, 4), plans: make(chan procfile.Plan),
		ended: make(chan int, 1), more: make(chan struct{}),
	}
	out := output.New(w, output.Style{})
	o.Output, o.Notify, o.Signals, o.Plans = out, w.notify, w.signals, w.plans
	ctx, end := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		status := statusOf(Run(ctx, plan, o))
		if err := out.Close(context.Background()); err != nil {
			t.Errorf("output: %v", err)
		}
		w.ended <- status
	}()
	t.Cleanup(func() {
		end()
		select {
		case <-done:
		case <-time.After(10 * time.Second):
			w.signals <- syscall.SIGTERM // which kills, after the end of ctx
			<-done
		}
	})
	return w
}

// plan parses a Portfile.
func plan(t *testing.T, portfile string) procfile.Plan {
	t.Helper()
	f, err := procfile.Parse("Portfile", []byte(portfile))
	if err != nil {
		t.Fatal(err)
	}
	f.Dir = t.TempDir()
	p, err := f.Resolve(procfile.Context{Environ: os.Environ()})
	if err != nil {
		t.Fatal(err)
	}
	for i := range p.Services {
		p.Services[i].Dir = "/"
	}
	return p
}

func TestFollowDuringEveryPhase(t *testing.T) {
	// While the service takes its time to stop, several edits add up to the
	// last one.
	gate := t.TempDir() + "/go"
	version := func(n int) procfile.Plan {
		return plan(t, fmt.Sprintf("[services]\nkeep = 'echo kept; exec sleep 1000'\nslow = { command = 'trap \"until test -e %s; do sleep 0.01; done; exit\" TERM; echo version %d; while :; do sleep 0.01; done', stop_timeout = '1m' }", gate, n))
	}
	w := run(t, version(1))
	w.printed("version 1")
	w.printed("kept")
	w.plans <- version(2)
	w.plans <- plan(t, "[services]\nkeep = 'echo kept; exec sleep 1000'") // remove it while it stops
	w.plans <- version(3)                                                 // and add it again
	if err := os.WriteFile(gate, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	w.printed("version 3")
	w.signals <- syscall.SIGTERM
	if s := w.status(); s != 0 {
		t.Errorf("status %d", s)
	}
	w.until("the end of all", func(events []Event, text string) bool {
		if strings.Contains(text, "version 2") {
			t.Error("version 2 ran, although it was outdated when version 1 ended")
		}
		if n := strings.Count(text, "kept"); n != 1 {
			t.Errorf("the service that no edit touched was started %d times", n)
		}
		return true
	})
}

func TestSignalsAtAnyMoment(t *testing.T) {
	// However early signals arrive, everything ends, with status 0.
	for range 20 {
		w := run(t, plan(t, "[services]\na = 'exec sleep 1000'\nb = 'exec sleep 1000'\n[services.c]\ncommand = 'exec sleep 1000'\ndepends_on = ['a', 'b']"))
		w.signals <- syscall.SIGINT
		if s := w.status(); s != 0 {
			t.Fatalf("status %d after one signal", s)
		}
	}
	for range 5 {
		w := run(t, plan(t, "[services.a]\ncommand = 'trap \"\" TERM; sleep 1000'\nstop_timeout = '1h'"))
		w.signals <- syscall.SIGINT
		w.happened("stopping", "")
		time.Sleep(EchoTime) // a second signal that arrives sooner is an echo
		w.signals <- syscall.SIGINT
		if s := w.status(); s != 0 {
			t.Fatalf("status %d after two signals", s)
		}
	}
}

func TestStopSignal(t *testing.T) {
	w := run(t, plan(t, "[services.a]\ncommand = 'trap \"echo got USR1; exit 9\" USR1; echo ready; while :; do sleep 0.01; done'\nstop_signal = 'USR1'"))
	w.printed("ready")
	w.signals <- syscall.SIGINT
	if s := w.status(); s != 0 {
		t.Errorf("status %d: how a service ends when asked to is no failure", s)
	}
	w.printed("got USR1")
}

// A suspended process receives its stop signal and can handle it.
func TestSuspendedProcessCleansUp(t *testing.T) {
	const stopped = "sh -c 'trap \"echo clean; exit\" TERM; kill -STOP $$; sleep 1000'"
	window := func(string) terminal.Size { return terminal.Size{Rows: 24, Columns: 80} }
	for name, command := range map[string]string{"leader": "exec " + stopped, "child": stopped + "; true"} {
		for where, terminals := range map[string]*Terminals{"pipe": nil, "terminal": {Size: window}} {
			t.Run(name+" on a "+where, func(t *testing.T) {
				w := runWith(t, plan(t, fmt.Sprintf("[services.a]\ncommand = %q\nstop_timeout = '20s'", command)), Options{Terminals: terminals})
				w.happened("started", "a")
				for end := time.Now().Add(time.Minute); !anyStopped(t); time.Sleep(time.Millisecond) {
					if time.Now().After(end) {
						t.Fatal("no process has stopped")
					}
				}
				w.signals <- syscall.SIGTERM
				if s := w.status(); s != 0 {
					t.Errorf("status %d", s)
				}
				w.printed("clean")
				if slices.ContainsFunc(w.events, func(e Event) bool { _, killing := e.(Killing); return killing }) {
					t.Errorf("killed: %+v", w.events)
				}
			})
		}
	}
}

// anyStopped reports whether a descendant of this process is suspended.
func anyStopped(t *testing.T) bool {
	t.Helper()
	tree, err := proctree.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(tree.Below(os.Getpid()), func(p proctree.Process) bool { return p.Stopped })
}

func TestAdjustedStopIsUsed(t *testing.T) {
	const portfile = "[services.a]\ncommand = 'trap \"\" TERM; echo ready; while :; do sleep 0.01; done'\nstop_timeout = '%s'"
	w := run(t, plan(t, fmt.Sprintf(portfile, "1h")))
	w.printed("ready")
	w.plans <- plan(t, fmt.Sprintf(portfile, "10ms"))
	w.happened("plan_changed", "")
	w.signals <- syscall.SIGTERM
	w.happened("killing", "a")
	w.status()
}

func TestEditFixesFailure(t *testing.T) {
	w := run(t, plan(t, "[services]\nkeep = 'exec sleep 1000'\na = 'exit 3'"))
	w.happened("ended", "a")
	w.plans <- plan(t, "[services]\nkeep = 'sleep 0.1'\na = 'echo fixed'")
	w.printed("fixed")
	if s := w.status(); s != 0 {
		t.Errorf("status %d, although the service that failed was started again and did well", s)
	}
}

func TestBlockedServiceStartsWhenItsDependencyIsFixed(t *testing.T) {
	const portfile = "[services]\nkeep = 'exec sleep 1000'\n[services.app]\ncommand = 'echo app runs; exec sleep 1000'\ndepends_on = ['db']\n[services.db]\ncommand = ['%s']\nready = 'done'\n"
	w := run(t, plan(t, fmt.Sprintf(portfile, "/no/such/program")))
	w.happened("not_started", "db")
	w.plans <- plan(t, fmt.Sprintf(portfile, "true"))
	w.printed("app runs")
	w.signals <- syscall.SIGTERM
	w.status()
}

// A service starts when no other process of this run has its port any more.
func TestPortIsHandedOver(t *testing.T) {
	// The port is a lock in the file system: a process that finds it held
	// fails.
	const take = "mkdir lock || exit 9; trap \"sleep 0.2; rmdir lock; exit\" TERM; echo %[1]s has it; while :; do sleep 0.01; done"
	dir := t.TempDir()
	version := func(name string) procfile.Plan {
		p := plan(t, "[services]\n"+name+" = '"+fmt.Sprintf(take, name)+"'")
		p.Services[0].Dir = dir
		p.Services[0].Ports = []int{4711}
		return p
	}
	w := run(t, version("a"))
	w.printed("a has it")
	w.plans <- version("b")
	w.printed("b has it")
	w.signals <- syscall.SIGTERM
	if s := w.status(); s != 0 {
		t.Errorf("status %d", s)
	}
}

// A process is compared with the spec that it was started with, not with the
// previous plan.
func TestPortChangesBack(t *testing.T) {
	version := func(services string, portOfC int) procfile.Plan {
		f, err := procfile.Parse("Portfile", []byte("[services]\na = 'echo C is at $PORT_C; exec sleep 1000'\n"+services))
		if err != nil {
			t.Fatal(err)
		}
		f.Dir = "/"
		p, err := f.Resolve(procfile.Context{Environ: os.Environ(), Ports: map[allocator.PortName]int{{Service: "c"}: portOfC}})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	const c = "c = { command = 'exec sleep 1000', ready = 'none' }"
	w := run(t, version(c, 4001))
	w.printed("C is at 4001")
	w.plans <- version("", 0) // restarts no process
	w.happened("ended", "c")
	w.plans <- version(c, 4002)
	w.printed("C is at 4002")
	w.signals <- syscall.SIGTERM
	w.status()
}

// Orphans do not stay as zombies while their service is running.
func TestOrphansAreReaped(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux lets a process take orphans in")
	}
	// The last orphan shows that the others have been reaped: no zombie is
	// left, except possibly itself.
	w := run(t, plan(t, "[services]\na = 'for i in 1 2 3 4 5 6 7 8 9 10; do (sleep 0.01 &); done; while test $(ps --ppid $PPID -o stat= | grep -c Z) -gt 0; do sleep 0.01; done; echo all reaped; exec sleep 1000'"))
	w.printed("all reaped")
	w.signals <- syscall.SIGTERM
	w.status()
}

// Nothing of a run is left but what the test itself has: no goroutine, no
// descriptor.
func TestNoLeak(t *testing.T) {
	once := func() {
		w := run(t, plan(t, "[services]\na = 'echo x'\nb = 'exec sleep 1000'\nc = '/no/such/program'"))
		w.printed("x")
		w.signals <- syscall.SIGTERM
		w.status()
	}
	// The last steps of a run are asynchronous.
	settle := func(what string, settled func() bool) {
		t.Helper()
		for end := time.Now().Add(time.Minute); !settled(); runtime.Gosched() {
			if time.Now().After(end) {
				t.Fatal(what)
			}
		}
	}
	stacks := make([]byte, 1<<20)
	quiet := func() bool {
		text := string(stacks[:runtime.Stack(stacks, true)])
		return !strings.Contains(text, "launcher.(*supervisor)") && !strings.Contains(text, "launcher.(*process)")
	}
	once()
	settle("goroutines are left", quiet)
	descriptors := openDescriptors(t)
	for range 50 {
		once()
	}
	settle("goroutines are left", quiet)
	settle("descriptors are left open", func() bool { return openDescriptors(t) <= descriptors })
}

func openDescriptors(t *testing.T) int {
	entries, err := os.ReadDir("/dev/fd")
	if err != nil {
		t.Skip("this system does not list descriptors")
	}
	return len(entries)
}

// BenchmarkUp compares starting 200 services with a plain loop that starts the
// same commands one after another.
func BenchmarkUp(b *testing.B) {
	const services = 200
	var portfile strings.Builder
	portfile.WriteString("[services]\n")
	for i := range services {
		fmt.Fprintf(&portfile, "s%d = 'exec sleep 1000'\n", i)
	}
	f, err := procfile.Parse("Portfile", []byte(portfile.String()))
	if err != nil {
		b.Fatal(err)
	}
	f.Dir = b.TempDir()
	p, err := f.Resolve(procfile.Context{Environ: os.Environ()})
	if err != nil {
		b.Fatal(err)
	}
	b.Run("launcher", func(b *testing.B) {
		for b.Loop() {
			signals, started, n := make(chan os.Signal, 2), make(chan struct{}), 0
			done := make(chan struct{})
			go func() {
				_ = Run(b.Context(), p, Options{Instance: &Instance{ID: "x"}, Output: output.New(&bytes.Buffer{}, output.Style{}), Signals: signals, Notify: func(e Event) {
					if KindOf(e) == "started" {
						if n++; n == services {
							close(started)
						}
					}
				}})
				close(done)
			}()
			<-started
			b.StopTimer()
			signals <- syscall.SIGTERM
			<-done
			b.StartTimer()
		}
	})
	b.Run("loop", func(b *testing.B) {
		for b.Loop() {
			var started []*exec.Cmd
			for _, s := range p.Services {
				cmd := exec.Command("/bin/sh", "-c", s.Shell)
				cmd.Dir, cmd.Env = s.Dir, s.Env.List()
				cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
				if err := cmd.Start(); err != nil {
					b.Fatal(err)
				}
				started = append(started, cmd)
			}
			b.StopTimer()
			for _, cmd := range started {
				_ = cmd.Process.Kill()
				_ = cmd.Wait()
			}
			b.StartTimer()
		}
	})
}
