package launcher

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/devports/devports/allocator/envvar"

	proc "github.com/devports/devports/allocator/process"
	"github.com/devports/devports/launcher/output"
	"github.com/devports/devports/launcher/proctree"
	"github.com/devports/devports/launcher/terminal"
	"github.com/devports/devports/procfile"
)

// process is a running process with all that it has started.
type process struct {
	*group
	pid    int
	exit   <-chan Exit // comes when the process itself has ended
	stream *output.Stream
	source *os.File // what its output is read from
	pty    bool     // source is the master of its terminal
}

// start makes the process of spec, as one of family, its output going to out,
// by way of a terminal of that size if there is one. Without a process, the
// exit tells why.
func start(spec procfile.Process, out *output.Mux, family *family, size *terminal.Size) (*process, Exit) {
	argv := spec.Argv
	if len(argv) == 0 {
		argv = shell(spec.Shell)
	}
	path, err := LookPath(argv[0], spec.Dir, spec.Env)
	if err != nil {
		return nil, exitOfStart(err)
	}
	ends, err := openEnds(size)
	if err != nil {
		return nil, exitOfStart(err)
	}
	defer ends.closeTheirs()
	attr := &os.ProcAttr{
		Dir: spec.Dir, Env: family.environ(spec.Env),
		Files: []*os.File{ends.stdin, ends.output, ends.output}, // one for both, so that their order is kept
		Sys:   processAttributes(spec, ends.pty),
	}
	g, exit, err := family.start(spec.Service, path, argv, attr)
	if err != nil {
		ends.source.Close()
		if info, e := os.Stat(spec.Dir); spec.Dir != "" && (e != nil || !info.IsDir()) {
			err = fmt.Errorf("its directory %s is not there", spec.Dir)
		}
		return nil, exitOfStart(err)
	}
	return &process{
		group: g, pid: g.pid, exit: exit,
		stream: out.Stream(spec.Service), source: ends.source, pty: ends.pty,
	}, Exit{}
}

// ends are the files between devports and a process.
type ends struct {
	stdin, output *os.File // the process's; one file if it is a terminal
	source        *os.File
	pty           bool
}

// openEnds opens a terminal, if there is a size for one and the system has one
// to give, else a pipe and an empty input.
func openEnds(size *terminal.Size) (e ends, err error) {
	if size != nil {
		if e.source, e.output, err = terminal.Open(*size); err == nil {
			e.stdin, e.pty = e.output, true
			return e, nil
		}
	}
	if e.source, e.output, err = os.Pipe(); err != nil {
		return ends{}, err
	}
	if e.stdin, err = os.Open(os.DevNull); err != nil {
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

// show lets the output of the process appear.
func (p *process) show() {
	go func() {
		defer p.source.Close()
		p.stream.Copy(p.source)
	}()
}

// resize tells the process how much room there is now.
func (p *process) resize(size terminal.Size) {
	if p.pty {
		_ = terminal.Resize(p.source, size) // it may just have been closed
	}
}

// exitOfStart is the exit of a process that could not be made: 127 if there is
// no such program, 126 otherwise, as in a shell (POSIX.1-2024, XCU 2.8.2).
func exitOfStart(err error) Exit {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, exec.ErrNotFound) {
		return Exit{Status: 127, Err: err}
	}
	return Exit{Status: 126, Err: err}
}

// follow waits for the process and tells of its end: evExited if others that it
// has started outlive it, then evGone when nobody is left. It gives up when done
// is closed.
func (p *process) follow(done <-chan struct{}, tell func(eventKind, Exit)) {
	var exit Exit
	select {
	case exit = <-p.exit:
	case <-done:
		return
	}
	told := false
	// Nobody can wait for a process group; it is asked after, ever more rarely.
	for pause := time.Millisecond; p.lives(); pause = min(2*pause, 20*time.Millisecond) {
		if !told {
			told = true
			tell(evExited, exit)
		}
		select {
		case <-time.After(pause):
		case <-done:
			return
		}
	}
	// What it has written is shown before its end is told, unless nobody reads.
	p.stream.Finish(p.source)
	select {
	case <-p.stream.Done():
	case <-time.After(500 * time.Millisecond):
	}
	p.wait()
	tell(evGone, exit)
}

// markOf is what the processes of a run bear.
func markOf(instance string) proctree.Mark {
	return proctree.Mark{Variable: envvar.Instance + "=" + instance, Run: proc.RunTag(instance)}
}

// environ returns an environment with the family's mark in place of another's.
func (f *family) environ(env []string) []string {
	if f.mark.Variable == "" {
		return env
	}
	env = slices.DeleteFunc(slices.Clone(env), func(entry string) bool {
		return strings.HasPrefix(entry, envvar.Instance+"=") || strings.HasPrefix(entry, envvar.Outside+"=")
	})
	return append(env, f.mark.Variable)
}
