package portserver

import (
	"errors"
	"io/fs"
	"net"
	"os"

	"golang.org/x/sys/windows"
)

// refused is what a connection to a socket without a listener fails with.
const refused = windows.WSAECONNREFUSED

// listenFile makes the socket in its place. Windows has no modes.
func listenFile(path string, _ fs.FileMode) (*net.UnixListener, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
}
