package portserver

import (
	"errors"
	"io/fs"
	"net"
	"os"

	"golang.org/x/sys/windows"
)

// refused is the error of a connection to a socket without a listener.
const refused = windows.WSAECONNREFUSED

// listenFile creates the socket at path. Windows has no modes.
func listenFile(path string, _ fs.FileMode) (*net.UnixListener, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
}
