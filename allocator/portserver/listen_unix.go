//go:build unix

package portserver

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// refused is what a connection to a socket without a listener fails with.
const refused = unix.ECONNREFUSED

// listenFile makes the socket in a folder that only its owner can enter, and gives
// it the mode before it gives it the name. A umask would do, but is one for all
// goroutines.
func listenFile(path string, mode fs.FileMode) (*net.UnixListener, error) {
	folder, err := os.MkdirTemp(filepath.Dir(path), ".")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	hidden := filepath.Join(folder, "s")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: hidden, Net: "unix"})
	if errors.Is(err, unix.EINVAL) {
		return nil, errors.New("its path is too long for a socket")
	}
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false)
	if err = os.Chmod(hidden, mode); err == nil {
		err = os.Rename(hidden, path)
	}
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}
