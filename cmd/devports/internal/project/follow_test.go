package project_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/devports/devports/allocator"
	"github.com/devports/devports/allocator/holder"
	"github.com/devports/devports/cmd/devports/internal/project"
	"github.com/devports/devports/launcher/watcher"
	"github.com/devports/devports/procfile"
	"github.com/devports/devports/registry"
)

// following is a project whose edits are followed.
type following struct {
	t       *testing.T
	dir     string
	run     project.Run
	running procfile.Plan // the latest applied plan
	plans   chan procfile.Plan
	errors  chan error
	asked   chan project.Question
	watcher *watcher.Watcher
}

// write writes a file of the project.
func (f *following) write(name, text string) {
	f.t.Helper()
	// Under another name first, so that no partial file can be read.
	if err := os.WriteFile(filepath.Join(f.dir, "x"), []byte(text), 0o600); err != nil {
		f.t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(f.dir, "x"), filepath.Join(f.dir, name)); err != nil {
		f.t.Fatal(err)
	}
}

const patience = time.Minute

// applied waits until a version is applied, and returns its services.
func (f *following) applied() string {
	f.t.Helper()
	select {
	case f.running = <-f.plans:
	case err := <-f.errors:
		f.t.Fatal("refused: ", err)
	case <-time.After(patience):
		f.t.Fatal("no edit was seen")
	}
	return services(f.running)
}

// refused waits until a version is refused.
func (f *following) refused() error {
	f.t.Helper()
	select {
	case err := <-f.errors:
		return err
	case plan := <-f.plans:
		f.t.Fatal("applied: ", services(plan))
	case <-time.After(patience):
		f.t.Fatal("no edit was seen")
	}
	return nil
}

func services(plan procfile.Plan) string {
	var texts []string
	for _, s := range plan.Services {
		texts = append(texts, s.Service+"="+s.Shell)
	}
	return strings.Join(texts, " ")
}

// open creates a project of files, and its plan.
func open(t *testing.T, files map[string]string) *following {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	f := &following{t: t, dir: dir, plans: make(chan procfile.Plan), errors: make(chan error), asked: make(chan project.Question)}
	for name, text := range files {
		f.write(name, text)
	}
	host := project.Host{
		Getenv: func(string) string { return "" },
		Note:   t.Logf,
		Listening: func(ctx context.Context, _ registry.Registry, ports ...int) (map[int][]holder.Process, error) {
			return holder.Listening(ctx, ports...)
		},
		Choose: func(allocator.Set) registry.Chooser {
			return func(_ registry.Scope, _ allocator.PortName, usable func(int) bool) (int, error) {
				for port := 20000; ; port++ {
					if usable(port) && !allocator.Busy(port) {
						return port, nil
					}
				}
			}
		},
	}
	p, err := project.Open(host, registry.Open(filepath.Join(t.TempDir(), "registry.json")), filepath.Join(dir, "Portfile"), nil)
	if err != nil {
		t.Fatal(err)
	}
	f.run = project.Run{Project: p}
	if f.running, err = f.run.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return f
}

// start follows the project's edits until the test ends.
func (f *following) start() {
	w, err := watcher.New()
	if err != nil {
		f.t.Fatal(err)
	}
	f.watcher = w
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() {
		project.Follower{
			Load:      f.run.Reload,
			Questions: f.asked,
			Apply: func(_, next procfile.Plan) {
				select {
				case f.plans <- next:
				case <-ctx.Done():
				}
			},
			Refuse: func(err error) {
				select {
				case f.errors <- err:
				case <-ctx.Done():
				}
			},
			Unwatched: func(err error) { f.t.Error(err) },
		}.Follow(ctx, w, f.running)
	})
	f.t.Cleanup(func() { cancel(); w.Close(); done.Wait() })
}

// follow creates a project and follows its edits. The first check is over.
func follow(t *testing.T, files map[string]string) *following {
	f := open(t, files)
	f.start()
	if err := f.ask(false); err != nil { // which makes it
		t.Fatal(err)
	}
	return f
}

// ask asks the Follower a question.
func (f *following) ask(check bool) error {
	answer := make(chan error, 1)
	f.asked <- project.Question{Check: check, Answer: answer}
	return <-answer
}

// sync waits until the watcher has reported all edits so far.
func (f *following) sync() {
	f.t.Helper()
	for end := time.Now().Add(patience); ; {
		err := f.watcher.Sync(f.t.Context())
		if err == nil {
			return
		}
		if !errors.Is(err, watcher.ErrUnseen) || time.Now().After(end) {
			f.t.Fatal(err)
		}
	}
}

// An edit between loading and watching is not lost.
func TestFollowsWhatCameBefore(t *testing.T) {
	f := open(t, map[string]string{"Portfile": "[services]\na = 'true'\n"})
	f.write("Portfile", "[services]\na = 'false'\n")
	f.start()
	if got := f.applied(); got != "a=false" {
		t.Errorf("it is %s", got)
	}
}

// An env file that an edit adds is followed from then on; a missing one, once
// it exists.
func TestFollowsNewFiles(t *testing.T) {
	f := follow(t, map[string]string{"Portfile": "[services]\na = 'true'\n"})
	f.write("Portfile", "[services.a]\ncommand = 'true'\nenv_files = ['a.env']\n")
	if err := f.refused(); !strings.Contains(err.Error(), "a.env does not exist") {
		t.Error(err)
	}
	f.write("a.env", "A=1\n")
	f.applied()
	f.write("a.env", "A=2\n")
	f.applied()
	if a, _ := f.running.Service("a"); !slices.Contains(a.Env.Set(), procfile.Var{Name: "A", Value: "2"}) {
		t.Errorf("it has %v", a.Env.Set())
	}
}

// A refused version leases nothing: neither because of a mistake in the file
// nor of a taken port, which is found before a port is chosen for another
// service.
func TestRefusedLeasesNothing(t *testing.T) {
	f := follow(t, map[string]string{"Portfile": "[services]\na = 'true'\n"})
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, port, _ := net.SplitHostPort(taken.Addr().String())
	before := leases(t, f.run.Project.Registry)
	for text, want := range map[string]string{
		"[services]\na = 'true'\nb = 'true'\n[services.c]\ncommand = ['true', '${NOSUCH}']\n":  "NOSUCH is not defined",
		"[services]\na = 'true'\nb = 'true'\n[services.c]\ncommand = 'true'\nport = " + port:   "port " + port + " of c is taken",
		"[services]\na = 'true'\nb = 'true'\nc = 5\n":                                          "",
		"[services]\na = 'true'\nb = 'true'\n[services.c]\ncommand = 'true'\ndir = 'nosuch'\n": "nosuch does not exist",
	} {
		f.write("Portfile", text)
		if err := f.refused(); !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
		if after := leases(t, f.run.Project.Registry); !slices.Equal(after, before) {
			t.Errorf("%s: the leases are %v, want %v", text, after, before)
		}
	}
	// A mistake is reported before a conflict of pins in the registry.
	own := strconv.Itoa(before[0].Port)
	f.write("Portfile", "[services.b]\ncommand = 'true'\nport = "+own+"\n[services.c]\ncommand = ['true', '${NOSUCH}']\n")
	if err := f.refused(); !strings.Contains(err.Error(), "NOSUCH is not defined") {
		t.Errorf("%v", err)
	}
}

// If there is no time to determine what holds a port, nothing is known about
// it: it may be the project's own service.
func TestFreeOutOfTime(t *testing.T) {
	f := follow(t, map[string]string{"Portfile": "[services]\na = 'true'\n"})
	own, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	lease := registry.Lease{Port: own.Addr().(*net.TCPAddr).Port}
	ours := func(p holder.Process) bool { return p.PID == os.Getpid() }
	ctx, cancel := context.WithCancel(t.Context())
	if err := f.run.Project.Free(ctx, []registry.Lease{lease}, ours); err != nil {
		t.Error(err)
	}
	cancel()
	if err := f.run.Project.Free(ctx, []registry.Lease{lease}, ours); !errors.Is(err, context.Canceled) {
		t.Errorf("out of time: %v", err)
	}
}

func leases(t *testing.T, r registry.Registry) []registry.Lease {
	all, err := r.Leases()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// An edit that a check finds before the Watcher reports it is handled once.
func TestCheckedBefore(t *testing.T) {
	f := follow(t, map[string]string{"Portfile": "[services]\na = 'true'\n"})
	counts := make(chan int)
	go func() {
		for count := 0; ; {
			select {
			case <-f.plans:
				count++
			case <-f.errors:
				count++
			case counts <- count:
			case <-t.Context().Done():
				return
			}
		}
	}()
	for i, text := range []string{"a = '1'", "a = 1", "a = '2'", "a = '3'", "a = { command = '3', watch = ['*'] }"} {
		f.write("Portfile", "[services]\n"+text+"\n")
		checked := f.ask(true)
		f.sync()
		if err := f.ask(false); fmt.Sprint(err) != fmt.Sprint(checked) {
			t.Errorf("%s: %v, before: %v", text, err, checked)
		}
		if count := <-counts; count != i+1 {
			t.Fatalf("%s: %d edits were handled, want %d", text, count, i+1)
		}
	}
}

// When the Follower has answered, it has handled all earlier edits.
func TestAsked(t *testing.T) {
	const right, wrong = "[services]\na = 'true'\n", "[services]\na = 1\n"
	f := open(t, map[string]string{"Portfile": right})
	latest := make(chan string)
	go func() {
		for seen := ""; ; {
			select {
			case plan := <-f.plans:
				seen = services(plan)
			case err := <-f.errors:
				seen = err.Error()
			case latest <- seen:
			case <-t.Context().Done():
				return
			}
		}
	}()
	ask := func() (string, error) {
		f.sync()
		err := f.ask(false)
		return <-latest, err
	}
	f.write("Portfile", "[services]\na = 'false'\n") // before the files are watched
	f.start()
	if got, err := ask(); got != "a=false" || err != nil {
		t.Errorf("edited before: %s, %v", got, err)
	}
	for i := range 5 {
		f.write("Portfile", fmt.Sprintf("[services]\na = '%d'\n", i))
		if got, err := ask(); got != fmt.Sprintf("a=%d", i) || err != nil {
			t.Errorf("round %d: %s, %v", i, got, err)
		}
		f.write("Portfile", wrong)
		for range 2 {
			if got, err := ask(); err == nil || got != err.Error() {
				t.Errorf("round %d: with a mistake: %s, %v", i, got, err)
			}
		}
	}
	f.write("Portfile", right)
	if got, err := ask(); got != "a=true" || err != nil {
		t.Errorf("at last: %s, %v", got, err)
	}
}
