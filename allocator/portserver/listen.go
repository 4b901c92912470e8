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

// InUseError says that another server listens at an address.
type InUseError struct{ Address string }

func (e *InUseError) Error() string {
	return fmt.Sprintf("another server listens at %s", e.Address)
}

// Listen listens at "@name" in Linux's abstract namespace, or at a socket file
// that it makes with the given mode, or 0600 for a mode of 0. Nobody else can
// connect to the file for even a moment. (Windows goes by the folder's access
// list instead.) Closing the listener removes the file, if it still is the one
// that was made.
//
// If somebody listens there already, the error is an *InUseError. A socket file
// at which nobody does is replaced; anything else with its name is left alone,
// and is an error. Two who call Listen for the same file at the same moment might
// both find nobody there, and must be kept apart by a lock of theirs.
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
		return nil, fmt.Errorf("%s is an abstract address, which %s does not have: name a file, such as /tmp/portserver",
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

// vacant returns nil if a socket may be put at path: there is nothing, or a socket
// without a listener.
func vacant(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode().Type() != fs.ModeSocket {
		return fmt.Errorf("%s is there already, and is no socket: name another file", path)
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
	return &InUseError{path} // its queue is full, or it speaks another protocol
}

// ownSocket is a listener that knows its file. The one of package net would
// remove whatever has the name by then, and knows only the name it was made with.
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
		// While the socket is open, no other file can be taken for it.
		if now, err := os.Lstat(path); err == nil && os.SameFile(mine, now) {
			return errors.Join(os.Remove(path), l.Close())
		}
		return l.Close()
	})}, nil
}

func (s ownSocket) Addr() net.Addr { return &s.addr }

func (s ownSocket) Close() error { return s.close() }
