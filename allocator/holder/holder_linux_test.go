package holder

import (
	"encoding/binary"
	"encoding/json"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// If a server passes its socket to workers, all of them are holders.
func TestSharedSocket(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	f, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	cmd := child(t, listenEnv+"=127.0.0.1")
	cmd.ExtraFiles = []*os.File{f}
	startAndReadPort(t, cmd)

	port := l.Addr().(*net.TCPAddr).Port
	var pids []int
	for _, p := range listening(t, port)[port] {
		pids = append(pids, p.PID)
	}
	want := []int{os.Getpid(), cmd.Process.Pid}
	slices.Sort(want)
	if !slices.Equal(pids, want) {
		t.Errorf("processes %v, want %v", pids, want)
	}
}

// The test binary lists the holders of the port in this variable as JSON.
const listEnv = "HOLDER_TEST_LIST"

func TestListHelper(t *testing.T) {
	text := os.Getenv(listEnv)
	if text == "" {
		t.Skip("serves TestUnseenProcess")
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.NewEncoder(os.Stdout).Encode(listening(t, port)[port]); err != nil {
		t.Fatal(err)
	}
}

// Another user sees the owner of a listening socket, but not the process.
func TestUnseenProcess(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root, to become another user")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	const nobody = 65534
	// By this name, the other user needs no access to the binary's directory.
	cmd := child(t, listEnv+"="+strconv.Itoa(l.Addr().(*net.TCPAddr).Port))
	cmd.Path, cmd.Args = "/proc/self/exe", append(cmd.Args, "-test.run=^TestListHelper$")
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	first, _, _ := strings.Cut(string(out), "\n")
	var got []Process
	if err := json.Unmarshal([]byte(first), &got); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	want := []Process{{User: "root", Address: "127.0.0.1"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestParseTable(t *testing.T) {
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		t.Skip("the sample is from a little-endian machine")
	}
	const table = `  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000000000000000000001000000:1F90 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 1 0000000000000000 100 0 0 10 0
   1: 00000000000000000000000000000000:1F91 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4712 1 0000000000000000 100 0 0 10 0
   2: 0000000000000000FFFF00000100007F:1F92 0000000000000000FFFF00000100007F:C350 01 00000000:00000000 00:00000000 00000000  1000        0 4713 1 0000000000000000 20 4 30 10 -1
   3: 0000000000000000FFFF00000100007F:1F93 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4714 1 0000000000000000 100 0 0 10 0
`
	got, err := parseTable(table)
	if err != nil {
		t.Fatal(err)
	}
	want := []entry{
		{listen, netip.MustParseAddrPort("[::1]:8080"), netip.MustParseAddrPort("[::]:0"), "1000", "4711", 0, false},
		{listen, netip.MustParseAddrPort("[::]:8081"), netip.MustParseAddrPort("[::]:0"), "0", "4712", 0, false},
		{1, netip.MustParseAddrPort("127.0.0.1:8082"), netip.MustParseAddrPort("127.0.0.1:50000"), "1000", "4713", 0, false},
		{listen, netip.MustParseAddrPort("127.0.0.1:8083"), netip.MustParseAddrPort("[::]:0"), "1000", "4714", 0, false},
	}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	for _, bad := range []string{
		"\n 0: 0100007F:1F90\n", "\n 0: 01:1F90 0100007F:0 0A 0 0 0 0 0 0 1\n", "\n 0: 0100007F 0100007F:0 0A 0 0 0 0 0 0 1\n",
		"\n 0: 0100007F:1F90 0100007F 0A 0 0 0 0 0 0 1\n", "\n 0: 0100007F:1F90 0100007F:0 FF 0 0 0 0 0 0 1\n",
	} {
		if got, err := parseTable(bad); err == nil {
			t.Errorf("%q is %v, want an error", bad, got)
		}
	}
}
