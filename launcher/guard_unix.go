//go:build unix

package launcher

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	proc "github.com/devports/devports/allocator/process"
	"github.com/devports/devports/launcher/proctree"
	"github.com/devports/devports/launcher/screen"
	"github.com/devports/devports/launcher/terminal"
)

// GuardArgument is the one argument with which a program that calls [Run] is
// started a second time, as its guard: it then has to call [Guard] and exit.
const GuardArgument = "guard-of-devports"

// guard is a process that ends all that devports has started when devports
// itself is killed and cannot. It does nothing but read from a pipe whose end
// tells that devports is no more. It is a process of its own because a killed
// one cannot act; it is no parent of devports, so that what users see, signal
// and wait for is devports itself.
//
// It is told of processes by lines in a pipe: first the mark, then "+PID START"
// for each process that leads a group or is an orphan, and "-PID" when nothing
// of it is left. When nothing at all is left, it is killed. "terminal STATE"
// tells how the terminal was that it has got as descriptor 3, and "attached" that
// a service has that, until "left".
//
// Its methods do nothing on a nil guard.
type guard struct {
	pipe *os.File
	made chan struct{} // closed when it has been started, or could not be
	pid  int           // 0 if it could not be
	exit <-chan Exit

	mu      sync.Mutex // guards what follows
	lines   []byte     // to be written
	writing bool       // somebody does
}

// startGuard starts the guard of the family, while the caller goes on. A
// terminal, if there is one, was found in that state. failed is called if the
// guard cannot be started.
func (f *family) startGuard(tty *os.File, found terminal.State, failed func(error)) {
	read, write, err := os.Pipe()
	if err != nil {
		go failed(err)
		return
	}
	g := &guard{pipe: write, made: make(chan struct{})}
	f.guard = g
	g.write(f.variable())
	if tty != nil {
		if state, err := json.Marshal(found); err == nil {
			g.write("terminal " + string(state))
		}
	}
	go func() {
		defer close(g.made)
		defer read.Close()
		if g.pid, g.exit, err = f.makeGuard(read, tty); err != nil {
			failed(err)
		}
	}()
}

func (f *family) makeGuard(pipe, tty *os.File) (pid int, exit <-chan Exit, err error) {
	program, err := os.Executable()
	if err != nil {
		return 0, nil, err
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return 0, nil, err
	}
	defer null.Close()
	files := []*os.File{pipe, null, null}
	if tty != nil {
		files = append(files, tty)
	}
	return f.make(program, []string{"devports", GuardArgument}, &os.ProcAttr{
		Dir:   "/", // it keeps nobody from removing a folder
		Env:   []string{"GORACE=atexit_sleep_ms=0"},
		Files: files,
		Sys:   &syscall.SysProcAttr{Setsid: true}, // out of the reach of the terminal's signals
	})
}

func (g *guard) add(pid int) {
	if g == nil {
		return
	}
	if id, err := proc.Find(pid); err == nil {
		g.write(fmt.Sprintf("+%d %d", id.PID, id.Start))
	}
}

func (g *guard) remove(pid int) {
	if g != nil {
		g.write(fmt.Sprintf("-%d", pid))
	}
}

// attached tells whether a service has the terminal.
func (g *guard) attached(now bool) {
	switch {
	case g == nil:
	case now:
		g.write("attached")
	default:
		g.write("left")
	}
}

// update tells which orphans there are now. They may have cleared their
// environment.
func (g *guard) update(before, now []int) {
	if g == nil {
		return
	}
	for _, pid := range before {
		if !slices.Contains(now, pid) {
			g.remove(pid)
		}
	}
	for _, pid := range now {
		if !slices.Contains(before, pid) && !isOutside(pid) {
			g.add(pid)
		}
	}
}

// write writes a line, together with others that come meanwhile, so that the
// guard is not woken for each. It does not wait for that.
func (g *guard) write(line string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.lines = append(append(g.lines, line...), '\n')
	if !g.writing {
		g.writing = true
		go g.flush()
	}
}

// flush writes what there is to write, unless the guard is dead or does not
// read.
func (g *guard) flush() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for len(g.lines) > 0 {
		lines := g.lines
		g.lines = nil
		g.mu.Unlock()
		_ = g.pipe.SetWriteDeadline(time.Now().Add(time.Second))
		_, _ = g.pipe.Write(lines)
		g.mu.Lock()
	}
	g.writing = false
}

// dismiss ends the guard: nothing is left for it to do.
func (g *guard) dismiss() {
	if g == nil {
		return
	}
	<-g.made
	if g.pid > 0 {
		_ = unix.Kill(g.pid, unix.SIGKILL) // a child that has not been waited for: the PID is its own
		<-g.exit
	}
	g.pipe.Close()
}

// guardGrace is what processes get from the guard to end by themselves. Nothing
// is to run a second after devports has ended.
const guardGrace = 300 * time.Millisecond

// Guard is the whole life of a guard, which reads from pipe. It returns when
// devports has ended, and after ending what that has left.
func Guard(pipe io.Reader) {
	signal.Ignore(unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT, unix.SIGPIPE)
	// Whoever kills devports by its name shall not kill its guard.
	_ = os.WriteFile("/proc/self/comm", []byte("guard"), 0)
	quiet := time.AfterFunc(settling, giveBack)
	defer quiet.Stop()
	leaders := map[int]proc.ID{}
	variable, attached, restore := "", false, func(bool) {}
	lines := bufio.NewScanner(pipe)
	for lines.Scan() {
		quiet.Reset(settling)
		line := lines.Text()
		var id proc.ID
		switch {
		case strings.HasPrefix(line, InstanceVariable+"="):
			variable = line
		case strings.HasPrefix(line, "terminal "):
			restore = restorer(strings.TrimPrefix(line, "terminal "))
		case line == "attached" || line == "left":
			attached = line == "attached"
		case strings.HasPrefix(line, "+"):
			if n, _ := fmt.Sscanf(line, "+%d %d", &id.PID, &id.Start); n == 2 {
				leaders[id.PID] = id
			}
		case strings.HasPrefix(line, "-"):
			if n, _ := fmt.Sscanf(line, "-%d", &id.PID); n == 1 {
				delete(leaders, id.PID)
			}
		}
	}
	restore(attached)
	if variable != "" {
		endMarked(variable, leaders, guardGrace)
	}
}

// restorer puts the terminal that the guard has got back into a state, unless
// it is in one that devports has never put it into: then a shell has it. What a
// service has done to it that had it is undone, and what the live view has left
// below the cursor, or a shell's prompt, is erased.
func restorer(state string) func(attached bool) {
	var found terminal.State
	tty := os.NewFile(3, "terminal")
	if json.Unmarshal([]byte(state), &found) != nil || tty == nil {
		return func(bool) {}
	}
	return func(attached bool) {
		if now, err := terminal.StateOf(tty); err == nil && (now == found.Keys() || now == found.Raw()) {
			_ = found.Apply(tty)
		}
		if attached {
			_, _ = tty.WriteString(screen.Restful)
		}
		_, _ = tty.WriteString(screen.Erase)
	}
}

// endMarked ends all processes that carry a mark, those in the groups and
// sessions of leaders, and what is below any of them.
func endMarked(variable string, leaders map[int]proc.ID, grace time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), grace+10*time.Second)
	defer cancel()
	endAll(ctx, func(t proctree.Tree) []proctree.Process {
		live := map[int]bool{}
		for _, p := range t.Where(func(p proctree.Process) bool { return leaders[p.PID] == p.ID }) {
			live[p.PID] = true
		}
		grouped := t.Where(func(p proctree.Process) bool { return live[p.PID] || live[p.Group] || live[p.Session] })
		return withDescendants(t, append(grouped, t.Marked(variable)...))
	}, grace)
}
