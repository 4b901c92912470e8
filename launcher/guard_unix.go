//go:build unix

package launcher

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/devports/devports/launcher/proctree"
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
// Its methods do nothing on a nil guard.
type guard struct {
	pid  int
	pipe *os.File
	exit <-chan Exit
}

// What is written to the pipe, a line each: first the mark, then "+PID START"
// for each process that leads a group or is an orphan, "-PID" when nothing of it
// is left, and last dismissal, if nothing is left to be done.
const dismissal = "done"

// startGuard starts the guard of the family.
func (f *family) startGuard() error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	read, write, err := os.Pipe()
	if err != nil {
		return err
	}
	defer read.Close()
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		write.Close()
		return err
	}
	defer null.Close()
	pid, exit, err := f.make(program, []string{"devports", GuardArgument}, &os.ProcAttr{
		Dir:   "/", // it keeps nobody from removing a folder
		Env:   []string{"GORACE=atexit_sleep_ms=0"},
		Files: []*os.File{read, null, null},
		Sys:   &syscall.SysProcAttr{Setsid: true}, // out of the reach of the terminal's signals
	})
	if err != nil {
		write.Close()
		return err
	}
	f.guard = &guard{pid: pid, pipe: write, exit: exit}
	f.guard.write(f.variable())
	return nil
}

func (g *guard) add(pid int) {
	if g == nil {
		return
	}
	if id, err := proctree.Find(pid); err == nil {
		g.write(fmt.Sprintf("+%d %d", id.PID, id.Start))
	}
}

func (g *guard) remove(pid int) {
	if g != nil {
		g.write(fmt.Sprintf("-%d", pid))
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
		if !slices.Contains(before, pid) {
			g.add(pid)
		}
	}
}

// write writes a line, unless the guard is dead or does not read.
func (g *guard) write(line string) {
	_ = g.pipe.SetWriteDeadline(time.Now().Add(time.Second))
	_, _ = g.pipe.WriteString(line + "\n")
}

// dismiss ends the guard.
func (g *guard) dismiss() {
	if g == nil {
		return
	}
	g.write(dismissal)
	g.pipe.Close()
	select {
	case <-g.exit:
	case <-time.After(time.Second):
	}
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
	leaders := map[int]proctree.ID{}
	variable := ""
	lines := bufio.NewScanner(pipe)
	for lines.Scan() {
		quiet.Reset(settling)
		line := lines.Text()
		var id proctree.ID
		switch {
		case line == dismissal:
			return
		case strings.HasPrefix(line, InstanceVariable+"="):
			variable = line
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
	if variable != "" {
		endMarked(variable, leaders, guardGrace)
	}
}

// endMarked ends all processes that carry a mark, those in the groups and
// sessions of leaders, and what is below any of them.
func endMarked(variable string, leaders map[int]proctree.ID, grace time.Duration) {
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
