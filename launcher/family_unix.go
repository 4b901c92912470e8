//go:build unix

package launcher

import (
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	proc "github.com/devports/devports/allocator/process"
	"github.com/devports/devports/launcher/proctree"
)

// family are the processes that one run has made, with all that they start.
//
// It waits for all of them at one place, when the kernel says that a child has
// ended: a thread for each, which a wait takes that blocks, would cost more
// than the rest of a service.
type family struct {
	instance string // the value of the mark; "" for none
	guard    *guard // nil for none

	making sync.RWMutex // read-held while a process is made, held while the dead are waited for
	own    sync.Map     // of chan<- Exit by the pid of each process that was made and not yet waited for

	mu      sync.Mutex // guards orphans
	orphans []int      // pids of what lost its parent and was adopted, and lived when the last child had died
}

// gather begins to wait for children, until done is closed.
func (f *family) gather(done <-chan struct{}) {
	adoptOrphans()
	died := make(chan os.Signal, 1)
	signal.Notify(died, unix.SIGCHLD)
	go func() {
		defer signal.Stop(died)
		for {
			select {
			case <-died:
				f.reap()
			case <-done:
				return
			}
		}
	}()
}

// start makes a process, the leader of a group, for a service.
func (f *family) start(service, path string, argv []string, attr *os.ProcAttr) (*group, <-chan Exit, error) {
	pid, exit, err := f.make(path, argv, attr)
	if err != nil {
		return nil, nil, err
	}
	f.guard.add(pid)
	return &group{pid: pid, service: service, family: f}, exit, nil
}

func (f *family) make(path string, argv []string, attr *os.ProcAttr) (pid int, exit <-chan Exit, err error) {
	f.making.RLock()
	defer f.making.RUnlock()
	p, err := os.StartProcess(path, argv, attr)
	if err != nil {
		return 0, nil, err
	}
	came := make(chan Exit, 1)
	pid = p.Pid // which Release forgets
	f.own.Store(pid, came)
	return pid, came, p.Release() // reap waits for it
}

// outsideVariable marks what the end of a run must leave alone.
const outsideVariable = "DEVPORTS_OUTSIDE=1"

// outside makes a process that is left alone at the end.
func (f *family) outside(path string, argv []string) error {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer null.Close()
	_, _, err = f.make(path, argv, &os.ProcAttr{
		Env:   append(os.Environ(), outsideVariable),
		Files: []*os.File{null, null, null},
		Sys:   &syscall.SysProcAttr{Setsid: true},
	})
	return err
}

// isOutside reports whether a process comes from one that outside has made.
func isOutside(pid int) bool {
	env, err := proc.Environ(pid)
	return err == nil && slices.Contains(env, outsideVariable)
}

// reap waits for all that have died, own or adopted.
func (f *family) reap() {
	f.making.Lock()
	exits := map[chan Exit]Exit{}
	f.own.Range(func(pid, exit any) bool {
		var status unix.WaitStatus
		switch got, err := unix.Wait4(pid.(int), &status, unix.WNOHANG, nil); {
		case err != nil && err != unix.EINTR: // somebody else has waited for it
			exits[exit.(chan Exit)] = Exit{Status: 126, Err: fmt.Errorf("waiting for it: %w", err)}
		case got > 0:
			exits[exit.(chan Exit)] = exitOf(status)
		default:
			return true
		}
		f.own.Delete(pid)
		return true
	})
	// Only now: what those have left has come to this process before they could
	// be waited for.
	orphans := f.adopted()
	orphans = slices.DeleteFunc(orphans, func(pid int) bool {
		got, _ := unix.Wait4(pid, nil, unix.WNOHANG, nil)
		return got == pid
	})
	f.mu.Lock()
	f.guard.update(f.orphans, orphans)
	f.orphans = orphans
	f.mu.Unlock()
	f.making.Unlock()
	for came, exit := range exits {
		came <- exit
	}
}

func exitOf(status unix.WaitStatus) Exit {
	if status.Signaled() {
		return Exit{
			Status: 128 + int(status.Signal()),
			Signal: strings.TrimPrefix(unix.SignalName(status.Signal()), "SIG"),
		}
	}
	return Exit{Status: status.ExitStatus()}
}

// strays are the processes of a service that are in no group of its own: they
// called setsid, or daemonized. They can be told once the service's process has
// ended.
func (f *family) strays(service string) []proctree.Process {
	// What is known of orphans is as of the last death that was told. If one has
	// ended since, what it had started is an orphan now.
	for fresh := false; f.instance != "" && f.mayHaveStrays(); fresh = true {
		tree, err := proctree.Snapshot()
		if err != nil {
			return nil
		}
		if found := f.straysIn(tree, service); len(found) > 0 || fresh {
			return found
		}
		f.reap()
	}
	return nil
}

func (f *family) marked(pid int, service string) bool {
	env, err := proc.Environ(pid)
	return err == nil && slices.Contains(env, f.variable()) && slices.Contains(env, "DEVPORTS_SERVICE="+service)
}
