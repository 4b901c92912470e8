package launcher

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/devports/devports/launcher/output"
	"github.com/devports/devports/launcher/probe"
	"github.com/devports/devports/launcher/proctree"
	"github.com/devports/devports/launcher/terminal"
	"github.com/devports/devports/procfile"
)

// system is what a run needs of the operating system.
type system interface {
	// Start makes a process, on a terminal of that size unless that is nil.
	// Without a process the exit has the reason.
	Start(spec procfile.Process, size *terminal.Size) (child, Exit)
	// Probe returns what asks once whether a check of a service has passed that
	// asks its port or runs a command.
	Probe(spec procfile.Process, check procfile.Check) probe.Try
	// StartOutside makes a process that does not belong to the run.
	StartOutside(argv []string) error
	// Attached is told when somebody begins and ends to type to a process.
	Attached(now bool)
	// Close ends what is left of the run, once all processes have ended, and
	// returns what there is to know about that.
	Close() []Event
}

// child is a process with all that it has started. Its methods may be called
// when it has ended.
type child interface {
	PID() int
	// Show lets its output appear in the stream.
	Show()
	Stream() *output.Stream
	// Terminal is where what is typed to it goes; nil for none.
	Terminal() *os.File
	Resize(terminal.Size)
	// Terminate sends it the signal of that name, without "SIG". After grace it
	// may be killed.
	Terminate(signal string, grace time.Duration)
	Kill()
	// Follow returns how it has ended once nothing of it is left, and calls
	// exited before, once, if other processes outlive it. It returns false when
	// done is closed first.
	Follow(done <-chan struct{}, exited func(Exit)) (Exit, bool)
	// Members are the pids of all processes of it that live.
	Members() []int
	// LeftBehind are those that outlive it, once it has ended.
	LeftBehind() []Left
	// Survivors are those that Kill has not ended.
	Survivors() []Left
}

// idleDelay is how long nothing may have been started before the memory that
// starting takes is given back.
const idleDelay = time.Second

// localSystem is the system that devports runs on.
type localSystem struct {
	family    *family
	out       *output.Mux
	exclusive bool   // this process has made no others
	scatter   func() // has nothing wait for dead children any more
	idle      *time.Timer
}

// openSystem prepares the system for a run. report is called, by goroutines of
// the system and of Follow, for what there is to know about the run.
func openSystem(o Options, report func(Event)) system {
	l := &localSystem{
		family: newFamily(o.Instance, o.Alone, o.Outside), out: o.Output, exclusive: o.Alone,
	}
	l.family.spared = func(left Left) { report(LeftRunning{left}) }
	l.idle = time.AfterFunc(idleDelay, func() {
		l.family.tagAll()
		l.family.reap() // for the sake of the watchdog: no signal comes for a new orphan
		giveBack()
	})
	reserveThreads()
	if o.Instance != "" {
		l.family.startWatchdog(o.Terminal, o.Found, func(err error) {
			if err != nil {
				report(NoWatchdog{err})
			} else {
				report(WatchdogReplaced{})
			}
		})
	}
	l.scatter = l.family.gather()
	return l
}

func (l *localSystem) Start(spec procfile.Process, size *terminal.Size) (child, Exit) {
	p, exit := start(spec, l.out, l.family, size)
	l.idle.Reset(idleDelay)
	if p == nil {
		return nil, exit
	}
	return localChild{p}, Exit{}
}

func (l *localSystem) Probe(spec procfile.Process, check procfile.Check) probe.Try {
	switch check.How {
	case procfile.HTTP:
		return probe.HTTP(spec.Port, check.What)
	case procfile.Exec:
		return l.family.try(spec, check.What)
	}
	return probe.TCP(spec.Port)
}

func (l *localSystem) StartOutside(argv []string) error {
	path, err := LookPath(argv[0], "", os.Environ())
	if err != nil {
		return err
	}
	return l.family.startOutside(path, argv)
}

func (l *localSystem) Attached(now bool) { l.family.watchdog.attached(now) }

// sweepGrace is what the last processes get to end by themselves.
const sweepGrace = 500 * time.Millisecond

func (l *localSystem) Close() (news []Event) {
	l.idle.Stop()
	if l.exclusive {
		ctx, cancel := context.WithTimeout(context.Background(), sweepGrace+killTimeout)
		defer cancel()
		rest, spared := l.family.endRest(ctx, sweepGrace)
		for _, left := range spared {
			news = append(news, LeftRunning{left})
		}
		if len(rest) > 0 {
			news = append(news, OrphansKilled{rest})
		}
	}
	l.family.watchdog.dismiss()
	l.scatter()
	return news
}

// localChild is a process of localSystem.
type localChild struct{ *process }

func (p localChild) PID() int                                   { return p.pid }
func (p localChild) Show()                                      { p.show() }
func (p localChild) Stream() *output.Stream                     { return p.stream }
func (p localChild) Resize(size terminal.Size)                  { p.resize(size) }
func (p localChild) Terminate(name string, grace time.Duration) { p.terminate(name, grace) }
func (p localChild) Survivors() []Left                          { return p.survivors() }
func (p localChild) Kill()                                      { p.kill() }

func (p localChild) Terminal() *os.File {
	if !p.pty {
		return nil
	}
	return p.source
}

func (p localChild) Follow(done <-chan struct{}, exited func(Exit)) (exit Exit, gone bool) {
	p.follow(done, func(kind eventKind, e Exit) {
		if kind == evExited {
			exited(e)
			return
		}
		exit, gone = e, true
	})
	if !gone {
		p.stream.Finish(p.source) // its rest is not waited for
		p.wait()
	}
	return exit, gone
}

func (p localChild) Members() []int {
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

func (p localChild) LeftBehind() (left []Left) {
	tree, err := proctree.Snapshot()
	if err != nil {
		return nil
	}
	seen := map[int]bool{p.pid: true}
	for _, m := range p.membersIn(tree) {
		if !seen[m.PID] {
			seen[m.PID] = true
			left = append(left, leftOf(m))
		}
	}
	slices.SortFunc(left, func(a, b Left) int { return a.PID - b.PID })
	return left
}

// membersIn are the processes of p, itself perhaps among them.
func (p localChild) membersIn(tree proctree.Tree) []proctree.Process {
	members := tree.Where(func(m proctree.Process) bool { return m.Group == p.pid || m.Session == p.pid })
	pids := []int{p.pid}
	for _, m := range members {
		pids = append(pids, m.PID)
	}
	strays, _ := p.family.straysIn(tree, p.service)
	return slices.Concat(members, tree.Below(pids...), strays)
}

// try is a Try that succeeds when a command does, in the directory and
// environment of a process.
func (f *family) try(spec procfile.Process, command string) probe.Try {
	return func(ctx context.Context) error {
		null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
		if err != nil {
			return err
		}
		defer null.Close()
		check := procfile.Process{Service: spec.Service, Shell: command}
		argv := shell(command)
		path, err := LookPath(argv[0], spec.Dir, spec.Env)
		if err != nil {
			return err
		}
		g, exit, err := f.start(spec.Service, path, argv, &os.ProcAttr{
			Dir: spec.Dir, Env: f.environ(spec.Env), Files: []*os.File{null, null, null}, Sys: processAttributes(check, false),
		})
		if err != nil {
			return err
		}
		defer g.discard()
		select {
		case e := <-exit:
			if e.Status != 0 {
				return fmt.Errorf("%s %v", command, e)
			}
			return nil
		case <-ctx.Done():
			g.kill()
			<-exit
			return ctx.Err()
		}
	}
}
