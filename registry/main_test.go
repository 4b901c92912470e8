package registry

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/devports/devports/allocator"
	"github.com/devports/devports/registry/checkout"
)

// The tests use real processes: this binary, started with a role.
func TestMain(m *testing.M) {
	if role := os.Getenv("REGISTRY_TEST_ROLE"); role != "" {
		if err := play(role, os.Args[1], os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// patient is Open for a process that waits for many others on a busy machine.
func patient(path string) Registry {
	r := Open(path)
	r.wait = 5 * time.Minute
	return r
}

// play runs a role of another process on the registry at path.
func play(role, path string, args []string) error {
	r := patient(path)
	if play, ok := unixRoles[role]; ok {
		return play(path, args)
	}
	switch role {
	case "lease": // once standard input ends, leases the names and prints each port
		if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
			return err
		}
		return leaseAndPrint(r, args)
	case "lease-for-ever": // leases prefix0, prefix1 … and prints each name and port
		for i := 0; ; i++ {
			if err := leaseAndPrint(r, []string{fmt.Sprint(args[0], i)}); err != nil {
				return err
			}
		}
	case "mixed": // makes random calls with its own names and a shared one, and checks them, until standard input ends
		return mixed(r, args[0])
	case "hold": // holds the lock until standard input ends
		return r.update(context.Background(), snapshot{}, func(s state) (state, error) {
			fmt.Println("held")
			_, err := io.Copy(io.Discard, os.Stdin)
			return s, errors.Join(err, errUnchanged)
		})
	}
	return fmt.Errorf("no such role: %s", role)
}

func leaseAndPrint(r Registry, names []string) error {
	wants := make([]allocator.WantedPort, len(names))
	for i, n := range names {
		wants[i] = want(n)
	}
	_, leases, err := r.Lease(context.Background(), checkout.Checkout{}, wants, Options{Choose: upFrom(20000)})
	for _, l := range leases {
		fmt.Println(l.Name, l.Port)
	}
	return err
}

// process starts this binary in a role. If it still runs at the end of the
// test, it is killed.
func process(t testing.TB, role, path string, args ...string) (cmd *exec.Cmd, stdin io.WriteCloser, stdout *bufio.Scanner) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	cmd = exec.CommandContext(ctx, os.Args[0], append([]string{path}, args...)...)
	cmd.Env = append(os.Environ(), "REGISTRY_TEST_ROLE="+role, "GORACE=atexit_sleep_ms=0") // otherwise each takes a second to exit
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait() // most have already been waited for
	})
	return cmd, stdin, bufio.NewScanner(out)
}

// upFrom chooses the first usable port from start.
func upFrom(start int) Chooser {
	return func(_ Scope, _ allocator.PortName, usable func(int) bool) (int, error) {
		for port := start; port < 1<<16; port++ {
			if usable(port) {
				return port, nil
			}
		}
		return 0, errors.New("no port left")
	}
}

// want parses "auth", "auth:metrics" or, with a pin, "auth=3000".
func want(s string) allocator.WantedPort {
	var w allocator.WantedPort
	text, pin, _ := strings.Cut(s, "=")
	if pin != "" {
		if _, err := fmt.Sscan(pin, &w.Pin); err != nil {
			panic(err)
		}
	}
	n, err := ParseName(text)
	if err != nil {
		panic(err)
	}
	w.Name = n
	return w
}

func wantAll(list string) (wants []allocator.WantedPort) {
	for _, s := range strings.Fields(list) {
		wants = append(wants, want(s))
	}
	return wants
}

// show formats leases like want, with an ! after a pinned port.
func show(leases []Lease) string {
	var words []string
	for _, l := range leases {
		word := fmt.Sprintf("%s=%d", l.Name, l.Port)
		if l.Pinned {
			word += "!"
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

// scratch returns a registry in a new directory.
func scratch(t testing.TB) Registry {
	return Open(filepath.Join(t.TempDir(), "registry.json"))
}

// put leases in a checkout; an error fails the test.
func put(t testing.TB, r Registry, c checkout.Checkout, list string) (Scope, []Lease) {
	t.Helper()
	s, leases, err := r.Lease(t.Context(), c, wantAll(list), Options{Choose: upFrom(20000)})
	if err != nil {
		t.Fatal(err)
	}
	return s, leases
}

func all(t testing.TB, r Registry) []Lease {
	t.Helper()
	leases, err := r.Leases()
	if err != nil {
		t.Fatal(err)
	}
	return leases
}

func contentOf(t testing.TB, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func stat(t testing.TB, path string) fs.FileInfo {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info
}

// checkLeftovers fails if the directory contains other files than a registry's.
func checkLeftovers(t testing.TB, dir string) {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		switch f.Name() {
		case "registry.json", "registry.json.bak", "registry.json.lock":
		default:
			t.Errorf("%s was left behind", f.Name())
		}
	}
}
