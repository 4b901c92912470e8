package portserver

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func listen(t testing.TB, address string, mode fs.FileMode) net.Listener {
	t.Helper()
	l, err := Listen(address, mode)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func wantInUse(t testing.TB, address string) {
	t.Helper()
	l, err := Listen(address, 0)
	if inUse := (*InUseError)(nil); !errors.As(err, &inUse) || inUse.Address != address {
		t.Errorf("Listen: %v, %v; want an InUseError", l, err)
	}
}

func TestListenMode(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no modes")
	}
	dir := tempDir(t)
	for name, mode := range map[string]fs.FileMode{"default": 0, "group": 0o660, "all": 0o666} {
		path := filepath.Join(dir, name)
		l := listen(t, path, mode)
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if mode == 0 {
			mode = 0o600
		}
		if info.Mode() != mode|fs.ModeSocket {
			t.Errorf("%s: mode %v, want %v", name, info.Mode(), mode)
		}
		if l.Addr().String() != path {
			t.Errorf("address %v, want %s", l.Addr(), path)
		}
		dial(t, path)
	}
	wantFiles(t, dir, 3)
}

// wantFiles counts the files in dir.
func wantFiles(t testing.TB, dir string, want int) {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != want {
		t.Errorf("%v is in the directory, want %d files", files, want)
	}
}

func TestListenWhereAnotherDoes(t *testing.T) {
	path := filepath.Join(tempDir(t), "s")
	l := listen(t, path, 0)
	wantInUse(t, path)
	go func() {
		if conn, err := l.Accept(); err == nil {
			conn.Close()
		}
	}()
	dial(t, path) // still the first one's
}

func TestListenTakesOverAStaleSocket(t *testing.T) {
	dir := tempDir(t)
	path := filepath.Join(dir, "s")
	stale, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	stale.SetUnlinkOnClose(false)
	stale.Close()
	if _, err := os.Lstat(path); err != nil {
		t.Fatal(err)
	}
	listen(t, path, 0)
	dial(t, path)
	wantFiles(t, dir, 1)
}

func TestListenLeavesOtherFilesAlone(t *testing.T) {
	dir := tempDir(t)
	path := filepath.Join(dir, "s")
	write(t, path, "precious")
	if l, err := Listen(path, 0); err == nil || !strings.Contains(err.Error(), "not a socket") {
		t.Errorf("Listen: %v, %v; want an error", l, err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "precious" {
		t.Errorf("the file is now %q, %v", text, err)
	}
	if l, err := Listen(dir, 0); err == nil {
		t.Errorf("Listen at a directory: %v", l)
	}
	wantFiles(t, dir, 1)
}

func TestCloseRemovesItsOwnSocket(t *testing.T) {
	dir := tempDir(t)
	path := filepath.Join(dir, "s")
	first := listen(t, path, 0)
	if err := first.Close(); err != nil {
		t.Error(err)
	}
	wantFiles(t, dir, 0)
	second := listen(t, path, 0)
	if err := first.Close(); err != nil { // once more
		t.Error(err)
	}
	dial(t, path)
	if err := os.Rename(path, path+".moved"); err != nil {
		t.Fatal(err)
	}
	listen(t, path, 0)
	if err := second.Close(); err != nil {
		t.Error(err)
	}
	dial(t, path) // the third one's
}

func TestListenWithoutADirectory(t *testing.T) {
	path := filepath.Join(tempDir(t), "absent", "s")
	if l, err := Listen(path, 0); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("Listen: %v, %v; want an error with the path", l, err)
	}
}

func TestListenPathTooLong(t *testing.T) {
	dir := tempDir(t)
	path := filepath.Join(dir, strings.Repeat("x", 200), "s")
	if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if l, err := Listen(path, 0); err == nil {
		t.Errorf("Listen: %v, want an error", l)
	}
	wantFiles(t, filepath.Dir(path), 0)
}

func TestListenAbstract(t *testing.T) {
	if runtime.GOOS != "linux" {
		if l, err := Listen("@x", 0); err == nil || !strings.Contains(err.Error(), "name a file") {
			t.Errorf("Listen: %v, %v; want an error", l, err)
		}
		return
	}
	address := "@" + filepath.Join(tempDir(t), "s")
	l := listen(t, address, 0)
	wantInUse(t, address)
	dial(t, address)
	l.Close()
	listen(t, address, 0)
	if l, err := Listen("@", 0); err == nil {
		t.Errorf("Listen without a name: %v", l)
	}
}

func TestListenTooLong(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the limit is another one there")
	}
	path := filepath.Join(tempDir(t), strings.Repeat("x", 110))
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(path, "s")
	if _, err := Listen(path, 0); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("the path of %d bytes is too long for a socket: use a shorter one", len(path))) {
		t.Errorf("got %v", err)
	}
}
