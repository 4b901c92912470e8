//go:build unix

package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/devports/devports/launcher/system"

	"github.com/devports/devports/allocator/envvar"

	"github.com/devports/devports/allocator/lockfile"
	"github.com/devports/devports/allocator/process"
	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/output"
	"github.com/devports/devports/launcher/proctree"
	"github.com/devports/devports/procfile"
)

// The tests use real runs: this binary, started with the arguments "run HOME
// DIRECTORY", is the run of a slot until it gets a signal.
func TestMain(m *testing.M) {
	if len(os.Args) == 4 && os.Args[1] == "run" {
		os.Exit(runSlot(NewRuns(os.Args[2], ""), os.Args[3]))
	}
	if system.IsWatchdog(os.Args) {
		system.Watchdog(os.Stdin)
		return
	}
	os.Exit(m.Run())
}

// runSlot runs the Portfile on its standard input.
func runSlot(runs Runs, directory string) (status int) {
	text, err := io.ReadAll(os.Stdin)
	if err != nil {
		return 1
	}
	f, err := procfile.Parse("Portfile", text)
	if err != nil {
		fmt.Println(err)
		return 3
	}
	f.Dir = "/"
	plan, err := f.Resolve(procfile.Context{Environ: os.Environ()})
	if err != nil {
		return 1
	}
	claim, err := runs.Slot(directory, "").Claim(Note{Directory: directory, Terminal: "pts/7"}, time.Second)
	if errors.As(err, new(*RunningError)) {
		return 5
	}
	if err != nil {
		fmt.Println(err)
		return 1
	}
	defer claim.Release()
	out, tail, controller := output.New(io.Discard, output.Style{}), &output.Tail{}, launcher.NewController()
	out.Keep(tail)
	defer claim.Serve(Run{About: Info{Project: "p"}, Controller: controller, Output: tail, Journal: &Journal{}})()
	fmt.Println("claimed")
	err = launcher.Run(context.Background(), plan, launcher.Options{
		Output: out, Controller: controller, Instance: &launcher.Instance{ID: claim.Note.ID, Dedicated: true},
	})
	if err != nil {
		return 1
	}
	return 0
}

const sleeper = "[services]\nsleeper = { command = ['sleep', '1000'], port = false }\n"

// runsOf returns the runs in a home whose path is short enough for sockets.
func runsOf(t *testing.T) (Runs, string) {
	t.Helper()
	home, err := os.MkdirTemp("", "control")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(home) })
	return NewRuns(home, ""), home
}

func spawn(t *testing.T, home, directory, portfile string) *Background {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	b, err := NewRuns(home, "").Slot(directory, "").Spawn(Program{
		Path: program, Args: []string{"control", "run", home, directory},
		Env:   append(os.Environ(), envvar.Instance+"=another's", "DEVPORTS_SERVICE=another's", "GORACE=atexit_sleep_ms=0"),
		Input: []byte(portfile),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(b.PID, syscall.SIGKILL)
		if _, ok := b.AwaitEnd(context.Background(), time.Minute); !ok {
			t.Error("it does not die")
		}
	})
	return b
}

func TestSpawn(t *testing.T) {
	runs, home := runsOf(t)
	slot := runs.Slot("/shop", "")
	if i, ok := slot.Running(); ok || i.Killed() || len(runs.Instances()) > 0 {
		t.Fatalf("before any run: %+v, %+v", i, runs.Instances())
	}
	b := spawn(t, home, "/shop", sleeper)
	client, err := b.AwaitClaim(t.Context())
	if err != nil {
		t.Fatal(err, b.Output())
	}
	info, err := client.Wait(t.Context())
	if err != nil || info.PID != b.PID || info.Directory != "/shop" || info.Terminal != "pts/7" || info.Project != "p" || len(info.Services) != 1 {
		t.Errorf("%+v, %v", info, err)
	}
	if environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", b.PID)); err == nil && strings.Contains(string(environ), "another's") {
		t.Error("it has the marks of another run's service")
	}
	i, ok := slot.Running()
	if !ok || i.Note.PID != b.PID || i.Killed() || i.Note.Directory != "/shop" {
		t.Errorf("it is found as %+v, %v", i.Note, ok)
	}
	if a := runs.Instances()[0].Query(t.Context()); !a.Responded() || a.Info.PID != b.PID {
		t.Errorf("it answers %+v, %v", a.Info, a.Err)
	}
	var running *RunningError
	if _, err := slot.Claim(Note{Directory: "/shop"}, 0); !errors.As(err, &running) || running.Instance.Note.PID != b.PID {
		t.Errorf("a second claim: %v", err)
	}
	if _, err := i.CleanUp(0); !errors.As(err, new(*lockfile.HeldError)) {
		t.Errorf("what lives is cleared up: %v", err)
	}

	if err := i.Client().Down(t.Context()); err != nil {
		t.Error(err)
	}
	if err := i.AwaitEnd(t.Context()); err != nil {
		t.Error(err)
	}
	if i, ok := slot.Running(); ok || i.Killed() || !reflect.DeepEqual(i.Note, Note{}) || len(i.AbandonedSockets()) > 0 {
		t.Errorf("it has ended, and is found as %+v, %v", i.Note, ok)
	}
	if status, ok := b.AwaitEnd(t.Context(), time.Minute); status != 0 || !ok {
		t.Errorf("status %d, %v", status, ok)
	}
}

// AwaitClaim reports a run that ends before it can be controlled.
func TestSpawnFails(t *testing.T) {
	_, home := runsOf(t)
	for range 2 { // the second appends to the same log
		b := spawn(t, home, "/shop", "[services]\nx = 3\n")
		if _, err := b.AwaitClaim(t.Context()); !errors.Is(err, errEnded) {
			t.Errorf("error %v", err)
		}
		if status, ok := b.AwaitEnd(t.Context(), time.Minute); status != 3 || !ok {
			t.Errorf("status %d, %v", status, ok)
		}
		if text := b.Output(); strings.Count(text, "Portfile:2:") != 1 {
			t.Errorf("output %q", text)
		}
	}
}

// Waiting for a run that neither claims its slot nor ends can be cancelled.
func TestSpawnHangs(t *testing.T) {
	runs, _ := runsOf(t)
	sleep, err := exec.LookPath("sleep")
	if err != nil {
		t.Fatal(err)
	}
	b, err := runs.Slot("/shop", "").Spawn(Program{Path: sleep, Args: []string{"sleep", "1000"}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	if _, err := b.AwaitClaim(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if status, ok := b.AwaitEnd(t.Context(), 0); ok {
		t.Errorf("it is said to have ended, with status %d", status)
	}
	if err := syscall.Kill(b.PID, syscall.SIGKILL); err != nil {
		t.Error(err)
	}
	if status, ok := b.AwaitEnd(t.Context(), time.Minute); status != -1 || !ok {
		t.Errorf("killed, it has status %d, %v", status, ok)
	}
}

// Of several runs started at once, exactly one succeeds.
func TestClaimAtOnce(t *testing.T) {
	runs, home := runsOf(t)
	var all []*Background
	for range 8 {
		all = append(all, spawn(t, home, "/shop", sleeper))
	}
	var ended sync.WaitGroup
	statuses := make([]int, len(all))
	for i, b := range all {
		ended.Go(func() {
			client, err := b.AwaitClaim(t.Context())
			if err == nil {
				if _, err := client.Wait(t.Context()); err != nil {
					t.Error(err)
				}
				if found, ok := runs.Slot("/shop", "").Running(); !ok || found.Note.PID != b.PID {
					t.Errorf("found is %d, not %d", found.Note.PID, b.PID)
				}
				return
			}
			statuses[i], _ = b.AwaitEnd(t.Context(), time.Minute)
		})
	}
	ended.Wait()
	slices.Sort(statuses)
	if !slices.Equal(statuses, []int{0, 5, 5, 5, 5, 5, 5, 5}) {
		t.Errorf("statuses %d", statuses)
	}
}

// The processes of a killed run are found, and ended by the next run or by
// CleanUp.
func TestKilled(t *testing.T) {
	runs, home := runsOf(t)
	kill := func(directory string) Instance {
		b := spawn(t, home, directory, sleeper)
		client, err := b.AwaitClaim(t.Context())
		if err == nil {
			_, err = client.Wait(t.Context())
		}
		if err != nil {
			t.Fatal(err, b.Output())
		}
		// Otherwise its watchdog would end the service.
		watchdog := watchdogOf(t, b.PID, runs.Slot(directory, "").Instance())
		for _, kill := range []error{
			syscall.Kill(b.PID, syscall.SIGSTOP), syscall.Kill(watchdog, syscall.SIGKILL), syscall.Kill(b.PID, syscall.SIGKILL),
		} {
			if kill != nil {
				t.Fatal(kill)
			}
		}
		b.AwaitEnd(t.Context(), time.Minute)
		return runs.Slot(directory, "").Instance()
	}
	command := func(left []launcher.Orphan) (commands []string) {
		for _, l := range left {
			commands = append(commands, l.Service+": "+l.Command)
		}
		return commands
	}
	want := []string{"sleeper: sleep 1000"}
	kill("/shop")
	i := kill("/blog")
	if found := runs.Instances(); len(found) != 2 || found[0].Note.Directory != "/blog" || !found[1].Killed() {
		t.Errorf("%+v", found)
	}
	if a := i.Query(t.Context()); !i.Killed() || i.Controllable() || a.Responded() || !slices.Equal(command(i.Processes()), want) || len(i.AbandonedSockets()) != 1 {
		t.Errorf("%+v, held: %v, %v, %s", i.Note, i.Holder, i.Processes(), i.AbandonedSockets())
	}
	ended, err := i.CleanUp(time.Second)
	if err != nil || !slices.Equal(command(ended), want) {
		t.Errorf("ended %v, %v", ended, err)
	}
	if now := i.Slot.Instance(); now.Killed() || len(now.AbandonedSockets()) > 0 || len(i.Processes()) > 0 {
		t.Errorf("after that: %+v, %v", now.Note, i.Processes())
	}
	c, err := runs.Slot("/shop", "").Claim(Note{Directory: "/shop"}, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(command(c.Killed.Orphans), want) || c.Killed.Note.Directory != "/shop" || c.SocketErr != nil {
		t.Errorf("%+v", c)
	}
	if left := system.FindProcesses(c.Killed.Note.ID); len(left) > 0 {
		t.Errorf("the claim has left %v", left)
	}
	if err := c.Release(); err != nil {
		t.Error(err)
	}
}

// watchdogOf returns the child of a run that is not a service, once it has
// executed its program.
func watchdogOf(t *testing.T, pid int, i Instance) int {
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		children, err := proctree.Children(pid)
		if err != nil {
			t.Fatal(err)
		}
		for _, child := range children {
			service := slices.ContainsFunc(i.Processes(), func(l launcher.Orphan) bool { return l.PID == child })
			if !service && process.Command(child) != process.Command(pid) {
				return child
			}
		}
	}
	t.Fatal("it has no watchdog")
	return 0
}

func TestSocketPath(t *testing.T) {
	root, err := os.MkdirTemp(shortTemp, "s") // TMPDIR may be too long
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(root) })
	t.Setenv("TMPDIR", root)
	dir := func(name string) string {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(path, 0o700); err != nil {
			t.Fatal(err)
		}
		return path
	}
	name := fmt.Sprintf("devports-%d", os.Getuid())
	long, home, runtime, file, link := dir(strings.Repeat("x", 90)), dir("home"), dir("runtime"), dir("file"), dir("link")
	dir("home/run")
	if err := os.WriteFile(filepath.Join(file, "devports"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(runtime, filepath.Join(link, "devports")); err != nil {
		t.Fatal(err)
	}
	tests := []struct{ home, runtime, temp, want string }{
		{home, runtime, root, filepath.Join(runtime, "devports")},
		{home, "", root, filepath.Join(home, "run")},
		{home, "relative", root, filepath.Join(home, "run")},
		{home, filepath.Join(root, "gone"), root, filepath.Join(home, "run")},
		{home, long, root, filepath.Join(home, "run")},
		{home, file, root, filepath.Join(home, "run")},
		{home, link, root, filepath.Join(home, "run")},
		{long, "", root, filepath.Join(root, name)},
		{long, long, root, filepath.Join(root, name)},
		{long, long, long, filepath.Join("/tmp", name)},
	}
	if os.Getuid() == 0 {
		other := dir("other")
		if err := os.Chown(other, 1, 1); err != nil {
			t.Fatal(err)
		}
		taken := dir("taken")
		if err := os.Chown(dir("taken/devports"), 1, 1); err != nil {
			t.Fatal(err)
		}
		for _, runtime := range []string{other, taken} {
			tests = append(tests, struct{ home, runtime, temp, want string }{home, runtime, root, filepath.Join(home, "run")})
		}
	}
	for _, tt := range tests {
		t.Setenv("TMPDIR", tt.temp)
		slot := NewRuns(tt.home, tt.runtime).Slot("/shop", "")
		if got := filepath.Dir(slot.socket()); got != tt.want {
			t.Errorf("%+v: %s", tt, got)
		}
		l, path, err := slot.listen()
		if err != nil || filepath.Dir(path) != tt.want {
			t.Errorf("%+v: it listens at %s, %v", tt, path, err)
			continue
		}
		if info, err := os.Stat(filepath.Dir(path)); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%+v: %v, %v", tt, info.Mode(), err)
		}
		l.Close()
	}
}

// A run that has claimed its slot may take a while before it responds.
func TestSlowStart(t *testing.T) {
	runs, _ := runsOf(t)
	slot := runs.Slot("/shop", "")
	claim, err := slot.Claim(Note{Directory: "/shop"}, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer claim.Release() //nolint:errcheck
	answered := make(chan error, 1)
	i := slot.Instance()
	i.Note.Since = i.Note.Since.Add(startTime) // so that a busy machine has more time
	go func() {
		_, err := i.Client().Status(t.Context())
		answered <- err
	}()
	select {
	case err := <-answered:
		t.Fatal("it has responded before it serves: ", err)
	case <-time.After(identifyTimeout + identifyPoll):
	}
	// Who has less time hears what is wrong.
	ctx, stop := context.WithTimeout(t.Context(), time.Second)
	_, err = i.Client().Status(ctx)
	stop()
	if !errors.As(err, new(*UnresponsiveError)) || !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	controller, ended := launcher.NewController(), make(chan struct{})
	ctx, stop = context.WithCancel(t.Context())
	go func() {
		defer close(ended)
		_ = launcher.Run(ctx, planOf(t, "[services]\na = { command = 'exec sleep 1000', port = false }\n"), launcher.Options{Controller: controller})
	}()
	defer func() {
		stop()
		<-ended
	}()
	defer claim.Serve(Run{Controller: controller, Output: &output.Tail{}, Journal: &Journal{}})()
	if err := <-answered; err != nil {
		t.Error(err)
	}
}

// A run whose socket and directory are removed creates new ones; connected clients
// stay connected.
func TestLostSocket(t *testing.T) {
	_, home := runsOf(t)
	b := spawn(t, home, "/shop", "[services]\na = { command = 'echo a; exec sleep 1000', port = false }\n")
	client, err := b.AwaitClaim(t.Context())
	if err != nil {
		t.Fatal(err, b.Output())
	}
	if _, err := client.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := b.slot.Instance()
	followed := make(chan error, 1)
	seen := make(chan bool, 100)
	go func() {
		followed <- client.Logs(t.Context(), LogQuery{Last: -1, Follow: true}, func(LogEntry) error { seen <- true; return nil })
	}()
	<-seen
	for range 2 { // the new one can be lost, too
		if err := os.Remove(b.slot.Instance().Note.Socket); err != nil {
			t.Fatal(err)
		}
		if info, err := before.Client().Status(t.Context()); err != nil || info.PID != b.PID {
			t.Fatalf("%+v, %v", info, err)
		}
	}
	select {
	case err := <-followed:
		t.Errorf("it is not served on: %v", err)
	default:
	}
	if now := b.slot.Instance(); !reflect.DeepEqual(now.Note, before.Note) || now.Holder.Since != before.Holder.Since {
		t.Errorf("its note is %+v", now.Note)
	}
	if err := before.Client().Down(t.Context()); err != nil {
		t.Error(err)
	}
	if status, ok := b.AwaitEnd(t.Context(), time.Minute); !ok || status != 0 {
		t.Errorf("status %d, %v", status, ok)
	}
	<-followed
}

// File names stay the same across versions.
func TestSlotName(t *testing.T) {
	runs := NewRuns("/home", "")
	for got, want := range map[string]string{
		runs.Slot("/shop", "").Lock():    "/home/run/83fe003bf3be3526.lock",
		runs.Slot("/shop", "fix").Lock(): "/home/run/df554b599560ed09.lock",
		runs.Slot("/shop", "").Log():     "/home/run/83fe003bf3be3526.log",
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// FuzzNote: from any content of a lock file, parseNote returns nothing, or a
// note that survives encoding.
func FuzzNote(f *testing.F) {
	for _, seed := range []string{
		`{"pid":4711,"since":"2026-11-21T10:00:00Z","directory":"/shop","terminal":"/dev/pts/7","id":"X","socket":"/run/s"}`,
		`{"pid":0,"id":"X"}`, `{"pid":-1,"id":"X","socket":"/run/s"}`, `{"id":"X"}`, `{"pid":"1"}`, `[]`, `null`, ``, `{"pid":1`, `{"PID":1,"since":"no time"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		n := parseNote(text)
		if reflect.DeepEqual(n, Note{}) {
			return
		}
		if n.PID <= 0 {
			t.Errorf("pid %d", n.PID)
		}
		again, err := json.Marshal(n)
		if err != nil {
			return // a year of five digits
		}
		m := parseNote(again)
		if !m.Since.Equal(n.Since) {
			t.Errorf("since %v, then %v", n.Since, m.Since)
		}
		if len(n.Outside) == 0 {
			n.Outside = nil
		}
		if m.Since = n.Since; !reflect.DeepEqual(m, n) {
			t.Errorf("%+v, then %+v", n, m)
		}
	})
}

// A run that looks who has a port does not ask itself: before it serves, it would
// wait for its own answer.
func TestOwnersOfTheRunItself(t *testing.T) {
	runs, _ := runsOf(t)
	c, err := runs.Slot("/shop", "").Claim(Note{Directory: "/shop"}, 0)
	if err != nil || c.SocketErr != nil {
		t.Fatal(err, c.SocketErr)
	}
	defer c.Release()
	asked := make(chan net.Conn, 1)
	go func() {
		defer close(asked)
		if conn, err := c.socket.Accept(); err == nil {
			asked <- conn
		}
	}()
	if owners := runs.Owners(t.Context(), []int{os.Getppid()}, nil); len(owners) > 0 {
		t.Errorf("owners: %v", owners)
	}
	c.socket.Close()
	if _, ok := <-asked; ok {
		t.Error("the run has asked itself")
	}
}
