package launcher

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/devports/devports/launcher/output"
	"github.com/devports/devports/launcher/probe"
	"github.com/devports/devports/launcher/terminal"
	"github.com/devports/devports/procfile"
)

// fakeSystem is a system without processes, for fake time. It checks the order
// in which services are started and terminated.
type fakeSystem struct {
	t                    *testing.T
	out                  *output.Mux
	random               func(n int) int // 0 ≤ x < n
	crashes              bool            // processes end on their own, too
	faulty               bool            // some processes ignore signals, fork, or fail to start
	ignore               bool            // all ignore signals
	neverReady           string          // the service that never becomes ready
	builds               func() Exit     // the exit of a build that ends on its own
	drain                func(context.Context)
	setup                func(context.Context, procfile.Process, bool) (Turn, error)
	jobsNeedDependencies bool // jobs fail when a dependency is unavailable meanwhile

	mu             sync.Mutex // guards the fields below
	latest         map[string]*fakeProc
	building       map[string]*fakeProc
	changed        map[string]time.Time // when a build was last requested
	built          map[string]time.Time // when the latest successful build began
	started        map[string]int
	outageFailures map[string]int       // how often in a row a job has failed because of a dependency
	lastAvailable  map[string]time.Time // when a service was last available to its dependents
	ending         bool                 // all services are to stop
	current        procfile.Plan        // the plan that the run follows
	earlier        []earlierPlan        // before that
	calm           bool                 // no process started from now on crashes
	closed         bool
}

// earlierPlan is a plan that was edited.
type earlierPlan struct {
	plan  procfile.Plan
	until time.Time
}

// fakeProc is a process of a fakeSystem.
type fakeProc struct {
	system       *fakeSystem
	spec         procfile.Process
	pid          int
	stream       *output.Stream
	began        time.Time
	ready        time.Duration // its check passes that long after its start
	terminated   chan struct{} // receives a value when it is terminated
	killed       chan struct{} // receives a value when it is killed
	terminating  bool          // it was terminated; guarded by system.mu, as are the fields below
	terminatedAt time.Time     //  when that was
	exited       bool          // on its own, and its children are alive
	alive        bool
	done         bool // it has ended with status 0
}

func newFakeSystem(t *testing.T, seed uint64) *fakeSystem {
	random := rand.New(rand.NewPCG(seed, 0))
	var mu sync.Mutex
	f := &fakeSystem{
		t: t, latest: map[string]*fakeProc{}, building: map[string]*fakeProc{},
		changed: map[string]time.Time{}, built: map[string]time.Time{},
		started: map[string]int{}, outageFailures: map[string]int{}, lastAvailable: map[string]time.Time{},
		random: func(n int) int {
			mu.Lock()
			defer mu.Unlock()
			return random.IntN(n)
		},
	}
	f.drain = func(ctx context.Context) {
		select {
		case <-time.After(time.Duration(f.random(int(time.Second)))):
		case <-ctx.Done():
		}
	}
	return f
}

// pause lets some fake time pass.
func (f *fakeSystem) pause(most time.Duration) { time.Sleep(time.Duration(f.random(int(most)))) }

func (f *fakeSystem) Start(spec procfile.Process, _ *terminal.Size) (child, Exit) {
	f.pause(10 * time.Millisecond)
	f.mu.Lock()
	defer f.mu.Unlock()
	if spec.IsBuild {
		return f.startBuild(spec)
	}
	f.started[spec.Service]++
	if changed, built := f.changed[spec.Service], f.built[spec.Service]; !spec.Build.IsZero() && (built.IsZero() || time.Since(changed) > startTime && built.Before(changed)) {
		f.t.Errorf("%s is started %v after a change, and was built %v before now", spec.Service, time.Since(changed), time.Since(built))
	}
	if f.faulty && f.random(10) == 0 {
		return nil, Exit{Status: 127, Err: errors.New("no such program")}
	}
	if p := f.latest[spec.Service]; p != nil && p.alive {
		f.t.Errorf("%s has a second process", spec.Service)
	}
	p := &fakeProc{
		system: f, spec: spec, pid: 1000 + len(f.latest), began: time.Now(), alive: true,
		ready: time.Duration(f.random(int(time.Second))), stream: f.out.Stream(spec.Service),
		terminated: make(chan struct{}, 1), killed: make(chan struct{}, 1),
	}
	if spec.Service == f.neverReady {
		p.ready = 1000 * time.Hour
	}
	f.markUnavailable(spec.Service)
	f.latest[spec.Service] = p
	return p, Exit{}
}

func (f *fakeSystem) isCalm() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calm
}

// startBuild starts the process of a build, with f.mu held.
func (f *fakeSystem) startBuild(spec procfile.Process) (child, Exit) {
	if f.faulty && f.random(10) == 0 {
		return nil, Exit{Status: 127, Err: errors.New("no such compiler")}
	}
	if p := f.building[spec.Service]; p != nil && p.alive {
		f.t.Errorf("%s has a second build", spec.Service)
	}
	p := &fakeProc{
		system: f, spec: spec, pid: 2000 + len(f.building), began: time.Now(), alive: true, stream: f.out.Stream(spec.Service),
		ready: time.Duration(f.random(int(10 * time.Second))), terminated: make(chan struct{}, 1), killed: make(chan struct{}, 1),
	}
	f.building[spec.Service] = p
	return p, Exit{}
}

// available reports whether dependents of a service may start, with f.mu held.
func (f *fakeSystem) available(name string) bool {
	p := f.latest[name]
	if p == nil {
		return false
	}
	if p.spec.Ready.Kind == procfile.Done {
		return p.done
	}
	return p.alive && !p.terminating && time.Since(p.began) >= p.ready
}

// work returns the exit status of a job: 2 if a dependency was unavailable
// meanwhile.
func (f *fakeSystem) jobStatus(p *fakeProc) (status int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, name := range f.dependencies(p.spec) {
		if f.jobsNeedDependencies && (!f.available(name) || f.lastAvailable[name].After(p.began)) {
			f.outageFailures[p.spec.Service]++
			return 2
		}
	}
	f.outageFailures[p.spec.Service] = 0
	return 0
}

// inPlan returns a service of a plan, or one of its inactive ones.
func inPlan(plan procfile.Plan, name string) (p procfile.Process, ok bool) {
	plan.Services = slices.Concat(plan.Services, plan.Inactive)
	return plan.Service(name)
}

// depends reports whether a service depends on another one, with f.mu held: in
// the current plan and in those that were current when a service was to start
// that starts now.
func (f *fakeSystem) depends(service, on string) bool {
	f.earlier = slices.DeleteFunc(f.earlier, func(e earlierPlan) bool { return time.Since(e.until) > startTime })
	for _, e := range append(f.earlier, earlierPlan{plan: f.current}) {
		if p, _ := inPlan(e.plan, service); !slices.Contains(p.DependsOn, on) {
			return false
		}
	}
	return true
}

// dependencies returns the dependencies of spec, and those of the jobs among
// them, with f.mu held. Dependencies that the latest edit has added or removed
// do not count.
func (f *fakeSystem) dependencies(spec procfile.Process) []string {
	on := slices.Clone(spec.DependsOn)
	for i := 0; i < len(on); i++ {
		p := f.latest[on[i]]
		if p == nil || p.spec.Ready.Kind != procfile.Done {
			continue
		}
		for _, name := range p.spec.DependsOn {
			if f.depends(on[i], name) {
				on = append(on, name)
			}
		}
	}
	return on
}

// cease records that a service is about to become unavailable, with f.mu held.
func (f *fakeSystem) markUnavailable(name string) {
	if f.available(name) {
		f.lastAvailable[name] = time.Now()
	}
}

func (f *fakeSystem) Probe(spec procfile.Process, _ procfile.Check) probe.Try {
	return func(context.Context) error {
		f.mu.Lock()
		defer f.mu.Unlock()
		if !f.available(spec.Service) {
			return errors.New("nothing listens")
		}
		return nil
	}
}

func (f *fakeSystem) SetOutsidePrograms([]string) {}

func (f *fakeSystem) StartOutside([]string) (<-chan Exit, error) { return nil, nil }
func (f *fakeSystem) SetAttached(bool)                           {}
func (f *fakeSystem) HoldSignals() func()                        { return func() {} }

func (f *fakeSystem) Close() (killed, leftRunning []Orphan) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	return nil, nil
}

func (p *fakeProc) PID() int               { return p.pid }
func (p *fakeProc) Show()                  { go p.stream.Copy(eof{}) }
func (p *fakeProc) Stream() *output.Stream { return p.stream }
func (p *fakeProc) Terminal() *os.File     { return nil }
func (p *fakeProc) Resize(terminal.Size)   {}
func (p *fakeProc) Members() []int         { return []int{p.pid} }
func (p *fakeProc) LeftBehind() []Orphan   { return nil }
func (p *fakeProc) Survivors() []Orphan    { return nil }

// eof is an empty output.
type eof struct{}

func (eof) Read([]byte) (int, error) { return 0, io.EOF }

func (p *fakeProc) Terminate(string, time.Duration) {
	if !p.spec.IsBuild {
		p.checkOrder()
	}
	select {
	case p.terminated <- struct{}{}:
	default:
	}
}

func (p *fakeProc) Kill() {
	p.system.mu.Lock()
	if !p.spec.IsBuild {
		p.system.markUnavailable(p.spec.Service)
	}
	p.terminating = true
	p.system.mu.Unlock()
	select {
	case p.killed <- struct{}{}:
	default:
	}
}

// checkOrder reports an error if all services are stopping and a dependent of p
// is alive.
func (p *fakeProc) checkOrder() {
	f := p.system
	f.mu.Lock()
	defer f.mu.Unlock()
	for name, other := range f.latest {
		if f.ending && !p.exited && other.alive && slices.Contains(other.spec.DependsOn, p.spec.Service) {
			f.t.Errorf("%s is ended, and %s, which depends on it, lives", p.spec.Service, name)
		}
	}
	f.markUnavailable(p.spec.Service)
	p.terminating, p.terminatedAt = true, time.Now()
}

// end is the end of the process itself.
func (p *fakeProc) end(exit Exit) Exit {
	p.system.mu.Lock()
	defer p.system.mu.Unlock()
	if p.spec.IsBuild {
		if p.alive = false; exit == (Exit{}) {
			p.system.built[p.spec.Service] = p.began
		}
		return exit
	}
	p.system.markUnavailable(p.spec.Service)
	p.alive, p.done = false, exit == Exit{}
	return exit
}

func (p *fakeProc) Follow(done <-chan struct{}, exited func(Exit)) (Exit, bool) {
	f := p.system
	var crash <-chan time.Time
	switch {
	case p.spec.Ready.Kind == procfile.Done:
		crash = time.After(p.ready)
	case f.crashes && !f.isCalm() && f.random(3) == 0:
		crash = time.After(time.Duration(f.random(int(time.Minute))))
	}
	stubborn := f.ignore || f.faulty && f.random(5) == 0
	terminated := p.terminated
	for {
		select {
		case <-terminated:
			if terminated = nil; stubborn {
				continue
			}
			f.pause(time.Second)
			return p.end(Exit{Status: 143, Signal: "TERM"}), true
		case <-p.killed:
			return p.end(Exit{Status: 137, Signal: "KILL"}), true
		case <-crash:
			exit := Exit{Status: f.random(2)}
			if p.spec.IsBuild && f.builds != nil {
				exit = f.builds()
			}
			if p.spec.Ready.Kind == procfile.Done && !f.faulty && !p.spec.IsBuild {
				exit = Exit{Status: f.jobStatus(p)}
			}
			if f.faulty && f.random(2) == 0 { // its children outlive it
				f.mu.Lock()
				p.exited = true
				f.mu.Unlock()
				exited(exit)
				select {
				case <-time.After(time.Duration(f.random(int(time.Second)))):
				case <-p.killed:
				}
			}
			return p.end(exit), true
		case <-done:
			return Exit{}, false
		}
	}
}

// randomPlan returns a plan of services that depend on earlier ones.
func randomPlan(random func(int) int, n int) (plan procfile.Plan) {
	for i := range n {
		// The order of names differs from that of dependencies.
		spec := procfile.Process{
			Service: fmt.Sprintf("%c%d", 'a'+random(26), i), Port: 4000 + i, Ports: []int{4000 + i},
			Ready:       procfile.Check{Kind: procfile.TCP, Timeout: time.Minute},
			Restart:     []procfile.Restart{procfile.RestartNo, procfile.RestartOnFailure, procfile.RestartAlways}[random(3)],
			StopTimeout: time.Duration(1+random(10)) * time.Second,
		}
		if random(2) == 0 {
			spec.Host = spec.Service
		}
		if random(4) == 0 {
			spec.Ready, spec.Restart = procfile.Check{Kind: procfile.Done}, procfile.RestartOnFailure
		}
		for _, other := range plan.Services {
			if random(3) == 0 {
				spec.DependsOn = append(spec.DependsOn, other.Service)
			}
		}
		plan.Services = append(plan.Services, spec)
	}
	slices.SortFunc(plan.Services, func(a, b procfile.Process) int {
		if a.Service < b.Service {
			return -1
		}
		return 1
	})
	return plan
}

// statusOf returns the exit status that err stands for.
func statusOf(err error) int {
	var exit *ExitError
	switch {
	case errors.As(err, &exit):
		return exit.Status
	case err != nil:
		return -1
	}
	return 0
}

// fakeRun is a run on a fakeSystem.
type fakeRun struct {
	*fakeSystem
	allReady   []AllReady // guarded by mu
	plan       procfile.Plan
	controller *Controller
	signals    chan os.Signal
	plans      chan procfile.Plan
	ended      chan int
}

// start runs the plan.
func (f *fakeSystem) start(plan procfile.Plan) *fakeRun {
	f.out, f.current = output.New(io.Discard, output.Style{}), plan
	r := &fakeRun{
		fakeSystem: f, plan: plan, controller: NewController(),
		signals: make(chan os.Signal, 4), plans: make(chan procfile.Plan), ended: make(chan int, 1),
	}
	open := func(Options, func(Event)) operatingSystem { return f }
	go func() {
		r.ended <- statusOf(runOn(context.Background(), open, plan, Options{
			Output: f.out, Notify: r.notify, Signals: r.signals, Plans: r.plans, Controller: r.controller,
			Drain: func(ctx context.Context, _ string) { f.drain(ctx) },
			Setup: f.setup,
		}))
	}()
	return r
}

// edit makes the run follow another plan.
func (r *fakeRun) edit(plan procfile.Plan) {
	r.mu.Lock()
	r.earlier = append(r.earlier, earlierPlan{r.current, time.Now()})
	r.current = plan
	r.mu.Unlock()
	r.plans <- plan
}

// startTime is longer than the time from the decision to start a service until
// it has started.
const startTime = 100 * time.Millisecond

// notify checks that the dependencies of a started service were available when
// its start was decided.
func (r *fakeRun) notify(e Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch e := e.(type) {
	case Stopping:
		r.ending = true
	case AllReady:
		r.allReady = append(r.allReady, e)
	case UpToDate:
		if r.latest[e.Service] == nil {
			spec, _ := inPlan(r.current, e.Service)
			r.latest[e.Service] = &fakeProc{system: r.fakeSystem, spec: spec}
		}
		r.latest[e.Service].done = true
	case Started:
		p := r.latest[e.Service]
		if p == nil {
			return
		}
		for name, other := range r.latest {
			if other.alive && other.terminating && time.Since(other.terminatedAt) > startTime && slices.Contains(other.spec.DependsOn, e.Service) {
				r.t.Errorf("%s is started, and %s, which depended on it, has not ended yet", e.Service, name)
			}
		}
		for _, name := range r.dependencies(p.spec) {
			if !r.available(name) && time.Since(r.lastAvailable[name]) > startTime {
				r.t.Errorf("%s is started, and %s, on which it depends, is not ready, and was %v ago: %+v", e.Service, name, time.Since(r.lastAvailable[name]), r.latest[name])
			}
		}
	}
}

// close ends the run and checks that no process is left.
func (r *fakeRun) close() int {
	r.signals <- os.Interrupt
	status := <-r.ended
	if err := r.out.Close(context.Background()); err != nil {
		r.t.Error(err)
	}
	for name, p := range r.latest {
		if p.alive {
			r.t.Errorf("%s is left", name)
		}
	}
	if !r.closed {
		r.t.Error("the system is not closed")
	}
	return status
}

// settle waits until all services have settled.
func (r *fakeRun) settle() {
	r.t.Helper()
	if _, err := r.controller.Wait(r.t.Context(), Status.Settled); err != nil {
		r.t.Error(err)
	}
}

var seed = flag.Uint64("seed", 0, "what tests with random events do; 0 for anything")

// inFakeTime runs f with several seeds, or with that of -seed. The order of
// goroutines is not part of it: the same seed may fail only sometimes.
func inFakeTime(t *testing.T, f func(t *testing.T, seed uint64)) {
	first, n := rand.Uint64(), uint64(200)
	if *seed != 0 {
		first, n = *seed, 1
	}
	for seed := first; seed < first+n; seed++ {
		ok := t.Run("", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { f(t, seed) })
		})
		if !ok {
			t.Fatalf("go test ./launcher -run %s -seed %d -count 1000 -failfast", t.Name(), seed)
		}
	}
}

// A service starts when its dependencies are ready, and stops before them.
func TestStartAndStopOrder(t *testing.T) {
	inFakeTime(t, func(t *testing.T, seed uint64) {
		f := newFakeSystem(t, seed)
		r := f.start(withKeeper(randomPlan(f.random, 1+f.random(12))))
		r.settle()
		for _, p := range r.plan.Services {
			if f.started[p.Service] != 1 {
				t.Errorf("%s was started %d times", p.Service, f.started[p.Service])
			}
		}
		// Stop ends several at once, in the same order as the end of the run.
		f.mu.Lock()
		f.ending = true
		f.mu.Unlock()
		if err := r.controller.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		r.settle()
		f.mu.Lock()
		for name, p := range f.latest {
			if p.alive {
				t.Errorf("%s lives", name)
			}
		}
		f.mu.Unlock()
		if err := r.controller.Start(t.Context()); err != nil {
			t.Error(err)
		}
		r.settle()
		if err := r.controller.Restart(t.Context()); err != nil {
			t.Error(err)
		}
		r.settle()
		if status := r.close(); status != 0 {
			t.Errorf("status %d", status)
		}
	})
}

// Whatever is requested, and whatever crashes, no service starts before its
// dependencies are ready, and in the end no process is left.
func TestOrderUnderRandomEvents(t *testing.T) {
	inFakeTime(t, func(t *testing.T, seed uint64) {
		f := newFakeSystem(t, seed)
		f.crashes, f.faulty = true, true
		r := f.start(withKeeper(randomPlan(f.random, 1+f.random(12))))
		for range 30 {
			f.pause(20 * time.Second)
			var names []string
			for _, p := range r.plan.Services {
				if f.random(3) == 0 && p.Service != keeper {
					names = append(names, p.Service)
				}
			}
			do := []func(context.Context, ...string) error{r.controller.Start, r.controller.Stop, r.controller.Restart}[f.random(3)]
			if len(names) > 0 {
				if err := do(t.Context(), names...); err != nil {
					t.Error(err)
				}
			}
		}
		r.close()
	})
}

const keeper = "zz"

// withKeeper adds a service that keeps the run alive.
func withKeeper(plan procfile.Plan) procfile.Plan {
	plan.Services = append(plan.Services, procfile.Process{
		Service: keeper, Ready: procfile.Check{Kind: procfile.None}, Restart: procfile.RestartAlways, StopTimeout: time.Second,
	})
	return plan
}

// A second signal within 300 ms is an echo; later ones kill.
func TestSecondSignal(t *testing.T) {
	for _, test := range []struct {
		after time.Duration
		want  time.Duration // how long the service lives after the first
	}{
		{0, time.Hour},
		{EchoTime - 1, time.Hour},
		{EchoTime, EchoTime},
		{time.Minute, time.Minute},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := newFakeSystem(t, 1)
			f.ignore = true
			plan := procfile.Plan{Services: []procfile.Process{{
				Service: "a", Ready: procfile.Check{Kind: procfile.None}, StopTimeout: time.Hour,
			}}}
			r := f.start(plan)
			r.settle()
			r.signals <- os.Interrupt
			synctest.Wait()
			begin := time.Now()
			time.Sleep(test.after)
			r.signals <- os.Interrupt
			if status := <-r.ended; status != 0 {
				t.Errorf("status %d", status)
			}
			if took := time.Since(begin); took != test.want {
				t.Errorf("%v after the first: it lives for %v, want %v", test.after, took, test.want)
			}
			_ = r.out.Close(t.Context())
		})
	}
}

// What counts is when a signal arrives, not when a busy supervisor handles it.
func TestSecondSignalWhileBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeSystem(t, 1)
		f.ignore = true
		r := f.start(procfile.Plan{Services: []procfile.Process{{
			Service: "a", Ready: procfile.Check{Kind: procfile.None}, StopTimeout: time.Hour,
		}}})
		r.settle()
		r.signals <- os.Interrupt
		synctest.Wait()
		begin := time.Now()
		go func() {
			_ = r.controller.call(t.Context(), func(*supervisor) { time.Sleep(time.Minute) })
		}()
		synctest.Wait()
		r.signals <- os.Interrupt
		<-r.ended
		if took := time.Since(begin); took != time.Hour {
			t.Errorf("the service lives for %v, want an hour", took)
		}
		_ = r.out.Close(t.Context())
	})
}

// The backoff of a service that keeps failing grows.
func TestBackoffOfRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeSystem(t, 1)
		f.crashes = true
		f.random = func(n int) int { return 0 }
		var starts []time.Duration
		begin := time.Now()
		plan := procfile.Plan{Services: []procfile.Process{{
			Service: "a", Ready: procfile.Check{Kind: procfile.None}, Restart: procfile.RestartAlways,
		}}}
		f.out = output.New(io.Discard, output.Style{})
		ended, signals := make(chan int, 1), make(chan os.Signal)
		go func() {
			ended <- statusOf(runOn(t.Context(), func(Options, func(Event)) operatingSystem { return f }, plan, Options{
				Output: f.out, Signals: signals, Notify: func(e Event) {
					if KindOf(e) == "started" {
						starts = append(starts, time.Since(begin))
					}
				},
			}))
		}()
		time.Sleep(70 * time.Second)
		signals <- os.Interrupt
		<-ended
		_ = f.out.Close(t.Context())
		want := []time.Duration{0, 1, 3, 7, 15, 31, 61}
		for i := range want {
			want[i] *= time.Second
		}
		if !slices.Equal(starts, want) {
			t.Errorf("started at %v, want %v", starts, want)
		}
	})
}
