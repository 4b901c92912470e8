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

// watchdog is a process that ends all that devports has started when devports
// itself is killed and cannot. It does nothing but read from a pipe whose end
// means that devports is no more. It is a process of its own because a killed one
// cannot act; it is no parent of devports, so that what users see, signal and wait
// for is devports itself. If it ends, another takes its place.
//
// What it has to know is written to it as lines, see watchdogState. Its methods
// do nothing on a nil watchdog.
type watchdog struct {
	set        *processSet
	tty        *os.File
	started    chan struct{} // closed when it has been started for the first time, or could not be
	goroutines sync.WaitGroup

	mu        sync.Mutex // guards what follows; not held while a process is made
	pipe      *os.File   // nil before it has been started
	pid       int        // 0 if it does not run
	state     watchdogState
	lines     []byte // to be written
	writing   bool   // a goroutine does
	dismissed bool
}

// watchdogNews reports that the watchdog could not be started, or has ended and
// been replaced (a nil error).
type watchdogReport func(err error)

// startWatchdog starts the watchdog of the run, while the caller goes on. A
// terminal, if there is one, was found in that state. news is called for what
// goes wrong.
func (s *processSet) startWatchdog(tty *os.File, found terminal.State, news watchdogReport) {
	w := &watchdog{set: s, tty: tty, started: make(chan struct{})}
	w.state = newWatchdogState()
	w.state.Variable, w.state.Run = s.mark.Variable, s.mark.Run
	if tty != nil {
		if state, err := json.Marshal(found); err == nil {
			w.state.Terminal = string(state)
		}
	}
	s.watchdog = w
	w.goroutines.Go(func() { w.supervise(news) })
}

const (
	// steady is how long a watchdog has to live for its end to be a surprise.
	minLifetime = time.Second
	// maxDeaths is how many may end in a row before that.
	maxEarlyExits = 3
)

// keep starts a watchdog, and another whenever one has ended, until dismiss is
// called.
func (w *watchdog) supervise(news watchdogReport) {
	started := sync.OnceFunc(func() { close(w.started) })
	defer started()
	for deaths := 0; ; {
		began := time.Now()
		exit, err := w.start()
		if err != nil {
			news(err)
			return
		}
		started()
		if deaths > 0 {
			news(nil)
		}
		came := <-exit
		if w.ended() {
			return
		}
		if time.Since(began) >= minLifetime {
			deaths = 0
		}
		if deaths++; deaths > maxEarlyExits {
			news(fmt.Errorf("the watchdog %v, %d times in a row", came, deaths))
			return
		}
	}
}

// start makes a process and writes all that it has to know.
func (w *watchdog) start() (<-chan Exit, error) {
	read, pipe, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer read.Close()
	w.mu.Lock()
	// The pipe holds 64 KiB. Should this process be killed now, everything is in it.
	write(pipe, w.state.lines())
	w.pipe, w.lines = pipe, nil
	w.mu.Unlock() // while the process is made, others may have news for it
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
	program, err := executablePath()
	if err != nil {
		return 0, nil, err
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return 0, nil, err
	}
	defer null.Close()
	files := []*os.File{pipe, null, null}
	if w.tty != nil {
		files = append(files, w.tty)
	}
	return w.set.spawn(w.state.Run.Watchdog(), program, watchdogArgs, &os.ProcAttr{
		Dir:   "/", // it keeps no folder from being removed
		Env:   []string{"GORACE=atexit_sleep_ms=0"},
		Files: files,
		Sys:   &syscall.SysProcAttr{Setsid: true}, // out of the reach of the terminal's signals
	})
}

// ended notes that the process has ended. It reports whether that was to be.
func (w *watchdog) ended() (dismissed bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pid = 0
	w.pipe.Close()
	w.pipe, w.lines = nil, nil
	return w.dismissed
}

// wait returns when the watchdog has been started, or could not be.
func (w *watchdog) wait() {
	if w != nil {
		<-w.started
	}
}

// add has the watchdog end a process, and its group and session.
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

// share has the watchdog leave programs with these names alone.
func (w *watchdog) setSharedPrograms(names []string) {
	if w != nil {
		w.send(sharedLine(names))
	}
}

// attached says whether a service has the terminal.
func (w *watchdog) setAttached(now bool) {
	switch {
	case w == nil:
	case now:
		w.send(attachedLine)
	default:
		w.send(detachedLine)
	}
}

// update says which orphans there are now.
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

// tell writes a line, together with others that come meanwhile, so that the
// watchdog is not woken for each. It does not wait for that.
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

// flush writes what there is to write, unless the process is dead or does not
// read.
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

// dismiss ends the watchdog: nothing is left for it to do.
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

// watchdogArgs are what ps shows of the watchdog. They do not hold devports'
// name: `pkill -f devports` is not to end it as well.
var watchdogArgs = []string{"watchdog", "of-services"}

// IsWatchdog reports whether a program that calls [Run] has been started, with
// these arguments, os.Args, as the watchdog of another process of it. Then it
// has to call [Watchdog] and exit.
func IsWatchdog(args []string) bool { return slices.Equal(args, watchdogArgs) }

// ownProgram is the path of this program. On Linux it is one that is good even
// if the file has been replaced since, and that gives the process no name that
// `pkill devports` would match before it has chosen one itself.
func executablePath() (string, error) {
	const self = "/proc/self/exe"
	if _, err := os.Stat(self); err == nil {
		return self, nil
	}
	return os.Executable()
}
