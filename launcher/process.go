package launcher

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"time"

	"github.com/devports/devports/launcher/output"
	"github.com/devports/devports/procfile"
)

// process is a running process and the group that it leads.
type process struct {
	pid    int
	cmd    *exec.Cmd
	stream *output.Stream
	pipe   *os.File // the reading end of its output
	family *children
}

// start makes the process of spec, as one of family, its output going to out.
// Without a process, the exit tells why.
func start(spec procfile.Process, out *output.Mux, family *children) (*process, Exit) {
	cmd := command(spec)
	if cmd.Err != nil {
		return nil, exitOfStart(cmd.Err)
	}
	read, write, err := os.Pipe() // one for both, so that their order is kept
	if err != nil {
		return nil, exitOfStart(err)
	}
	cmd.Stdout, cmd.Stderr = write, write
	cmd.SysProcAttr = processGroup(spec)
	err = family.start(cmd)
	write.Close()
	if err != nil {
		read.Close()
		return nil, exitOfStart(err)
	}
	return &process{
		pid: cmd.Process.Pid, cmd: cmd,
		stream: out.Stream(spec.Service), pipe: read, family: family,
	}, Exit{}
}

// show lets the output of the process appear.
func (p *process) show() {
	go func() {
		defer p.pipe.Close()
		p.stream.Copy(p.pipe)
	}()
}

func command(spec procfile.Process) *exec.Cmd {
	cmd := &exec.Cmd{Dir: spec.Dir, Env: spec.Env}
	argv := spec.Argv
	if len(argv) == 0 {
		argv = shell(spec.Shell)
	}
	cmd.Args = argv
	cmd.Path, cmd.Err = LookPath(argv[0], spec.Dir, spec.Env)
	return cmd
}

// exitOfStart is the exit of a process that could not be made: 127 if there is
// no such program, 126 otherwise, as in a shell (POSIX.1-2024, XCU 2.8.2).
func exitOfStart(err error) Exit {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, exec.ErrNotFound) {
		return Exit{Status: 127, Err: err}
	}
	return Exit{Status: 126, Err: err}
}

// follow waits for the process and tells of its end: evExited if others of its
// group outlive it, then evGone when nobody is left. It gives up when done is
// closed.
func (p *process) follow(done <-chan struct{}, tell func(event, Exit)) {
	err := p.family.wait(p.cmd)
	exit := exitOf(p.cmd.ProcessState)
	if p.cmd.ProcessState == nil {
		exit = Exit{Status: 126, Err: err}
	}
	if p.groupLives() {
		tell(evExited, exit)
	}
	// Nobody can wait for a process group; it is asked after, ever more rarely.
	for pause := time.Millisecond; p.groupLives(); pause = min(2*pause, 20*time.Millisecond) {
		select {
		case <-time.After(pause):
		case <-done:
			return
		}
	}
	// What it has written is shown before its end is told, unless nobody reads.
	p.stream.Finish(p.pipe)
	select {
	case <-p.stream.Done():
	case <-time.After(500 * time.Millisecond):
	}
	tell(evGone, exit)
}
