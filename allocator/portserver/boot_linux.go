package portserver

import (
	"os"
	"strings"
)

// bootID tells the system's boots apart. A time of start counts from the boot.
func bootID() (string, error) {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(id)), err
}
