//go:build unix

package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/output"
	"github.com/devports/devports/procfile"
)

// A change that a process has already read does not restart it: the user
// restarted it before the watcher's debounce delay was over.
func TestReadChangeRestartsNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f, err := procfile.Parse("Portfile", []byte("[services]\nwork = { command = 'exec sleep 1000', port = false, watch = ['x'] }\n"))
	if err != nil {
		t.Fatal(err)
	}
	f.Dir = dir
	plan, err := f.Resolve(procfile.Context{Environ: os.Environ()})
	if err != nil {
		t.Fatal(err)
	}
	own, controller := output.New(io.Discard, output.Style{}), launcher.NewController()
	code := newCodeWatch(dir, controller, own, &buildCauses{})
	code.follow(plan)
	ended := make(chan error, 1)
	go func() {
		ended <- launcher.Run(context.Background(), plan, launcher.Options{Output: own, Controller: controller})
	}()
	starts := func() int {
		all, err := controller.Wait(t.Context(), launcher.Status.Settled)
		if err != nil {
			t.Fatal(err)
		}
		return all[0].Restarts
	}
	once := 0
	const rounds = 4 // on a busy machine the event may follow the restart, which gives two
	for range rounds {
		before := starts()
		if err := os.WriteFile(filepath.Join(dir, "x"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := controller.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		code.sync(t.Context(), true)
		switch n := starts() - before; n {
		case 1:
			once++
		case 2:
		default:
			t.Errorf("%d new processes", n)
		}
	}
	if once == 0 {
		t.Error("each time, what was restarted after the change was restarted for it again")
	}
	t.Logf("once in %d of %d", once, rounds)
	if err := controller.Down(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	code.close()
}
