package portserver

import (
	"os"
	"strings"
)

// bootID identifies the current boot. Start times of processes are relative to
// it.
func bootID() (string, error) {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(id)), err
}
