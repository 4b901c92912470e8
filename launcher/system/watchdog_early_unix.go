//go:build unix

package system

import (
	"os"

	"golang.org/x/sys/unix"

	"github.com/devports/devports/allocator/envvar"
	"github.com/devports/devports/allocator/process"
)

// EarlyWatchdog is a watchdog that is started before its run: starting a
// process takes as long as everything else that precedes the first service.
// Until a [System] takes it over, it only waits, and exits when this process
// has ended. This process must not reap it.
type EarlyWatchdog struct {
	preexisting map[process.ID]bool // the descendants of this process before it
	tty         *os.File

	started chan struct{} // closed once the fields below are set
	pid     int           // 0: it was not started, or another owns it
	pipe    *os.File
}

// StartWatchdog starts a watchdog in the background, which can restore a
// terminal unless tty is nil. The caller calls Dismiss after the run.
func StartWatchdog(tty *os.File) *EarlyWatchdog {
	w := &EarlyWatchdog{preexisting: descendants(os.Getpid()), tty: tty, started: make(chan struct{})}
	go func() {
		defer close(w.started)
		w.start()
		reserveThreads() // also in place of Open
		reserveThreads()
	}()
	return w
}

// start ignores errors: the run then starts a watchdog of its own, and reports
// them.
func (w *EarlyWatchdog) start() {
	read, pipe, err := os.Pipe()
	if err != nil {
		return
	}
	defer read.Close()
	err = startWatchdogProcess(read, w.tty, func(program string, attr *os.ProcAttr) error {
		// It is not one of the processes that a killed run has left.
		attr.Env = append(attr.Env, envvar.Outside+"=1")
		p, err := os.StartProcess(program, watchdogArgs, attr)
		if err != nil {
			return err
		}
		w.pid, w.pipe = p.Pid, pipe // Release clears the pid
		return p.Release()
	})
	if err != nil {
		pipe.Close()
	}
}

// Dismiss kills the watchdog, unless a System has taken it over. No System may
// be open.
func (w *EarlyWatchdog) Dismiss() {
	<-w.started
	if w.pid == 0 {
		return
	}
	_ = unix.Kill(w.pid, unix.SIGKILL)
	for {
		if _, err := unix.Wait4(w.pid, nil, 0, nil); err != unix.EINTR {
			break
		}
	}
	w.pipe.Close()
	w.pid = 0
}

// takeOver makes an early watchdog the one of the run, unless it has ended or
// cannot restore the terminal.
func (w *watchdog) takeOver(early *EarlyWatchdog) (exit <-chan Exit, ok bool) {
	<-early.started
	if early.pid == 0 || w.tty != nil && early.tty == nil {
		return nil, false
	}
	exit, ok = w.set.takeOver(w.state.Run.Watchdog(), early.pid)
	if !ok {
		early.pipe.Close()
		early.pid = 0
		return nil, false
	}
	w.mu.Lock()
	write(early.pipe, w.state.lines())
	w.pipe, w.pid, w.lines = early.pipe, early.pid, nil
	w.mu.Unlock()
	early.pid = 0
	return exit, true
}

// takeOver adds a child that this process has started before the run, unless it
// has ended.
func (s *processSet) takeOver(tag process.Tag, pid int) (<-chan Exit, bool) {
	s.spawning.RLock()
	defer s.spawning.RUnlock()
	if ended, err := unix.Wait4(pid, nil, unix.WNOHANG, nil); ended != 0 || err != nil {
		return nil, false
	}
	_ = tag.Attach(pid)
	exit := make(chan Exit, 1)
	s.children.Store(pid, exit)
	return exit, true
}
