//go:build unix

package container

import (
	"bufio"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/devports/devports/allocator/envvar"
	"github.com/devports/devports/procfile"
)

// fakeDocker creates containers of a compose file once the file SERVICE.go
// exists. They run until SERVICE.end exists.
const fakeDocker = `#!/bin/sh
dir=$(dirname "$0")
for last; do :; done
case "$*" in
*config*) echo '{"services": {"a": {"build": "."}, "b": {"image": "b"}}}' ;;
*" up "*)
    echo "$last begins"
    until test -e "$dir/$last.go"; do sleep 0.01; done
    touch "$dir/$last.created"
    until test -e "$dir/$last.end"; do sleep 0.01; done ;;
ps*)
    for created in "$dir"/*.created; do
        name=$(basename "$created" .created)
        case "$*" in *"service=$name "*) echo "1 $name" ;; esac
    done ;;
rm*) rm -f "$dir"/*.created ;;
esac
`

// runningService is a service in the fake docker.
type runningService struct {
	lines   <-chan string
	signals chan<- os.Signal
	ended   <-chan error
}

func runService(t *testing.T, dir, name string) runningService {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { read.Close() })
	lines, signals, ended := make(chan string, 100), make(chan os.Signal, 2), make(chan error, 1)
	go func() {
		defer close(lines)
		for in := bufio.NewScanner(read); in.Scan(); {
			lines <- in.Text()
		}
	}()
	spec := Spec{
		Service: name, Container: procfile.Container{Compose: name, Project: "shop"}, Checkout: "shop /shop",
		Lock: filepath.Join(dir, "lock"), Engine: Engine{Program: "docker", Compose: []string{"docker", "compose"}},
	}
	go func() {
		defer write.Close()
		ended <- Run(spec, []string{"PATH=" + dir + ":" + os.Getenv("PATH"), envvar.Instance + "=1"}, write, signals)
	}()
	return runningService{lines, signals, ended}
}

func (s runningService) expect(t *testing.T, want string) {
	t.Helper()
	select {
	case line := <-s.lines:
		if line != want {
			t.Fatalf("%q, want %q", line, want)
		}
	case <-time.After(time.Minute):
		t.Fatalf("it does not print %q", want)
	}
}

func newFakeDocker(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "docker"), []byte(fakeDocker), 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

func touch(t *testing.T, dir string, names ...string) {
	t.Helper()
	for _, name := range names {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// oneWaits runs service a, which creates its container until there are files a.go
// and a.end in dir, and service b, which waits for that.
func oneWaits(t *testing.T) (dir string, a, b runningService) {
	t.Helper()
	dir = newFakeDocker(t)
	a = runService(t, dir, "a")
	a.expect(t, "a begins")
	b = runService(t, dir, "b")
	b.expect(t, "devports: waiting for a to create its container")
	return dir, a, b
}

// A service waits while another one creates its container, however long that
// takes: it may build an image.
func TestWaitsForOtherContainer(t *testing.T) {
	t.Parallel()
	dir, a, b := oneWaits(t)
	touch(t, dir, "a.go", "b.go")
	b.expect(t, "b begins")
	touch(t, dir, "a.end", "b.end")
	for name, s := range map[string]runningService{"a": a, "b": b} {
		if err := <-s.ended; err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A service that waits for another one can be stopped.
func TestStopsWhileWaiting(t *testing.T) {
	t.Parallel()
	dir, a, b := oneWaits(t)
	b.signals <- syscall.SIGTERM
	var exit *ExitError
	if err := <-b.ended; !errors.As(err, &exit) || exit.Status != 128+15 {
		t.Error(err)
	}
	if line, more := <-b.lines; more {
		t.Errorf("it prints %s", strings.TrimSpace(line))
	}
	touch(t, dir, "a.go", "a.end")
	if err := <-a.ended; err != nil {
		t.Error(err)
	}
}
