package system

import (
	"errors"
	"fmt"
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

// Process is a running process of a service, with all that it has started. Its
// methods may be called when it has ended.
type Process struct {
	*group
	pid    int
	exit   <-chan Exit // comes when the process itself has ended
	stream *output.Stream
	source *os.File // what its output is read from
	pty    bool     // source is the master of its terminal
	input  *os.File // what holds its standard input open; nil for nothing

	columns atomic.Int32 // of its terminal
}

// Start makes the process of spec, on a terminal of that size unless that is nil.
// Without a process, the exit has the reason.
func (s *System) Start(spec procfile.Process, size *terminal.Size) (*Process, Exit) {
	defer s.idle.Reset(idleDelay)
	ends, err := openEnds(size, spec.Ready.Kind == procfile.Done)
	if err != nil {
		return nil, exitOfStart(err)
	}
	defer ends.closeTheirs()
	g, exit, err := s.processes.startCommand(ownerOf(spec), command{spec.Argv, spec.Shell}, &os.ProcAttr{
		Dir: spec.Dir, Env: spec.Env.List(),
		Files: []*os.File{ends.stdin, ends.output, ends.output}, // one for both, so that their order is kept
		Sys:   processAttributes(spec, ends.pty),
	})
	if err != nil {
		ends.closeOurs()
		if info, e := os.Stat(spec.Dir); spec.Dir != "" && (e != nil || !info.IsDir()) {
			err = fmt.Errorf("its directory %s is not there", spec.Dir)
		}
		return nil, exitOfStart(err)
	}
	p := &Process{
		group: g, pid: g.pid, exit: exit,
		stream: s.output.Stream(spec.Service), source: ends.source, pty: ends.pty, input: ends.input,
	}
	if p.pty {
		p.columns.Store(int32(size.Columns))
		p.stream.Untapped(p.answer())
	}
	return p, Exit{}
}

// ownerOf is what the processes of spec are known by. Those of a build are not
// the service's: either may end while the other goes on.
func ownerOf(spec procfile.Process) string {
	if spec.Builds {
		return spec.Service + "'s build"
	}
	return spec.Service
}

// ends are the files between devports and a process.
type ends struct {
	stdin, output *os.File // the process's; one file if it is a terminal
	source        *os.File
	pty           bool
	input         *os.File // the other end of stdin, to which nothing is written; nil for none
}

// openEnds opens a terminal, if there is a size for one and the system has one
// to give, else pipes: one for output, and one that keeps standard input open
// and silent, because many watchers end with it. The input of a job, which is to
// end by itself, is empty: one that asks a question is not to wait for ever.
func openEnds(size *terminal.Size, job bool) (e ends, err error) {
	if size != nil {
		if e.source, e.output, err = terminal.Open(*size); err == nil {
			e.stdin, e.pty = e.output, true
			return e, nil
		}
	}
	if e.source, e.output, err = os.Pipe(); err != nil {
		return ends{}, err
	}
	if job {
		e.stdin, err = os.Open(os.DevNull)
	} else {
		e.stdin, e.input, err = os.Pipe()
	}
	if err != nil {
		e.source.Close()
		e.output.Close()
		return ends{}, err
	}
	return e, nil
}

// closeTheirs closes what only the process needs.
func (e ends) closeTheirs() {
	e.output.Close()
	if !e.pty {
		e.stdin.Close()
	}
}

// closeOurs closes what devports needs of a process, where there is none.
func (e ends) closeOurs() {
	e.source.Close()
	if e.input != nil {
		e.input.Close()
	}
}

// PID is the process's own.
func (p *Process) PID() int { return p.pid }

// Show lets its output appear in the stream.
func (p *Process) Show() {
	go func() {
		defer p.source.Close()
		p.stream.Copy(p.source)
	}()
}

// Stream is where its output goes.
func (p *Process) Stream() *output.Stream { return p.stream }

// Terminal is where what is typed to it goes; nil for none.
func (p *Process) Terminal() *os.File {
	if !p.pty {
		return nil
	}
	return p.source
}

// Resize changes the size of its terminal.
func (p *Process) Resize(size terminal.Size) {
	if p.pty {
		p.columns.Store(int32(size.Columns))
		_ = terminal.Resize(p.source, size) // it may just have been closed
	}
}

// answerTimeout is how long a terminal may take for an answer.
const answerTimeout = 10 * time.Millisecond

// answer returns what answers the process in place of a terminal. A process that
// asks and asks, and does not read, is not answered any more.
func (p *Process) answer() func(written []byte) {
	var answerer terminal.Answerer
	deaf := false
	return func(written []byte) {
		answers := answerer.Answer(written, int(p.columns.Load()))
		if len(answers) == 0 || deaf {
			return
		}
		_ = p.source.SetWriteDeadline(time.Now().Add(answerTimeout))
		_, err := p.source.Write(answers)
		deaf = errors.Is(err, os.ErrDeadlineExceeded)
	}
}

const (
	// closeTimeout is how long the end of a process waits for its output to be
	// written: perhaps no reader is left.
	closeTimeout = 500 * time.Millisecond

	// The pauses between looks at a process group, which cannot be waited for.
	minPoll, maxPoll = time.Millisecond, 20 * time.Millisecond
)

// Follow returns how the process has ended once nothing of it is left, and calls
// exited before, once, if others that it has started outlive it. It returns false
// when done is closed first.
func (p *Process) Follow(done <-chan struct{}, exited func(Exit)) (exit Exit, gone bool) {
	defer p.wait()
	if p.input != nil {
		defer p.input.Close()
	}
	select {
	case exit = <-p.exit:
	case <-done:
		p.stream.Finish(p.source) // its rest is not waited for
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
			p.stream.Finish(p.source)
			return Exit{}, false
		}
	}
	// What it has written is shown before its end is known.
	p.stream.Finish(p.source)
	select {
	case <-p.stream.Done():
	case <-time.After(closeTimeout):
	}
	return exit, true
}

// Members are the PIDs of all processes of it that live, its own included.
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

// LeftBehind are the processes that outlive it, once it has ended.
func (p *Process) LeftBehind() (left []Orphan) {
	tree, err := proctree.Snapshot()
	if err != nil {
		return nil
	}
	seen := map[int]bool{p.pid: true}
	for _, m := range p.membersIn(tree) {
		if !seen[m.PID] {
			seen[m.PID] = true
			left = append(left, orphanOf(m))
		}
	}
	slices.SortFunc(left, func(a, b Orphan) int { return a.PID - b.PID })
	return left
}

// membersIn are the processes of p, itself perhaps among them.
func (p *Process) membersIn(tree proctree.Tree) []proctree.Process {
	members := tree.Where(func(m proctree.Process) bool { return m.Group == p.pid || m.Session == p.pid })
	pids := []int{p.pid}
	for _, m := range members {
		pids = append(pids, m.PID)
	}
	orphans, _, _ := p.set.orphansIn(tree, p.service)
	return slices.Concat(members, tree.Below(pids...), orphans)
}

// exitOfStart is the exit of a process that could not be made: 127 if there is
// no such program, 126 otherwise, as in a shell (POSIX.1-2024, XCU 2.8.2).
func exitOfStart(err error) Exit {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, exec.ErrNotFound) {
		return Exit{Status: 127, Err: err}
	}
	return Exit{Status: 126, Err: err}
}
