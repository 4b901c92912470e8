package launcher

import (
	"fmt"

	"github.com/devports/devports/launcher/system"
	"github.com/devports/devports/procfile"
)

// Exit is how a process ended.
type Exit = system.Exit

// Orphan is a process that has outlived its service or its run.
type Orphan = system.Orphan

// NotReadyError reports that a process exited with status 0 before its service
// was ready.
type NotReadyError struct {
	Service procfile.Process
	// Serving: the process left a background process that listens on the port.
	Serving bool
}

func (e *NotReadyError) Error() string {
	const foreground = "run it in the foreground (without -d, --daemonize, &)"
	if e.Serving {
		return "exited with status 0, but left its server in the background: " + foreground
	}
	return fmt.Sprintf(`exited with status 0 before %s: %s, or set ready = "done" if it is meant to end`, readyWhen(e.Service), foreground)
}

// readyWhen describes the condition for a service to be ready.
func readyWhen(spec procfile.Process) string {
	switch check := spec.Ready; check.Kind {
	case procfile.HTTP:
		return fmt.Sprintf("%s responded on port %d", check.Arg, spec.Port)
	case procfile.Log:
		return "a line matched " + check.Arg
	case procfile.Exec:
		return check.Arg + " succeeded"
	}
	if spec.Container != nil {
		return "its container was healthy"
	}
	return fmt.Sprintf("anything listened on port %d", spec.Port)
}

// endedProcess describes a process that has ended on its own.
type endedProcess struct {
	spec    procfile.Process
	exit    Exit
	ready   bool     // its check has passed
	needed  bool     // another service depends on it
	orphans []Orphan // background processes that it left
	serving bool     // one of the orphans listens on its port
}

// effectiveExit returns what the exit means for the service. Status 0 is a
// failure if the service should have become ready first, or serves in the
// background. Where the Portfile names no check, devports only guesses that the
// service listens: a short command that nothing depends on and that leaves no
// process has succeeded.
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

// guessed reports whether a check is the default one of a service with a port.
func guessed(check procfile.Check) bool {
	return (check.Kind == procfile.TCP || check.Kind == procfile.Healthy) && check.Timeout == 0
}
