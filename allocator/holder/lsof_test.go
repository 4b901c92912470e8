package holder

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// macOutput is what macOS's lsof 4.91 prints for -nPw -F pftnT -iTCP.
const macOutput = `p399
f9
tIPv4
n*:7000
TST=LISTEN
TQR=0
TQS=0
f10
tIPv6
n*:7000
TST=LISTEN
TQR=0
TQS=0
p5012
f3
tIPv6
n[::1]:5173
TST=LISTEN
f22
tIPv4
n127.0.0.1:5432->127.0.0.1:61022
TST=CLOSE_WAIT
f23
tIPv6
n[fe80:4::aede:48ff:fe00:1122]:49170->[fe80:4::aede:48ff:fe33:4455]:49153
TST=FIN_WAIT_2
f24
tIPv4
n127.0.0.1:8080
TST=CLOSED
f25
tIPv4
n*:*
TST=CLOSED
p5013
f3
tIPv6
n[::1]:5173
TST=LISTEN
`

func TestParseLsof(t *testing.T) {
	addr := netip.MustParseAddr
	mac := []socket{
		{7000, addr("0.0.0.0"), netip.AddrPort{}, "listen", 399, ""},
		{7000, addr("::"), netip.AddrPort{}, "listen", 399, ""},
		{5173, addr("::1"), netip.AddrPort{}, "listen", 5012, ""},
		{5432, addr("127.0.0.1"), netip.MustParseAddrPort("127.0.0.1:61022"), "close_wait", 5012, ""},
		{49170, addr("fe80:4::aede:48ff:fe00:1122"), netip.MustParseAddrPort("[fe80:4::aede:48ff:fe33:4455]:49153"), "fin_wait2", 5012, ""},
		{8080, addr("127.0.0.1"), netip.AddrPort{}, "bound", 5012, ""},
		{5173, addr("::1"), netip.AddrPort{}, "listen", 5013, ""},
	}
	for _, tt := range []struct {
		name, out string
		want      []socket
	}{
		{"macOS", macOutput, mac},
		{"nothing", "", nil},
		{"mapped", "p1\nf3\ntIPv6\nn[::ffff:127.0.0.1]:80\nTST=LISTEN\n", []socket{{80, addr("127.0.0.1"), netip.AddrPort{}, "listen", 1, ""}}},
		{"no sockets", "p1\nfcwd\ntDIR\nn/\nf3\ntsock\nnprotocol: TCP\n", nil},
		{"cut off", "p1\nf3\ntIPv4\nn127.0.0.1:8", []socket{{8, addr("127.0.0.1"), netip.AddrPort{}, "", 1, ""}}},
		{"no field", "\n\nx\np\nf\n", nil},
		{"a port out of range", "p1\nf3\ntIPv4\nn*:65536\nTST=LISTEN\n", nil},
	} {
		if diff := cmp.Diff(tt.want, parseLsof([]byte(tt.out)), cmp.AllowUnexported(socket{}), cmpopts.EquateComparable(netip.Addr{}, netip.AddrPort{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func needLsof(tb testing.TB) {
	if _, err := exec.LookPath("lsof"); err != nil {
		tb.Skip("lsof is not installed")
	}
}

// TestLsof runs the lsof of this system.
func TestLsof(t *testing.T) {
	needLsof(t)
	four, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer four.Close()
	all, err := net.Listen("tcp4", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	defer all.Close()
	client, err := net.Dial("tcp4", four.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	port := func(a net.Addr) int { return a.(*net.TCPAddr).Port }
	own := func(list []socket, err error) (text []string) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range list {
			if s.pid == os.Getpid() && slices.Contains([]int{port(four.Addr()), port(all.Addr()), port(client.LocalAddr())}, s.port) {
				text = append(text, strings.TrimSpace(netip.AddrPortFrom(s.addr, uint16(s.port)).String()+" "+s.state))
			}
		}
		slices.Sort(text)
		return text
	}
	want := []string{four.Addr().String() + " listen", all.Addr().String() + " listen"}
	slices.Sort(want)
	if diff := cmp.Diff(want, own(lsof(t.Context(), lsofListening()))); diff != "" {
		t.Errorf("listening (-want +got):\n%s", diff)
	}
	// The accepting end belongs to the listener until it is accepted.
	connections := own(lsof(t.Context(), lsofPorts([]int{port(four.Addr()), port(all.Addr())})))
	for _, line := range append(want, client.LocalAddr().String()+" established") {
		if !slices.Contains(connections, line) {
			t.Errorf("%q is not in %q", line, connections)
		}
	}
	client.Close()
	four.Close()
	if list, err := lsof(t.Context(), lsofPorts([]int{port(four.Addr())})); err != nil {
		t.Errorf("no such socket: %v, %v", list, err)
	}
}

func TestLsofFails(t *testing.T) {
	needLsof(t)
	if _, err := lsof(t.Context(), []string{"--nosuch"}); err == nil || !strings.HasPrefix(err.Error(), "lsof cannot list the sockets: exit status 1: ") {
		t.Errorf("bad option: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := lsof(ctx, lsofListening()); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if runtime.GOOS == "darwin" {
		return // it is found in /usr/sbin
	}
	t.Setenv("PATH", t.TempDir())
	if _, err := os.Stat("/usr/sbin/lsof"); err == nil {
		return
	}
	if _, err := lsof(t.Context(), lsofListening()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("not installed: %v", err)
	}
}

func TestCoalescer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls, broken := 0, errors.New("broken")
		c := coalescer{ask: func(context.Context) ([]socket, error) {
			calls++
			n := calls
			time.Sleep(time.Second)
			if n == 3 {
				return nil, broken
			}
			return []socket{{port: n}}, nil
		}}
		ask := func() int {
			found, err := c.sockets(t.Context())
			if err != nil || len(found) != 1 {
				t.Fatalf("%v, %v", found, err)
			}
			return found[0].port
		}
		first := make(chan int, 1)
		go func() { first <- ask() }()
		synctest.Wait() // until its call has begun
		// These have asked after the first call began: they share the second.
		var callers sync.WaitGroup
		var late atomic.Int64
		for range 50 {
			callers.Go(func() { late.Add(int64(ask())) })
		}
		gone, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if _, err := c.sockets(gone); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a caller that gives up: %v", err)
		}
		callers.Wait()
		if n := <-first; n != 1 || late.Load() != 50*2 || calls != 2 {
			t.Errorf("the first got answer %d, the 50 others have the sum %d, after %d calls", n, late.Load(), calls)
		}
		if _, err := c.sockets(t.Context()); !errors.Is(err, broken) {
			t.Errorf("an error: %v", err)
		}
		if n := ask(); n != 4 {
			t.Errorf("after an error: answer %d", n)
		}
	})
}

func FuzzParseLsof(f *testing.F) {
	f.Add(macOutput)
	f.Fuzz(func(t *testing.T, out string) {
		for _, s := range parseLsof([]byte(out)) {
			if s.port < 1 || s.port > 65535 || !s.addr.IsValid() {
				t.Errorf("%+v", s)
			}
		}
	})
}

func BenchmarkLsof(b *testing.B) {
	needLsof(b)
	for b.Loop() {
		if _, err := lsof(b.Context(), lsofListening()); err != nil {
			b.Fatal(err)
		}
	}
}
