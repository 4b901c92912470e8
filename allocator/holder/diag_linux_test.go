package holder

import (
	"cmp"
	"errors"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"
	"unsafe"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/sys/unix"
)

// What the kernel says over netlink is what it writes to /proc/net/tcp, but for
// sockets that are only bound.
func TestDumpAgreesWithTables(t *testing.T) {
	for _, addr := range []struct{ network, host string }{
		{"tcp4", "127.0.0.1:0"}, {"tcp4", "0.0.0.0:0"}, {"tcp6", "[::1]:0"}, {"tcp6", "[::]:0"}, {"tcp", "[::]:0"},
	} {
		l, err := net.Listen(addr.network, addr.host)
		if err != nil {
			t.Logf("%v", err)
			continue
		}
		defer l.Close()
		_, port, _ := net.SplitHostPort(l.Addr().String())
		host := "127.0.0.1"
		if addr.network == "tcp6" {
			host = "::1"
		}
		client, err := net.Dial("tcp", net.JoinHostPort(host, port))
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
	}
	// Other processes of this network namespace may open and close some
	// meanwhile.
	var diff string
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		before, err := tables()
		if err != nil {
			t.Fatal(err)
		}
		got, err := dump(listenStates|otherStates, 0)
		if err != nil {
			t.Skipf("no sock_diag here: %v", err)
		}
		got = slices.DeleteFunc(got, func(e entry) bool { return e.state == bound })
		order := func(a, b entry) int {
			return cmp.Or(a.local.Compare(b.local), a.remote.Compare(b.remote), cmp.Compare(a.inode, b.inode))
		}
		slices.SortFunc(before, order)
		slices.SortFunc(got, order)
		if diff = gocmp.Diff(before, got, cmpopts.EquateComparable(netip.AddrPort{}), gocmp.AllowUnexported(entry{}), cmpopts.IgnoreFields(entry{}, "cookie", "v6only")); diff == "" {
			return
		}
	}
	t.Errorf("(-/proc/net +sock_diag):\n%s", diff)
}

// bind binds a socket to a port of 127.0.0.1 until the test ends.
func bind(t *testing.T) (fd, port int) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	addr, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	return fd, addr.(*unix.SockaddrInet4).Port
}

func connections(t *testing.T, port int) []Connection {
	t.Helper()
	got, err := Connections(t.Context(), port)
	if err != nil {
		t.Fatal(err)
	}
	for i := range got[port] {
		c := &got[port][i]
		c.Command, c.Directory, c.User, c.Since = "", "", "", time.Time{}
		c.Project, c.Worktree, c.Service, c.Managed = "", "", "", false
	}
	return got[port]
}

func TestConnections(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	remote := l.Addr().(*net.TCPAddr)
	fd, port := bind(t)
	mine := Process{PID: os.Getpid(), Address: "127.0.0.1"}
	want := func(want ...Connection) {
		t.Helper()
		if diff := gocmp.Diff(want, connections(t, port)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	if len(connections(t, port)) > 0 { // since Linux 6.8
		want(Connection{mine, "bound", ""})
	}
	if err := unix.Connect(fd, &unix.SockaddrInet4{Port: remote.Port, Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	want(Connection{mine, "established", remote.String()})
	if got := listening(t, port); len(got) > 0 {
		t.Errorf("it counts as listening: %v", got)
	}
	server, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	server.Close()
	if _, err := unix.Read(fd, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	want(Connection{mine, "close_wait", remote.String()})
}

func TestConnectionInTimeWait(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	fd, port := bind(t)
	if err := unix.Connect(fd, &unix.SockaddrInet4{Port: l.Addr().(*net.TCPAddr).Port, Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	server, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	// The side that closes first is the one left in TIME_WAIT.
	if err := unix.Shutdown(fd, unix.SHUT_WR); err != nil {
		t.Fatal(err)
	}
	if _, err := server.Read(make([]byte, 1)); err == nil {
		t.Fatal("the server got data")
	}
	server.Close()
	if _, err := unix.Read(fd, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	want := []Connection{{Process{Address: "127.0.0.1"}, "time_wait", l.Addr().String()}}
	if diff := gocmp.Diff(want, connections(t, port)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// The ports of other processes are not listed.
func TestPortsOfProcesses(t *testing.T) {
	one, port := start(t, "", "127.0.0.1")
	start(t, "", "127.0.0.1")
	for _, tt := range []struct {
		pids []int
		want []int
	}{{[]int{one.Process.Pid}, []int{port}}, {nil, nil}, {[]int{1 << 30}, nil}} {
		got, err := Ports(t.Context(), tt.pids...)
		if err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("%v of %v, %v; want %v", got, tt.pids, err, tt.want)
		}
	}
}

// Under a seccomp(2) filter that refuses netlink, as in some sandboxes, the
// answers are the same.
func TestNetlinkRefused(t *testing.T) {
	if runtime.GOARCH == "386" {
		t.Skip("socketcall(2) keeps its arguments from a filter")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	if os.Getenv(refusedEnv) == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^TestNetlinkRefused$", "-test.v")
		cmd.Env = append(os.Environ(), refusedEnv+"=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return
	}
	refuseNetlink(t)
	if _, err := dump(listenStates, 0); !errors.Is(err, unix.EPERM) {
		t.Fatalf("dump: %v, want EPERM", err)
	}
	if got := listening(t, port)[port]; len(got) != 1 || got[0].PID != os.Getpid() || got[0].Address != "127.0.0.1" {
		t.Errorf("%+v, want this process on 127.0.0.1", got)
	}
}

const refusedEnv = "HOLDER_TEST_NO_NETLINK"

// refuseNetlink has socket(2) fail with EPERM for AF_NETLINK in this process
// from now on.
func refuseNetlink(t *testing.T) {
	t.Helper()
	const number, firstArgument = 0, 16 // in struct seccomp_data; the low half on little-endian machines
	load := func(at uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: at}
	}
	unless := func(value uint32, skip uint8) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: value, Jf: skip}
	}
	end := func(value uint32) unix.SockFilter { return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: value} }
	filter := []unix.SockFilter{
		load(number), unless(unix.SYS_SOCKET, 3),
		load(firstArgument), unless(unix.AF_NETLINK, 1),
		end(unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)),
		end(unix.SECCOMP_RET_ALLOW),
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	// Threads that are made later inherit both.
	if _, _, errno := syscall.AllThreadsSyscall(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0); errno != 0 {
		t.Skip(errno)
	}
	if _, _, errno := syscall.AllThreadsSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, uintptr(unsafe.Pointer(&program))); errno != 0 {
		t.Skip(errno)
	}
}

func BenchmarkPorts(b *testing.B) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	for b.Loop() {
		if ports, err := Ports(b.Context(), os.Getpid()); err != nil || len(ports) == 0 {
			b.Fatal(ports, err)
		}
	}
}

func BenchmarkEntries(b *testing.B) {
	b.Run("sock_diag", func(b *testing.B) {
		for b.Loop() {
			if _, err := dump(listenStates, 0); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("proc", func(b *testing.B) {
		for b.Loop() {
			if _, err := tables(); err != nil {
				b.Fatal(err)
			}
		}
	})
}
