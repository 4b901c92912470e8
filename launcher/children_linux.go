package launcher

import (
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// adopt has processes that lose their parent become children of this one
// instead of init's (prctl(2), PR_SET_CHILD_SUBREAPER), and reaps them, until
// done is closed. Where init does not reap, as in many containers, a dead
// grandchild would otherwise keep its process group alive for ever.
func (c *children) adopt(done <-chan struct{}) {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return
	}
	died := make(chan os.Signal, 1)
	signal.Notify(died, unix.SIGCHLD)
	go func() {
		defer signal.Stop(died)
		for {
			select {
			case <-died:
				c.reap()
			case <-done:
				return
			}
		}
	}()
}

// reap waits for the dead children that are nobody's to wait for.
func (c *children) reap() {
	c.making.Lock()
	defer c.making.Unlock()
	lists, _ := filepath.Glob("/proc/self/task/*/children") // by the thread that got them, proc_tid_children(5)
	for _, list := range lists {
		text, _ := os.ReadFile(list)
		for _, field := range strings.Fields(string(text)) {
			pid, err := strconv.Atoi(field)
			if _, own := c.own.Load(pid); err == nil && !own {
				_, _ = unix.Wait4(pid, nil, unix.WNOHANG, nil)
			}
		}
	}
}
