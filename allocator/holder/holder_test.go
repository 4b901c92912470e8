package holder

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// With listenEnv, the test binary listens on these addresses, on one port,
// until its standard input ends.
const listenEnv = "HOLDER_TEST_LISTEN"

func TestMain(m *testing.M) {
	if hosts := os.Getenv(listenEnv); hosts != "" {
		if err := serve(strings.Split(hosts, ",")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// serve writes the port to standard output once it listens.
func serve(hosts []string) (err error) {
	for range 20 { // a port that is free on the first address may be taken on another
		port, listeners, failed := listenOn(hosts)
		if err = failed; err == nil {
			fmt.Println(port)
			_, err = io.Copy(io.Discard, os.Stdin)
			runtime.KeepAlive(listeners)
			break
		}
	}
	return err
}

// listenOn listens on one port of several addresses.
func listenOn(hosts []string) (port string, listeners []net.Listener, err error) {
	port = "0"
	for _, host := range hosts {
		l, err := net.Listen("tcp", net.JoinHostPort(host, port))
		if err == nil {
			listeners = append(listeners, l)
			_, port, err = net.SplitHostPort(l.Addr().String())
		}
		if err != nil {
			for _, l := range listeners {
				l.Close()
			}
			return "", nil, err
		}
	}
	return port, listeners, nil
}

// start starts a process that listens on hosts, and returns it and its port.
func start(t *testing.T, dir, hosts string, env ...string) (*exec.Cmd, int) {
	t.Helper()
	cmd := child(t, append(env, listenEnv+"="+hosts)...)
	cmd.Dir = dir
	return cmd, startAndReadPort(t, cmd)
}

// child returns the test binary as a command, with env added to its
// environment.
func child(t *testing.T, env ...string) *exec.Cmd {
	t.Helper()
	name, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(name)
	cmd.Stderr = os.Stderr
	// Under the race detector, a process sleeps for a second before it exits.
	cmd.Env = append(os.Environ(), append(env, "GORACE=atexit_sleep_ms=0")...)
	return cmd
}

func startAndReadPort(t *testing.T, cmd *exec.Cmd) int {
	t.Helper()
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("child: %v", err)
		}
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("child printed no port: %v", err)
	}
	port, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func listening(t *testing.T, ports ...int) map[int][]Process {
	t.Helper()
	got, err := Listening(t.Context(), ports...)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestListening(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	before := time.Now()
	cmd, port := start(t, dir, "127.0.0.1", "DEVPORTS_PROJECT=shop", "DEVPORTS_WORKTREE=checkout", "DEVPORTS_SERVICE=web")
	after := time.Now()

	want := map[int][]Process{port: {{
		PID: cmd.Process.Pid, Command: cmd.Path, Directory: dir, User: me.Username, Address: "127.0.0.1",
		Project: "shop", Worktree: "checkout", Service: "web", Managed: true,
	}}}
	got := listening(t, port)
	if len(got[port]) == 1 {
		// Systems count time in ticks, and the clock may be set meanwhile.
		const tick = 50 * time.Millisecond
		since := got[port][0].Since
		if since.Before(before.Add(-tick)) || since.After(after.Add(tick)) {
			t.Errorf("Since is %v, want between %v and %v", since, before, after)
		}
		got[port][0].Since = time.Time{}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Listening(%d) (-want +got):\n%s", port, diff)
	}
}

func TestOneProcessOnTwoAddresses(t *testing.T) {
	for hosts, want := range map[string]string{
		"::1,127.0.0.1": "127.0.0.1",
		"127.0.0.1,::1": "127.0.0.1",
		"::":            "::",
	} {
		t.Run(hosts, func(t *testing.T) {
			needIPv6(t)
			cmd, port := start(t, "", hosts)
			got := listening(t, port)[port]
			if len(got) != 1 || got[0].PID != cmd.Process.Pid || got[0].Address != want {
				t.Errorf("%+v, want process %d on %s alone", got, cmd.Process.Pid, want)
			}
			if len(got) == 1 && got[0].Managed {
				t.Error("managed without DEVPORTS_SERVICE")
			}
		})
	}
}

func needIPv6(t *testing.T) {
	t.Helper()
	l, err := net.Listen("tcp6", "[::1]:0")
	if err != nil {
		t.Skip(err)
	}
	l.Close()
}

func TestSeveralPorts(t *testing.T) {
	one, portOne := start(t, "", "127.0.0.1")
	two, portTwo := start(t, "", "127.0.0.1")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	free := l.Addr().(*net.TCPAddr).Port
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	got := listening(t, portOne, free, portTwo)
	if _, ok := got[free]; ok || len(got) != 2 {
		t.Errorf("holders of %d ports, want of the two that are taken: %v", len(got), got)
	}
	all := listening(t)
	for port, cmd := range map[int]*exec.Cmd{portOne: one, portTwo: two} {
		for _, processes := range [][]Process{got[port], all[port]} {
			if len(processes) != 1 || processes[0].PID != cmd.Process.Pid {
				t.Errorf("port %d: %v, want process %d", port, processes, cmd.Process.Pid)
			}
		}
	}
}

func TestListeningIsCancelled(t *testing.T) {
	_, port := start(t, "", "127.0.0.1")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got, err := Listening(ctx, port); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, %v; want context.Canceled", got, err)
	}
}

func TestSocketsAreOrdered(t *testing.T) {
	sorted := []socket{
		{port: 1, addr: netip.MustParseAddr("0.0.0.0"), pid: 7},
		{port: 1, addr: netip.MustParseAddr("::"), pid: 7},
		{port: 1, addr: netip.MustParseAddr("127.0.0.1"), pid: 7},
		{port: 1, addr: netip.MustParseAddr("::1"), pid: 7},
		{port: 1, addr: netip.MustParseAddr("::"), pid: 8},
		{port: 2, addr: netip.MustParseAddr("::"), user: "a"},
		{port: 2, addr: netip.MustParseAddr("::"), user: "b"},
	}
	if !slices.IsSortedFunc(sorted, compare) {
		t.Error("not in order")
	}
}

func TestJSON(t *testing.T) {
	tests := map[string]Process{
		`{"user":"root","address":"::"}`: {User: "root", Address: "::"},
		`{"pid":7,"command":"web","directory":"/d","user":"u","since":"2026-01-02T03:04:05Z","address":"127.0.0.1",` +
			`"project":"p","worktree":"w","service":"s","managed":true}`: {
			PID: 7, Command: "web", Directory: "/d", User: "u", Since: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
			Address: "127.0.0.1", Project: "p", Worktree: "w", Service: "s", Managed: true,
		},
	}
	for want, p := range tests {
		got, err := json.Marshal(p)
		if err != nil || string(got) != want {
			t.Errorf("%s, %v; want %s", got, err, want)
		}
	}
}

func BenchmarkListening(b *testing.B) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	for b.Loop() {
		if _, err := Listening(b.Context(), port); err != nil {
			b.Fatal(err)
		}
	}
}
