package system

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"slices"
	"sync/atomic"
	"time"

	"github.com/devports/devports/launcher/output"
	"github.com/devports/devports/launcher/proctree"
	"github.com/devports/devports/launcher/terminal"
	"github.com/devports/devports/procfile"
)

// Process is the process of a service, with everything that it has started. Its
// methods may be called after it has ended.
type Process struct {
	*group
	pid    int
	exit   <-chan Exit // receives the exit of the process itself
	stream *output.Stream
	source *os.File // where its output is read
	pty    bool     // source is the master of its terminal
	input  *os.File // keeps its standard input open; nil if it is empty
	slave  *os.File // keeps its terminal open; nil for none

	columns atomic.Int32 // of its terminal
}

// Start starts the process of spec, on a terminal of that size unless it is
// nil. If that fails, the Process is nil and the exit has the reason.
//
// The terminal stays open until everything of the process has ended. If the
// process closed it for the last time, reads would fail from then on, although
// the process may open /dev/tty again; and once nothing reads, the process would
// get SIGHUP.
func (s *System) Start(spec procfile.Process, size *terminal.Size) (*Process, Exit) {
	ends, err := openStdio(size, spec.Ready.Kind == procfile.Done, spec.Setup != nil)
	if err != nil {
		return nil, exitOfStart(err)
	}
	defer ends.closeChildSide()
	g, exit, err := s.processes.startCommand(ownerName(spec), command{spec.Argv, spec.Shell}, spec.Env, &os.ProcAttr{
		Dir:   spec.Dir,
		Files: []*os.File{ends.stdin, ends.output, ends.output}, // one file for both keeps the order of the output
		Sys:   processAttributes(spec, ends.pty),
	})
	if err != nil {
		ends.closeOwnSide()
		if info, e := os.Stat(spec.Dir); spec.Dir != "" && (e != nil || !info.IsDir()) {
			err = fmt.Errorf("its directory %s does not exist", spec.Dir)
		}
		return nil, exitOfStart(err)
	}
	p := &Process{
		group: g, pid: g.pid, exit: exit,
		stream: s.output.Stream(spec.Service), source: ends.source, pty: ends.pty, input: ends.input,
	}
	if p.pty {
		p.slave = ends.output // until finish
		p.columns.Store(int32(size.Columns))
		p.stream.Untapped(p.answer())
	}
	return p, Exit{}
}

// ownerName identifies the processes of spec. A build has its own name: it may
// end while the service's process keeps running, and vice versa.
func ownerName(spec procfile.Process) string {
	if spec.IsBuild {
		return spec.Service + "'s build"
	}
	return spec.Service
}

// stdio holds the files between devports and a process.
type stdio struct {
	stdin, output *os.File // of the process; the same file if it is a terminal
	source        *os.File
	pty           bool
	input         *os.File // the write end of stdin, never written to; nil for none
}

// openStdio opens a terminal if there is a size for one and the system provides
// it. Otherwise it opens pipes: one for output, and one that keeps standard
// input open and silent, because many watchers exit when it ends. A job gets an
// empty standard input, so that a question does not block it forever. A step of
// the setup gets one even on a terminal.
func openStdio(size *terminal.Size, job, step bool) (e stdio, err error) {
	if size != nil {
		if e.source, e.output, err = terminal.Open(*size); err == nil {
			e.stdin, e.pty = e.output, true
			if !step {
				return e, nil
			}
			if e.stdin, err = os.Open(os.DevNull); err == nil {
				return e, nil
			}
			e.closeOwnSide()
			return stdio{}, err
		}
	}
	if e.source, e.output, err = pipe(true); err != nil {
		return stdio{}, err
	}
	if job {
		e.stdin, err = os.Open(os.DevNull)
	} else {
		e.stdin, e.input, err = pipe(false)
	}
	if err != nil {
		e.source.Close()
		e.output.Close()
		return stdio{}, err
	}
	return e, nil
}

// closeChildSide closes the files that only the process needs, which its terminal
// is not.
func (e stdio) closeChildSide() {
	if !e.pty {
		e.output.Close()
	}
	if e.stdin != e.output {
		e.stdin.Close()
	}
}

// closeOwnSide closes devports' files after a failed start.
func (e stdio) closeOwnSide() {
	e.source.Close()
	if e.pty {
		e.output.Close()
	}
	if e.input != nil {
		e.input.Close()
	}
}

// PID returns the pid of the process itself.
func (p *Process) PID() int { return p.pid }

// Show starts to copy its output to the stream. It then discards the output of
// the processes that are left running: once nothing reads, a write would end them
// with SIGPIPE.
func (p *Process) Show() {
	go func() {
		defer p.source.Close()
		p.stream.Copy(p.source)
		if p.hasLeftRunning() {
			_ = p.source.SetReadDeadline(time.Time{}) // that of Finish
			_, _ = io.Copy(io.Discard, p.source)      // until they have closed it
		}
	}()
}

// Stream returns where its output goes.
func (p *Process) Stream() *output.Stream { return p.stream }

// Terminal returns the file to type into; nil for none.
func (p *Process) Terminal() *os.File {
	if !p.pty {
		return nil
	}
	return p.source
}

// Resize sets the size of its terminal.
func (p *Process) Resize(size terminal.Size) {
	if p.pty {
		p.columns.Store(int32(size.Columns))
		_ = terminal.Resize(p.source, size) // fails if it was just closed
	}
}

// answerTimeout is how long writing an answer may take.
const answerTimeout = 10 * time.Millisecond

// answer returns a function that answers the process's queries in place of a
// terminal. It stops once the process does not read the answers.
func (p *Process) answer() func(written []byte) {
	var answerer terminal.Answerer
	ignored := false
	return func(written []byte) {
		answers := answerer.Answer(written, int(p.columns.Load()))
		if len(answers) == 0 || ignored {
			return
		}
		for range 2 { // the first deadline may have passed before the write began
			_ = p.source.SetWriteDeadline(time.Now().Add(answerTimeout))
			n, err := p.source.Write(answers)
			answers = answers[n:]
			if ignored = errors.Is(err, os.ErrDeadlineExceeded); !ignored {
				return
			}
		}
	}
}

const (
	// closeTimeout is how long the end of a process waits for its output to be
	// written: the reader may be gone.
	closeTimeout = time.Second

	// A process group cannot be waited for: it is polled, with pauses that grow
	// from minPoll to maxPoll.
	minPoll, maxPoll = time.Millisecond, 20 * time.Millisecond
)

// Follow waits until the process and everything it started has ended, and
// returns its exit. If other processes outlive it, Follow calls exited once,
// before. It returns false if done is closed first.
func (p *Process) Follow(done <-chan struct{}, exited func(Exit)) (exit Exit, gone bool) {
	defer p.wait()
	if p.input != nil {
		defer p.input.Close()
	}
	select {
	case exit = <-p.exit:
	case <-done:
		p.finish() // without waiting for the rest
		return Exit{}, false
	}
	reported := false
	for pause := minPoll; p.lives(); pause = min(2*pause, maxPoll) {
		if !reported {
			reported = true
			exited(exit)
		}
		select {
		case <-time.After(pause):
		case <-done:
			p.finish()
			return Exit{}, false
		}
	}
	// Its output is shown before its end is reported.
	p.finish()
	select {
	case <-p.stream.Done():
	case <-time.After(closeTimeout):
	}
	return exit, true
}

// finish ends the copy of its output once all that it has written is copied.
func (p *Process) finish() {
	if p.slave != nil {
		p.slave.Close()
	}
	p.stream.Finish(p.source)
}

// Members returns the pids of all its live processes, its own included.
func (p *Process) Members() []int {
	tree, err := proctree.Snapshot()
	if err != nil {
		return []int{p.pid}
	}
	pids := []int{p.pid}
	for _, m := range p.membersIn(tree) {
		pids = append(pids, m.PID)
	}
	slices.Sort(pids)
	return slices.Compact(pids)
}

// LeftBehind returns the processes that outlive it, once it has ended.
func (p *Process) LeftBehind() (left []Orphan) {
	tree, err := proctree.Snapshot()
	if err != nil {
		return nil
	}
	seen := map[int]bool{p.pid: true}
	for _, m := range p.membersIn(tree) {
		if !seen[m.PID] && !markedOutside(m.PID) {
			seen[m.PID] = true
			left = append(left, orphanOf(m))
		}
	}
	slices.SortFunc(left, func(a, b Orphan) int { return a.PID - b.PID })
	return left
}

// membersIn returns the processes of p in a snapshot.
func (p *Process) membersIn(tree proctree.Tree) []proctree.Process {
	members := tree.Where(func(m proctree.Process) bool { return m.Group == p.pid || m.Session == p.pid })
	pids := []int{p.pid}
	for _, m := range members {
		pids = append(pids, m.PID)
	}
	orphans, _, _ := p.set.orphansIn(tree, p.service)
	return slices.Concat(members, tree.Below(pids...), orphans)
}

// exitOfStart is the exit of a process that could not be started: 127 if there
// is no such program, otherwise 126, as in a shell (POSIX.1-2024, XCU 2.8.2).
func exitOfStart(err error) Exit {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, exec.ErrNotFound) {
		return Exit{Status: 127, Err: err}
	}
	return Exit{Status: 126, Err: err}
}
