//go:build unix

package control

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/output"
	"github.com/devports/devports/procfile"
)

// served is a run of two services on a socket.
func served(t *testing.T) (path string, client Client) {
	t.Helper()
	return servedWith(t, func(*launcher.Controller) Sync { return nil })
}

// planOf resolves a Portfile.
func planOf(t *testing.T, portfile string) procfile.Plan {
	t.Helper()
	f, err := procfile.Parse("Portfile", []byte(portfile))
	if err != nil {
		t.Fatal(err)
	}
	f.Dir = "/"
	plan, err := f.Resolve(procfile.Context{Environ: os.Environ()})
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

func servedWith(t *testing.T, sync func(*launcher.Controller) Sync) (path string, client Client) {
	t.Helper()
	plan := planOf(t, "[services]\na = { command = 'exec sleep 1000', port = false }\nb = { command = 'exec sleep 1000', port = false }\nflood = { command = 'test -z \"$FLOOD\" || { echo the first; until test -e \"$FLOOD\"; do sleep 0.01; done; yes 123456789012345678901234567890123456789012345678901234567890123 | head -n 200000; }; echo the last; exec sleep 1000', port = false }")
	dir, err := os.MkdirTemp("", "control") // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(dir, "s")
	l, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	controller, tail := launcher.NewController(), &output.Tail{}
	ctx, cancel := context.WithCancel(context.Background())
	ended, over := make(chan struct{}), make(chan error, 1)
	go func() {
		over <- Serve(ctx, l, Run{
			About: Info{PID: os.Getpid(), Project: "p"}, Controller: controller, Output: tail, Journal: &Journal{}, Sync: sync(controller),
		})
	}()
	go func() {
		defer close(ended)
		defer cancel() // once there is nothing to control any more
		out := output.New(io.Discard, output.Style{})
		out.Keep(tail)
		_ = launcher.Run(context.Background(), plan, launcher.Options{Output: out, Controller: controller})
	}()
	client = Dial(path)
	t.Cleanup(func() {
		if err := client.Down(context.Background()); err != nil {
			t.Error(err)
		}
		<-ended
		if err := <-over; err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the socket is left: %v", err)
		}
		os.RemoveAll(dir)
	})
	return path, client
}

// The end of a run does not cut off the response to the client that requested
// it.
func TestDownAtOnce(t *testing.T) {
	for range 20 {
		t.Run("", func(t *testing.T) {
			_, client := served(t)
			if _, err := client.Stop(t.Context()); err != nil {
				t.Error(err)
			}
			if _, err := client.Wait(t.Context()); err != nil {
				t.Error(err)
			}
		}) // ends with Down
	}
}

func TestClients(t *testing.T) {
	path, client := served(t)
	info, err := client.Wait(t.Context())
	if err != nil || info.Project != "p" || len(info.Services) != 3 || info.Services[0].State != launcher.StateReady {
		t.Fatalf("%+v, %v", info, err)
	}
	if stat, err := os.Stat(path); err != nil || stat.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", stat.Mode(), err)
	}
	// A client that sends half a request, and one that sends garbage, disturb
	// no other client.
	half, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer half.Close()
	if _, err := half.Write([]byte("GET /v1/sta")); err != nil {
		t.Fatal(err)
	}
	garbage, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer garbage.Close()
	if _, err := garbage.Write([]byte("\x00\xff no HTTP at all\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if _, err := client.Status(t.Context()); err != nil {
				t.Error(err)
			}
			if _, err := client.Restart(t.Context(), "b"); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if info, err := client.Wait(t.Context(), "b"); err != nil || info.Services[0].State != launcher.StateReady {
		t.Errorf("%+v, %v", info, err)
	}
	if line, err := bufio.NewReader(garbage).ReadString('\n'); !strings.Contains(line, "400") {
		t.Errorf("garbage is answered %q, %v", line, err)
	}
	if err := half.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := half.Read(make([]byte, 1)); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("half a request may stay forever")
	}
}

func TestUnknownService(t *testing.T) {
	_, client := served(t)
	_, err := client.Restart(t.Context(), "a", "x", "y")
	var unknown *launcher.UnknownServiceError
	if !errors.As(err, &unknown) || strings.Join(unknown.Names, " ") != "x y" || strings.Join(unknown.Known, " ") != "a b flood" {
		t.Errorf("%v", err)
	}
}

func TestNoServer(t *testing.T) {
	if _, err := Dial(filepath.Join(t.TempDir(), "none")).Status(t.Context()); err == nil {
		t.Error("no error")
	}
}

// flooding makes the service flood print much once begin is called: in lines of 64
// bytes, so that reads end with lines.
func flooding(t *testing.T) (begin func()) {
	t.Helper()
	gate := filepath.Join(t.TempDir(), "begin")
	t.Setenv("FLOOD", gate)
	return func() {
		if err := os.WriteFile(gate, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// A stalled reader disturbs no other client, and learns what it has missed.
func TestStalledReader(t *testing.T) {
	begin := flooding(t)
	_, client := served(t)
	stalled, release := make(chan struct{}), make(chan struct{})
	missed := make(chan int64, 1)
	go func() {
		first := true
		_ = client.Logs(t.Context(), LogQuery{Last: -1, Follow: true}, func(e LogEntry) error {
			if first {
				first = false
				close(stalled)
				<-release
			}
			if e.Missed > 0 {
				missed <- e.Missed
				return errors.New("enough")
			}
			return nil
		})
	}()
	<-stalled
	begin()
	done := errors.New("seen the last")
	if err := client.Logs(t.Context(), LogQuery{Services: []string{"flood"}, Last: -1, Follow: true}, func(e LogEntry) error {
		if e.Text == "the last" {
			return done
		}
		return nil
	}); !errors.Is(err, done) {
		t.Errorf("the other reader: %v", err)
	}
	close(release)
	select {
	case n := <-missed:
		t.Logf("%d lines were missed", n)
	case <-time.After(time.Minute):
		t.Error("it does not learn what it has missed")
	}
}

// The run applies edits before it responds; services that this has restarted
// are not restarted again.
func TestSync(t *testing.T) {
	edited := make(chan string, 1)
	var refused []Refusal
	path, client := servedWith(t, func(controller *launcher.Controller) Sync {
		return func(ctx context.Context, _ bool) Pending {
			select {
			case name := <-edited:
				if err := controller.Restart(ctx, name); err != nil {
					t.Error(err)
				}
			default:
			}
			return Pending{Refused: refused}
		}
	})
	ctx := t.Context()
	b := func() launcher.Status {
		t.Helper()
		info, err := client.Wait(ctx)
		if err != nil || len(info.Services) != 3 || len(info.Refused) != len(refused) {
			t.Fatalf("%+v, %v", info, err)
		}
		return info.Services[1]
	}
	before := b()
	edited <- "b"
	if now := b(); now.Restarts != 1 || now.PID == before.PID || now.State != launcher.StateReady {
		t.Errorf("after an edit: %+v", now)
	}
	edited <- "b"
	if info, err := client.Status(ctx); err != nil || info.Services[1].State == launcher.StateReady && info.Services[1].Restarts == 1 {
		t.Errorf("status after an edit: %+v, %v", info, err)
	}
	b()
	edited <- "b"
	info, err := newClient(func(ctx context.Context) (net.Conn, error) { return dial(ctx, path) }).statusUnsynced(ctx)
	if err != nil || len(edited) != 1 || info.Refused != nil {
		t.Errorf("it was synced only to be identified: %+v, %v", info, err)
	}
	began := time.Now()
	_, err = client.WithoutSync().Wait(ctx)
	if err != nil || len(edited) != 1 && time.Since(began) < quickWait {
		t.Errorf("it was synced once more after a request: %v", err)
	}
	if len(edited) == 0 { // the machine is busy
		edited <- "b"
	}
	info, err = newClient(func(ctx context.Context) (net.Conn, error) { return dial(ctx, path) }).statusUnsynced(ctx)
	if err != nil {
		t.Fatal(err)
	}
	restarts := info.Services[1].Restarts
	if _, err := client.Restart(ctx, "b"); err != nil {
		t.Error(err)
	}
	if now := b(); now.Restarts != restarts+1 {
		t.Errorf("an edit, and a restart: %+v", now)
	}
	if _, err := client.Restart(ctx, "b"); err != nil {
		t.Error(err)
	}
	if now := b(); now.Restarts != restarts+2 {
		t.Errorf("a restart alone: %+v", now)
	}
	refused = []Refusal{{"Portfile:1:1: no", "write yes"}}
	b()
	for what, ask := range map[string]func(context.Context, ...string) (Info, error){
		"restart": client.Restart, "start": client.Start, "stop": client.Stop,
		"status": func(ctx context.Context, _ ...string) (Info, error) { return client.Status(ctx) },
		"check":  func(ctx context.Context, _ ...string) (Info, error) { return client.Check(ctx) },
	} {
		if info, err := ask(ctx, "b"); err != nil || len(info.Refused) != 1 || info.Refused[0] != refused[0] {
			t.Errorf("%s: %+v, %v", what, info, err)
		}
	}
}
