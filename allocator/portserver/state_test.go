package portserver

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/devports/devports/allocator/process"
)

func TestRestart(t *testing.T) {
	pool, top := testPool(t, 4)
	state := filepath.Join(t.TempDir(), "state")
	first := newServer(t, Config{Pool: pool, State: state})
	address, stop := serve(t, first)
	a, b := startChild(t), startChild(t)
	wantPort(t, address, a.pid, top)
	wantPort(t, address, b.pid, top-1)
	want := map[int]int{top: a.pid, top - 1: b.pid}
	wantState(t, state, want) // while the server runs
	stop()
	wantState(t, state, want)

	second := newServer(t, Config{Pool: pool, State: state})
	wantAssignments(t, second.Assignments(), want)
	wantState(t, state, want)
	address, _ = serve(t, second)
	a.end()
	wantState(t, state, map[int]int{top - 1: b.pid})
	wantPort(t, address, os.Getpid(), top-2)
	wantPort(t, address, os.Getpid(), top-3)
	wantPort(t, address, os.Getpid(), top)
	wantPort(t, address, os.Getpid(), 0)
}

func wantState(t testing.TB, file string, want map[int]int) {
	t.Helper()
	assignments, err := ReadState(file)
	if err != nil {
		t.Fatal(err)
	}
	wantAssignments(t, assignments, want)
}

// The queue continues where it was, even if no port has an owner any more.
func TestRestartGoesOn(t *testing.T) {
	pool, top := testPool(t, 3)
	state := filepath.Join(t.TempDir(), "state")
	owner := startChild(t)
	for i := range 2 {
		address, stop := serve(t, newServer(t, Config{Pool: pool, State: state}))
		wantPort(t, address, owner.pid, top-i)
		stop()
	}
	owner.end()
	address, _ := serve(t, newServer(t, Config{Pool: pool, State: state}))
	for _, port := range []int{top - 2, top, top - 1} {
		wantPort(t, address, os.Getpid(), port)
	}
}

func TestStateIsPrivate(t *testing.T) {
	state := filepath.Join(t.TempDir(), "state")
	newServer(t, Config{State: state})
	info, err := os.Stat(state)
	if err != nil {
		t.Fatal(err)
	}
	if mode := info.Mode(); runtime.GOOS != "windows" && mode != 0o600 {
		t.Errorf("mode %v, want 0600", mode)
	}
}

// The same pid with another start time is another process.
func TestReusedPID(t *testing.T) {
	pool, top := testPool(t, 1)
	state := filepath.Join(t.TempDir(), "state")
	address, stop := serve(t, newServer(t, Config{Pool: pool, State: state}))
	wantPort(t, address, os.Getpid(), top)
	stop()
	self, err := process.Find(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	edit(t, state, fmt.Sprint(" ", self.Start, " "), fmt.Sprint(" ", self.Start-1, " "))
	wantState(t, state, map[int]int{})
	address, _ = serve(t, newServer(t, Config{Pool: pool, State: state}))
	wantPort(t, address, os.Getpid(), top)
}

func edit(t testing.TB, file, from, to string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), from) {
		t.Fatalf("no %q in %q", from, text)
	}
	write(t, file, strings.Replace(string(text), from, to, 1))
}

func write(t testing.TB, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
