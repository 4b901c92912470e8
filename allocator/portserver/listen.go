package portserver

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// InUseError reports that another server listens at an address.
type InUseError struct{ Address string }

func (e *InUseError) Error() string {
	return fmt.Sprintf("another server is listening at %s", e.Address)
}

// Listen listens at "@name" in Linux's abstract namespace, or at a socket file
// that it creates with mode, or 0600 if mode is 0. The mode applies from the
// first moment. (Windows uses the directory's access list instead.) Closing the
// listener removes the file, if it is still the same one.
//
// If another server listens there, the error is an *InUseError. Listen replaces
// a stale socket file; any other file with that name is an error. Two callers
// for the same file at the same moment might both find no listener, and need a
// lock.
func Listen(address string, mode fs.FileMode) (net.Listener, error) {
	if strings.HasPrefix(address, "@") {
		return listenAbstract(address)
	}
	if err := vacant(address); err != nil {
		return nil, err
	}
	if mode == 0 {
		mode = 0o600
	}
	l, err := listenFile(address, mode.Perm())
	if err != nil {
		return nil, fmt.Errorf("cannot listen at %s: %w", address, err)
	}
	return own(l, address)
}

func listenAbstract(address string) (net.Listener, error) {
	if runtime.GOOS != "linux" {
		return nil, fmt.Errorf("%s is an abstract address, which %s does not support: use a file, such as /tmp/portserver",
			address, runtime.GOOS)
	}
	if address == "@" {
		return nil, errors.New("the address @ has no name")
	}
	l, err := net.Listen("unix", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, &InUseError{address}
	}
	if err != nil {
		return nil, fmt.Errorf("cannot listen at %s: %w", address, err)
	}
	return l, nil
}

// vacant returns nil if a socket can be created at path: there is no file, or a
// socket without a listener.
func vacant(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode().Type() != fs.ModeSocket {
		return fmt.Errorf("%s already exists and is not a socket: use another file", path)
	}
	conn, err := net.DialTimeout("unix", path, time.Second)
	switch {
	case err == nil:
		conn.Close()
		return &InUseError{path}
	case errors.Is(err, refused), errors.Is(err, fs.ErrNotExist):
		return nil
	case errors.Is(err, fs.ErrPermission):
		return err
	}
	return &InUseError{path} // its queue is full, or it has another type
}

// ownSocket is a listener that removes only its own file. A listener of package
// net removes any file with that name, and knows only the original name.
type ownSocket struct {
	net.Listener
	addr  net.UnixAddr
	close func() error
}

func own(l *net.UnixListener, path string) (net.Listener, error) {
	l.SetUnlinkOnClose(false)
	mine, err := os.Lstat(path)
	if err != nil {
		l.Close()
		return nil, err
	}
	return ownSocket{l, net.UnixAddr{Name: path, Net: "unix"}, sync.OnceValue(func() error {
		// While the socket is open, no other file has its inode.
		if now, err := os.Lstat(path); err == nil && os.SameFile(mine, now) {
			return errors.Join(os.Remove(path), l.Close())
		}
		return l.Close()
	})}, nil
}

func (s ownSocket) Addr() net.Addr { return &s.addr }

func (s ownSocket) Close() error { return s.close() }
