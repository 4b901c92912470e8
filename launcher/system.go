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

// operatingSystem is what a run needs of the operating system.
type operatingSystem interface {
	// Start makes a process, on a terminal of that size unless that is nil.
	// Without a process the exit has the reason.
	Start(spec procfile.Process, size *terminal.Size) (child, Exit)
	// Probe returns what asks once whether a check of a service has passed that
	// asks its port or runs a command.
	Probe(spec procfile.Process, check procfile.Check) probe.Try
	// StartOutside makes a process that does not belong to the run.
	StartOutside(argv []string) error
	// Share has processes of programs with these names outlive the service that
	// has started them, once they have left its process group, beside those that
	// devports knows.
	Share(names []string)
	// Together has what is asked of children begin together, when the function that it
	// returns is called. It must not be called again before.
	Together() (begin func())
	// Attached is told when somebody begins and ends to type to a process.
	Attached(now bool)
	// Close ends what is left of the run, once all processes have ended, and
	// returns what that was, and what goes on.
	Close() (killed, spared []Orphan)
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
	LeftBehind() []Orphan
	// Survivors are those that Kill has not ended.
	Survivors() []Orphan
}

// localSystem is the system that devports runs on.
type localSystem struct{ *system.System }

func (l localSystem) Start(spec procfile.Process, size *terminal.Size) (child, Exit) {
	p, exit := l.System.Start(spec, size)
	if p == nil {
		return nil, exit
	}
	return p, exit
}

// openSystem prepares the system for a run. report is called, by any goroutine,
// for what there is to know about the run.
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
		options.ID, options.Alone = i.ID, i.Alone
		if i.Restore != nil {
			options.Terminal, options.State = i.Restore.Terminal, i.Restore.State
		}
	}
	return localSystem{system.Open(options)}
}
