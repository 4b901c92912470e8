package checkout

import (
	"strconv"
	"strings"
	"syscall"
)

// machine identifies the directory tree that this process sees. A container or
// a chroot has another root directory; another host with the same home on NFS
// has another machine ID. The device of the root directory counts only without
// a machine ID, as in most containers: on a host it may change at each boot.
// The result is a hash, since machine IDs are confidential.
func machine() string {
	id := strings.TrimSpace(readText("/etc/machine-id"))
	if id == "" || id == "uninitialized" {
		id = strings.TrimSpace(readText("/var/lib/dbus/machine-id"))
	}
	var st syscall.Stat_t
	if syscall.Stat("/", &st) != nil {
		return hash(id)
	}
	root := strconv.FormatUint(st.Ino, 10)
	if id == "" {
		root += "/" + strconv.FormatUint(uint64(st.Dev), 10)
	}
	return hash(id + " " + root)
}
