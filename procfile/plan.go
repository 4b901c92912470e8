package procfile

import (
	"slices"
	"strings"
	"time"
)

// Plan is a project ready to run: what `up` starts and follows.
type Plan struct {
	Services   []Process // in name order
	Others     []Process // not to be started until asked for
	Watched    []string  // absolute paths of the files that it was made from, or would be
	StopOnExit bool
	Outside    []string // names of programs that outlive the services that have started them
	Notes      Problems // what is no mistake but not as it seems
}

// Process is one service of a Plan, everything expanded.
type Process struct {
	Service     string
	Shell       string   // a command for the system's shell, or
	Argv        []string // a program, to be found on the PATH of Env, and its arguments
	Build       Program  // what has to succeed before it is started; the zero Program: nothing
	Builds      bool     // it is the build of a service, and not the service itself: see Builder
	Dir         string   // absolute
	Port        int      // 0: none
	Ports       []int    // all that are the service's own, Port included
	Env         Environment
	DependsOn   []string
	Ready       Check
	Restart     Restart
	Watch       []string // patterns of files that restart it when they change
	RestartOn   []string // names of variables, or beginnings with a *, for whose sake it is restarted; nil: all
	StopSignal  string
	StopTimeout time.Duration

	own []string // the variables that carry its own ports
}

// Program is a command for the system's shell, or a program and its arguments.
// The zero Program is none.
type Program struct {
	Shell string
	Argv  []string
}

// IsZero reports whether there is no program.
func (p Program) IsZero() bool { return p.Shell == "" && len(p.Argv) == 0 }

func (p Program) equal(other Program) bool {
	return p.Shell == other.Shell && slices.Equal(p.Argv, other.Argv)
}

// Builder returns the process that builds p, in the folder and the environment
// of p.
func (p Process) Builder() Process {
	return Process{
		Service: p.Service, Shell: p.Build.Shell, Argv: p.Build.Argv, Builds: true,
		Dir: p.Dir, Env: p.Env, Ready: Check{Kind: Done},
	}
}

// Check says when a process is ready.
type Check struct {
	Kind    CheckKind
	Arg     string        // HTTP: the path; Log: the regular expression; Exec: a command for the system's shell
	Timeout time.Duration // after which it has failed; 0 if it may never be ready
}

// CheckKind is a kind of [Check].
type CheckKind string

const (
	None CheckKind = "none" // ready as soon as it has been started
	TCP  CheckKind = "tcp"  // its port accepts a connection
	HTTP CheckKind = "http" // its port answers a GET with a status of 2xx or 3xx
	Log  CheckKind = "log"  // a line that it prints matches
	Exec CheckKind = "exec" // a command succeeds in its directory and environment
	Done CheckKind = "done" // it has ended with status 0, whenever that is
)

// Restart says when a process that has ended is started again.
type Restart string

const (
	RestartNo        Restart = "no"
	RestartOnFailure Restart = "on-failure"
	RestartAlways    Restart = "always"
)

// check is the Check of s. By default it is its port; but as not everything
// that has one listens on it, that may take for ever.
func (s Service) check() Check {
	how, what, _ := strings.Cut(s.Ready, ":")
	switch {
	case how == string(HTTP):
		return Check{HTTP, httpPath(what), s.ReadyTimeout}
	case s.Ready != "":
		return Check{CheckKind(how), what, s.ReadyTimeout}
	case s.HasPort:
		return Check{Kind: TCP}
	}
	return Check{Kind: None}
}

// Service returns the process of that name.
func (p Plan) Service(name string) (Process, bool) {
	i := slices.IndexFunc(p.Services, func(s Process) bool { return s.Service == name })
	if i < 0 {
		return Process{}, false
	}
	return p.Services[i], true
}

// Holds reports whether port is one of those that the plan's services were
// given as their own.
func (p Plan) Holds(port int) bool {
	return slices.ContainsFunc(p.Services, func(s Process) bool { return slices.Contains(s.Ports, port) })
}

// Patterns are what the services watch, by service; Others included.
func (p Plan) Patterns() map[string][]string {
	patterns := map[string][]string{}
	for _, s := range slices.Concat(p.Services, p.Others) {
		if len(s.Watch) > 0 {
			patterns[s.Service] = s.Watch
		}
	}
	return patterns
}

// Select returns the plan with only those of its services that names lists; the
// rest are Others.
func (p Plan) Select(names []string) Plan {
	var services, others []Process
	for _, s := range p.Services {
		if slices.Contains(names, s.Service) {
			services = append(services, s)
		} else {
			others = append(others, s)
		}
	}
	p.Services, p.Others = services, others
	return p
}
