package process

import "time"

// Usage is the CPU time and the memory of a process.
type Usage struct {
	CPU    time.Duration // so far, without its children
	Memory int64         // bytes; memory shared with other processes counts in part where the system reports that
}

// ReadUsage reads the Usage of a process on Linux; on other systems the error
// wraps errors.ErrUnsupported. It wraps fs.ErrNotExist if there is no such
// process.
func ReadUsage(pid int) (Usage, error) {
	u, err := readUsage(pid)
	return u, withPID(pid, err)
}
