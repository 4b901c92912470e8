package launcher

import (
	"fmt"

	"github.com/devports/devports/launcher/system"
	"github.com/devports/devports/procfile"
)

// Exit is how a process ended.
type Exit = system.Exit

// Orphan is a process that was found where none should be any more.
type Orphan = system.Orphan

// NotReadyError says that the process of a service has ended with status 0 and
// that the service nevertheless has not become ready.
type NotReadyError struct {
	Service procfile.Process
	// Serving: the port answers, as a process that was left in the background
	// listens on it.
	Serving bool
}

func (e *NotReadyError) Error() string {
	const foreground = "run it in the foreground (without -d, --daemonize, &)"
	if e.Serving {
		return "exited with status 0, but left its server in the background: " + foreground
	}
	return fmt.Sprintf(`exited with status 0 before %s: %s, or set ready = "done" if it is meant to end`, readyWhen(e.Service), foreground)
}

// readyWhen is what has to have happened for a service to be ready.
func readyWhen(spec procfile.Process) string {
	switch check := spec.Ready; check.Kind {
	case procfile.HTTP:
		return fmt.Sprintf("%s answered on port %d", check.Arg, spec.Port)
	case procfile.Log:
		return "a line matched " + check.Arg
	case procfile.Exec:
		return check.Arg + " succeeded"
	}
	return fmt.Sprintf("anything listened on port %d", spec.Port)
}

// ending is what is known of a process that has ended by itself.
type endedProcess struct {
	spec    procfile.Process
	exit    Exit
	ready   bool     // its check has passed
	needed  bool     // another service depends on it
	orphans []Orphan // what it has left behind, in the background
	serving bool     // one of those listens on its port
}

// judged is the exit as what it means for the service: an end with status 0 is
// a failure if the service was to be ready before, or serves in the background.
// That a port is listened on is only a guess where the Portfile names no check:
// a short command that nothing depends on, and that leaves nothing, is done.
func (e endedProcess) effectiveExit() Exit {
	check := e.spec.Ready
	switch {
	case e.exit.Status != 0 || e.exit.Requested || e.exit.Err != nil:
		return e.exit
	case check.Kind == procfile.None || check.Kind == procfile.Done:
		return e.exit
	case e.serving:
		return Exit{Status: 1, Err: &NotReadyError{e.spec, true}}
	case e.ready:
		return e.exit
	case guessed(check) && !e.needed && len(e.orphans) == 0:
		return e.exit
	}
	return Exit{Status: 1, Err: &NotReadyError{e.spec, false}}
}

// guessed reports whether a check is the default of a service with a port.
func guessed(check procfile.Check) bool { return check.Kind == procfile.TCP && check.Timeout == 0 }
