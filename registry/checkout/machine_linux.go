package checkout

import (
	"strconv"
	"strings"
	"syscall"
)

// machine identifies the tree of folders that this process sees from "/" on. A
// container or a chroot has another root folder, and another host with the same
// home on NFS another machine ID. The device of the root folder counts only where
// there is no machine ID, as in most containers: on a host it may change at each
// boot. The result is a hash, since a machine ID is not to be spread.
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
