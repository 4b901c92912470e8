package allocator

import "fmt"

// Discouraged returns the reason for a warning if a service is pinned to port,
// as a clause that contains the port, or "". Such ports work, but not
// everywhere. The result is the same on every machine, because project files
// are shared.
func Discouraged(port int) string {
	switch {
	case BrowserBlocked().Contains(port):
		return fmt.Sprintf("browsers refuse to connect to port %d", port)
	case port < userPorts.First:
		return fmt.Sprintf("port %d is privileged: on most systems only root can listen on it", port)
	case port == 5000 || port == 7000: // https://developer.apple.com/forums/thread/682332
		return fmt.Sprintf("macOS uses port %d for AirPlay", port)
	}
	return ""
}
