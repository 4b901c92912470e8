package launcher

import (
	"os/exec"
	"sync"
)

// children tells the processes that the supervisor has made from those that
// have become its children otherwise.
type children struct {
	making sync.RWMutex // read-held while a process is made, held while others are reaped
	own    sync.Map     // of the pids of those that it has made, until they have been waited for
}

// start starts a command, whose end wait has to wait for.
func (c *children) start(cmd *exec.Cmd) error {
	c.making.RLock()
	defer c.making.RUnlock()
	if err := cmd.Start(); err != nil {
		return err
	}
	c.own.Store(cmd.Process.Pid, true)
	return nil
}

// wait waits for the end of a command.
func (c *children) wait(cmd *exec.Cmd) error {
	err := cmd.Wait()
	c.own.Delete(cmd.Process.Pid)
	return err
}
