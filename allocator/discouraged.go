package allocator

import "fmt"

// Discouraged says, in a clause that names the port, why a service had better not
// be pinned to it; "" where nothing speaks against it. The ports work, somehow
// or somewhere: it is for a warning. What it says is the same on every machine,
// because a project file is shared.
func Discouraged(port int) string {
	switch {
	case BrowserBlocked().Contains(port):
		return fmt.Sprintf("browsers refuse to connect to port %d", port)
	case port < userPorts.First:
		return fmt.Sprintf("port %d is a system port, on which most systems let only root listen", port)
	case port == 5000 || port == 7000: // https://developer.apple.com/forums/thread/682332
		return fmt.Sprintf("AirPlay holds port %d on macOS", port)
	}
	return ""
}
