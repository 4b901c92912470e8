package launcher

import (
	"os/exec"
	"sync"
)

// children tells the processes that the supervisor has made from those that
// have become its children otherwise.
type children struct {
	mu  sync.RWMutex // read-held while a process is made, held while others are reaped
	own map[int]bool // by pid, until they have been waited for

	adding sync.Mutex // guards own among those who hold mu for reading
}

// start starts a command, whose end wait has to wait for.
func (c *children) start(cmd *exec.Cmd) error {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if err := cmd.Start(); err != nil {
		return err
	}
	c.adding.Lock()
	defer c.adding.Unlock()
	c.own[cmd.Process.Pid] = true
	return nil
}

// wait waits for the end of a command.
func (c *children) wait(cmd *exec.Cmd) error {
	err := cmd.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.own, cmd.Process.Pid)
	return err
}
