//go:build unix

package system

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/devports/devports/allocator/process"
	"github.com/devports/devports/launcher/terminal"
)

// watchdog is a process that ends everything that devports has started if
// devports is killed. It does nothing but read from a pipe, whose end means
// that devports has ended. It is a child of devports, not its parent, so that
// users see, signal and wait for devports itself. If it ends, a new one
// replaces it.
//
// devports writes its state to it as lines: see watchdogState. The methods do
// nothing on a nil watchdog.
type watchdog struct {
	set        *processSet
	tty        *os.File
	early      *EarlyWatchdog // the first process, already started; nil for none
	started    chan struct{}  // closed after the first start, successful or not
	goroutines sync.WaitGroup

	mu        sync.Mutex // guards the fields below; not held while a process is spawned
	pipe      *os.File   // nil until it has started
	pid       int        // 0 while it is not running
	state     watchdogState
	lines     []byte // pending
	writing   bool   // a goroutine writes them
	dismissed bool
}

// watchdogReport is called with an error if there is no watchdog, and with nil
// when it was replaced.
type watchdogReport func(err error)

// startWatchdog starts the watchdog of the run in the background, or takes over
// an early one. found is the initial state of the terminal, if there is one.
func (s *processSet) startWatchdog(early *EarlyWatchdog, tty *os.File, found terminal.State, report watchdogReport) {
	w := &watchdog{set: s, tty: tty, early: early, started: make(chan struct{})}
	w.state = newWatchdogState()
	w.state.Variable, w.state.Run = s.mark.Variable, s.mark.Run
	if tty != nil {
		if state, err := json.Marshal(found); err == nil {
			w.state.Terminal = string(state)
		}
	}
	s.watchdog = w
	w.goroutines.Go(func() { w.supervise(report) })
}

const (
	// minLifetime is how long a watchdog has to live for its end not to count
	// as early.
	minLifetime = time.Second
	// maxEarlyExits is how many watchdogs in a row may end early.
	maxEarlyExits = 3
)

// supervise starts a watchdog, and a new one whenever it ends, until dismiss is
// called.
func (w *watchdog) supervise(report watchdogReport) {
	started := sync.OnceFunc(func() { close(w.started) })
	defer started()
	for earlyExits := 0; ; {
		began := time.Now()
		exit, err := w.start()
		if err != nil {
			report(err)
			return
		}
		started()
		if earlyExits > 0 {
			report(nil)
		}
		exited := <-exit
		if w.ended() {
			return
		}
		if time.Since(began) >= minLifetime {
			earlyExits = 0
		}
		if earlyExits++; earlyExits > maxEarlyExits {
			report(fmt.Errorf("the watchdog %v, %d times in a row", exited, earlyExits))
			return
		}
	}
}

// start starts a process and writes the state to it.
func (w *watchdog) start() (<-chan Exit, error) {
	if early := w.early; early != nil {
		w.early = nil
		if exit, ok := w.takeOver(early); ok {
			return exit, nil
		}
	}
	read, pipe, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer read.Close()
	w.mu.Lock()
	// The pipe holds 64 KiB: even if this process is killed now, it has the
	// whole state.
	write(pipe, w.state.lines())
	w.pipe, w.lines = pipe, nil
	w.mu.Unlock() // others may send lines while the process is spawned
	pid, exit, err := w.spawn(read)
	w.mu.Lock()
	w.pid = pid
	if err != nil {
		pipe.Close()
		w.pipe, w.lines = nil, nil
	}
	dismissed := w.dismissed
	w.mu.Unlock()
	if dismissed {
		w.set.killChild(pid)
	}
	return exit, err
}

func (w *watchdog) spawn(pipe *os.File) (pid int, exit <-chan Exit, err error) {
	err = startWatchdogProcess(pipe, w.tty, func(program string, attr *os.ProcAttr) (err error) {
		pid, exit, err = w.set.spawn(w.state.Run.Watchdog(), program, watchdogArgs, attr)
		return err
	})
	return pid, exit, err
}

// startWatchdogProcess has start start a watchdog that reads from pipe.
func startWatchdogProcess(pipe, tty *os.File, start func(program string, attr *os.ProcAttr) error) error {
	program, err := executablePath()
	if err != nil {
		return err
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer null.Close()
	files := []*os.File{pipe, null, null}
	if tty != nil {
		files = append(files, tty)
	}
	return start(program, &os.ProcAttr{
		Dir: "/", // so that it keeps no directory busy
		// It has little to do, and starts and ends faster with few threads.
		Env:   []string{"GORACE=atexit_sleep_ms=0", "GOMAXPROCS=1"},
		Files: files,
		Sys:   &syscall.SysProcAttr{Setsid: true}, // not reached by the terminal's signals
	})
}

// ended records that the process has ended, and reports whether it was
// dismissed.
func (w *watchdog) ended() (dismissed bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pid = 0
	w.pipe.Close()
	w.pipe, w.lines = nil, nil
	return w.dismissed
}

// wait returns after the first start of the watchdog, successful or not.
func (w *watchdog) wait() {
	if w != nil {
		<-w.started
	}
}

// add makes the watchdog end a process with its group and session.
func (w *watchdog) add(pid int) {
	if w == nil {
		return
	}
	if id, err := process.Find(pid); err == nil {
		w.send(leaderLine(id))
	}
}

func (w *watchdog) remove(pid int) {
	if w != nil {
		w.send(removeLine(pid))
	}
}

// setOutsidePrograms makes the watchdog leave these programs alone.
func (w *watchdog) setOutsidePrograms(names []string) {
	if w != nil {
		w.send(outsideLine(names))
	}
}

// setAttached says whether a client is attached to a service.
func (w *watchdog) setAttached(now bool) {
	switch {
	case w == nil:
	case now:
		w.send(attachedLine)
	default:
		w.send(detachedLine)
	}
}

// update sends the changes to the set of orphans.
func (w *watchdog) update(before, now []int) {
	if w == nil {
		return
	}
	for _, pid := range before {
		if !slices.Contains(now, pid) {
			w.remove(pid)
		}
	}
	for _, pid := range now {
		if slices.Contains(before, pid) {
			continue
		}
		if id, err := process.Find(pid); err == nil {
			w.send(orphanLine(id))
		}
	}
}

// send sends a line without waiting. Lines that follow closely are sent
// together, so that the watchdog does not wake up for each.
func (w *watchdog) send(line string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.state.apply(line)
	if w.pipe == nil {
		return // the next process gets the whole state
	}
	w.lines = append(append(w.lines, line...), '\n')
	if !w.writing {
		w.writing = true
		w.goroutines.Go(w.flush)
	}
}

// flush writes the pending lines. It gives up if the process is dead or does
// not read.
func (w *watchdog) flush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.lines) > 0 {
		lines, pipe := w.lines, w.pipe
		w.lines = nil
		w.mu.Unlock()
		write(pipe, lines)
		w.mu.Lock()
	}
	w.writing = false
}

func write(pipe *os.File, lines []byte) {
	_ = pipe.SetWriteDeadline(time.Now().Add(time.Second))
	_, _ = pipe.Write(lines)
}

// dismiss ends the watchdog at the end of the run.
func (w *watchdog) dismiss() {
	if w == nil {
		return
	}
	<-w.started
	w.mu.Lock()
	w.dismissed = true
	pid := w.pid
	w.mu.Unlock()
	w.set.killChild(pid)
	w.goroutines.Wait()
}

// watchdogArgs is the command line of the watchdog. It lacks devports' name, so
// that `pkill -f devports` does not match it.
var watchdogArgs = []string{"watchdog", "of-services"}

// IsWatchdog reports whether os.Args are those of a watchdog that a program
// with a [System] has started. The program must then call [Watchdog] and exit.
func IsWatchdog(args []string) bool { return slices.Equal(args, watchdogArgs) }

// executablePath returns the path of this program. On Linux the path stays
// valid if the file is replaced, and gives the process a name that `pkill
// devports` does not match before Watchdog sets another.
func executablePath() (string, error) {
	const self = "/proc/self/exe"
	if _, err := os.Stat(self); err == nil {
		return self, nil
	}
	return os.Executable()
}
