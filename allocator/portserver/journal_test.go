package portserver

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The file has only a few lines for each port, whatever the number of owners.
func TestJournalDoesNotGrow(t *testing.T) {
	pool, top := testPool(t, 2)
	state := filepath.Join(t.TempDir(), "state")
	address, _ := serve(t, newServer(t, Config{Pool: pool, State: state}))
	wantPort(t, address, os.Getpid(), top)
	for range 10 {
		owner := startChild(t)
		wantPort(t, address, owner.pid, top-1)
		wantState(t, state, map[int]int{top: os.Getpid(), top - 1: owner.pid})
		owner.end()
	}
	text, err := os.ReadFile(state)
	if err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(string(text), "\n"); lines > 1+linesPerPort*pool.Len() {
		t.Errorf("%d lines:\n%s", lines, text)
	}
}

// Without a writable file, ports are handed out, too. The error is reported
// once, and the assignments are in the file as soon as it is writable again.
func TestJournalFails(t *testing.T) {
	pool, top := testPool(t, 5)
	dir := filepath.Join(t.TempDir(), "dir")
	state := filepath.Join(dir, "state")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	events := make(chan Event, 1)
	s := newServer(t, Config{Pool: pool, State: state, Log: func(e Event) { events <- e }})
	address, _ := serve(t, s)
	request := func(port int) error {
		t.Helper()
		wantPort(t, address, os.Getpid(), port)
		return (<-events).Err
	}
	want := map[int]int{}
	for i, away := range []bool{false, true, true, false, false} {
		move(t, dir, away)
		want[top-i] = os.Getpid()
		err := request(top - i)
		if first := i == 1; first != errors.Is(err, fs.ErrNotExist) || !first && err != nil {
			t.Errorf("request %d: %v", i, err)
		}
		if !away {
			wantState(t, state, want)
		}
	}
}

// move moves a directory away, or back.
func move(t testing.TB, dir string, away bool) {
	t.Helper()
	from, to := dir+".away", dir
	if away {
		from, to = to, from
	}
	if err := os.Rename(from, to); err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
}

// A partial line after a crash is removed before the next line is appended.
func TestJournalAfterAPieceOfALine(t *testing.T) {
	pool, top := testPool(t, 2)
	state := filepath.Join(t.TempDir(), "state")
	write(t, state, header(t)+mineAt(t, top)+"24998 12")
	address, _ := serve(t, newServer(t, Config{Pool: pool, State: state}))
	owner := startChild(t)
	wantPort(t, address, owner.pid, top-1)
	assignments, err := ReadState(state)
	if err != nil || len(assignments) != 2 {
		t.Errorf("%+v, %v; want 2 assignments", assignments, err)
	}
}
