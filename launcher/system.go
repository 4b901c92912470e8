package launcher

import (
	"os"
	"time"

	"github.com/devports/devports/launcher/output"
	"github.com/devports/devports/launcher/probe"
	"github.com/devports/devports/launcher/system"
	"github.com/devports/devports/launcher/terminal"
	"github.com/devports/devports/procfile"
)

// operatingSystem is what a run needs from the operating system.
type operatingSystem interface {
	// Start starts a process, on a terminal of that size unless it is nil. If
	// that fails, child is nil and the exit has the reason.
	Start(spec procfile.Process, size *terminal.Size) (child, Exit)
	// Probe returns a function that runs a check of a service once.
	Probe(spec procfile.Process, check procfile.Check) probe.Try
	// StartOutside starts a process that does not belong to the run. exited
	// receives its exit.
	StartOutside(argv []string) (exited <-chan Exit, err error)
	// SetOutsidePrograms sets the names of programs, besides the built-in ones,
	// whose processes outlive the service that started them once they have left
	// its process group.
	SetOutsidePrograms(names []string)
	// HoldSignals delays every Terminate until release is called, so that they
	// share one list of the processes. It must not be called again before
	// release.
	HoldSignals() (release func())
	// SetAttached says whether a client is attached to a service.
	SetAttached(now bool)
	// Close kills what is left of the run once all services have ended. It
	// returns the processes that it killed, and those that it left running
	// because they are outside the run.
	Close() (killed, leftRunning []Orphan)
}

// child is a process with all its descendants. Its methods may be called after
// it has ended.
type child interface {
	PID() int
	// Show starts to copy its output to the stream.
	Show()
	Stream() *output.Stream
	// Terminal is the file to type into; nil for none.
	Terminal() *os.File
	Resize(terminal.Size)
	// Terminate sends it a signal, named without "SIG". The caller may call
	// Kill after grace.
	Terminate(signal string, grace time.Duration)
	Kill()
	// Follow waits until the process and everything it started has ended, and
	// returns its exit. If other processes outlive it, Follow calls exited
	// once, before. It returns false if done is closed first.
	Follow(done <-chan struct{}, exited func(Exit)) (Exit, bool)
	// Members returns the pids of all its live processes.
	Members() []int
	// LeftBehind returns the processes that outlive it, once it has ended.
	LeftBehind() []Orphan
	// Survivors returns the processes that Kill has not ended.
	Survivors() []Orphan
}

// localSystem is the operating system of this machine.
type localSystem struct{ *system.System }

func (l localSystem) Start(spec procfile.Process, size *terminal.Size) (child, Exit) {
	p, exit := l.System.Start(spec, size)
	if p == nil {
		return nil, exit
	}
	return p, exit
}

// openSystem prepares the system for a run. It may call report from any
// goroutine.
func openSystem(o Options, report func(Event)) operatingSystem {
	options := system.Options{
		Output:      o.Output,
		LeftRunning: func(p Orphan) { report(LeftRunning{p}) },
		Watchdog: func(err error) {
			if err != nil {
				report(NoWatchdog{err})
			} else {
				report(WatchdogReplaced{})
			}
		},
	}
	if i := o.Instance; i != nil {
		options.ID, options.Dedicated, options.Early = i.ID, i.Dedicated, i.Watchdog
		if i.Restore != nil {
			options.Terminal, options.State = i.Restore.Terminal, i.Restore.State
		}
	}
	return localSystem{system.Open(options)}
}
