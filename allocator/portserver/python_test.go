package portserver

import (
	"context"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
)

// client makes requests like portpicker, once with the newline and once
// without.
const client = `
import os, socket, sys

def ask(address, request):
    if address[0] == "@":
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(address)
        s.sendall(request)
        return s.recv(1024).decode()

pid = os.getpid()
print(repr(ask(sys.argv[1], b"%d\n" % pid)), repr(ask(sys.argv[1], b"%d" % pid)), repr(ask(sys.argv[1], b"0\n")))
`

func TestPythonClient(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip(err)
	}
	addresses := []string{filepath.Join(tempDir(t), "s")}
	if runtime.GOOS == "linux" {
		addresses = append(addresses, "@"+addresses[0])
	}
	for _, address := range addresses {
		pool, top := testPool(t, 2)
		serveOn(t, newServer(t, Config{Pool: pool}), listen(t, address, 0))
		ctx, cancel := context.WithTimeout(t.Context(), enough)
		defer cancel()
		out, err := exec.CommandContext(ctx, python, "-c", client, address).CombinedOutput()
		want := "'" + strconv.Itoa(top) + `\n' '` + strconv.Itoa(top-1) + `\n' ''` + "\n"
		if err != nil || string(out) != want {
			t.Errorf("%s: %q, %v; want %q", address, out, err, want)
		}
	}
}
