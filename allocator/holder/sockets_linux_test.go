package holder

import (
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

func TestSockets(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	listening := func() []Socket {
		t.Helper()
		sockets, err := Sockets(port)
		if err != nil {
			t.Skipf("no sock_diag here: %v", err)
		}
		return sockets
	}
	before := listening()
	if len(before) != 1 || before[0].Address != netip.MustParseAddr("127.0.0.1") || before[0].Cookie == 0 || before[0].UID != strconv.Itoa(os.Getuid()) {
		t.Fatalf("sockets: %+v", before)
	}
	if again := listening(); again[0] != before[0] {
		t.Errorf("%+v, then %+v", before, again)
	}
	child := exec.Command("sleep", "1000")
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = child.Process.Kill()
		_ = child.Wait()
	}()
	for _, tt := range []struct {
		pids []int
		want bool
	}{{[]int{os.Getpid()}, true}, {[]int{child.Process.Pid}, false}, {[]int{child.Process.Pid, os.Getpid()}, true}, {nil, false}} {
		if got := Owns(tt.pids, before); len(got) != 1 || got[0] != tt.want {
			t.Errorf("pids %v: %v", tt.pids, got)
		}
	}
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	local, remote := client.LocalAddr().(*net.TCPAddr).AddrPort(), client.RemoteAddr().(*net.TCPAddr).AddrPort()
	if uid := UserOf(local, remote); uid != strconv.Itoa(os.Getuid()) {
		t.Errorf("the user of the connection is %q", uid)
	}
	if err := client.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if uid := UserOf(local, remote); uid != strconv.Itoa(os.Getuid()) {
		t.Errorf("the user of the connection is %q once its writing side is shut down", uid)
	}
	l.Close()
	if after := listening(); len(after) != 0 {
		t.Errorf("closed: %+v", after)
	}
	again, err := net.Listen("tcp4", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if after := listening(); len(after) != 1 || after[0].Cookie == before[0].Cookie {
		t.Errorf("%+v, then another %+v", before, after)
	}
}

func TestV6Only(t *testing.T) {
	for network, want := range map[string]bool{"tcp": false, "tcp6": true} { // [::]:0
		l, err := net.Listen(network, ":0")
		if err != nil {
			t.Skip(err)
		}
		sockets, err := Sockets(l.Addr().(*net.TCPAddr).Port)
		l.Close()
		if err != nil {
			t.Skipf("no sock_diag here: %v", err)
		}
		if len(sockets) != 1 || sockets[0].V6Only != want {
			t.Errorf("%s: %+v", network, sockets)
		}
	}
}

func TestListeningPorts(t *testing.T) {
	for _, address := range []string{"127.0.0.1:0", "[::]:0"} {
		l, err := net.Listen("tcp", address)
		if err != nil {
			t.Skip(err)
		}
		port := l.Addr().(*net.TCPAddr).Port
		if ports, err := ListeningPorts(); err != nil || !ports[port] {
			t.Errorf("%s: %v does not have %d, error %v", address, ports, port, err)
		}
		l.Close()
		if ports, err := ListeningPorts(); err != nil || ports[port] {
			t.Errorf("%s: after it was closed: %v, error %v", address, ports, err)
		}
	}
}

func TestAccepting(t *testing.T) {
	socket := func(address string) Socket {
		bare, v6only := strings.CutSuffix(address, " only")
		return Socket{Address: netip.MustParseAddr(bare), Inode: bare, V6Only: v6only}
	}
	for _, tt := range []struct {
		listen []string
		to     string
		want   string
	}{
		{[]string{"127.0.0.1", "0.0.0.0", "::"}, "127.0.0.1", "127.0.0.1"},
		{[]string{"127.0.0.2", "0.0.0.0", "::"}, "127.0.0.1", "0.0.0.0 ::"},
		{[]string{"127.0.0.1", "0.0.0.0", "::"}, "::1", "::"},
		{[]string{"0.0.0.0", ":: only"}, "127.0.0.1", "0.0.0.0"},
		{[]string{"0.0.0.0", ":: only"}, "::1", "::"},
		{[]string{"::1", "::"}, "::1", "::1"},
		{[]string{"::1"}, "127.0.0.1", ""},
		{[]string{"127.0.0.1", "127.0.0.1"}, "127.0.0.1", "127.0.0.1 127.0.0.1"},
	} {
		var sockets []Socket
		for _, address := range tt.listen {
			sockets = append(sockets, socket(address))
		}
		got := ""
		for _, s := range Accepting(sockets, netip.MustParseAddr(tt.to)) {
			got += s.Inode + " "
		}
		if want := tt.want; got != want && got != want+" " {
			t.Errorf("%v to %s: %q, want %q", tt.listen, tt.to, got, want)
		}
	}
}
