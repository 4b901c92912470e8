package procfile

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// Plan is a resolved project that `up` runs.
type Plan struct {
	Services   []Process // in name order
	Inactive   []Process // started only on request
	Watched    []string  // absolute paths of the files that it depends on, missing ones included
	StopOnExit bool
	Site       Site     // the named addresses of its services
	Outside    []string // programs that outlive the services that started them
	Notes      Problems // warnings
}

// Process is one service of a Plan, everything expanded.
type Process struct {
	Service     string
	Position    int            // its place in the file: 1 for the first service
	Shell       string         // a command for the system's shell, or
	Argv        []string       // a program, looked up on the PATH of Env, and its arguments
	Container   *Container     // instead of a program; nil for none. Argv is then what starts it, once it is known
	Build       Program        // must succeed before the process starts; the zero Program: none
	Shared      bool           // one instance for all checkouts of the project: see Mirror
	IsBuild     bool           // the process is the build of a service, not the service: see Builder
	Dir         string         // absolute
	Port        int            // 0: none
	Ports       []int          // all ports of the service, Port included
	NamedPorts  map[string]int // those beside Port, by name
	HTTP        bool           // Port speaks HTTP
	Host        string         // its label in the site; "": it has no named address
	HostHeader  string         // what the front sends as Host; "": what the client sent
	Address     string         // of Port, for its user: a URL, or "localhost:5432"; "" without a port
	Env         Environment
	EnvFiles    []Text // that it reads, in order; absolute paths
	DependsOn   []string
	Ready       Check
	Restart     Restart
	Watch       []string // patterns of files whose change restarts it
	RestartOn   []string // names of variables, or prefixes with a *, whose change restarts it; nil: all
	StopSignal  string
	StopTimeout time.Duration
	Setup       *Setup // it is a step of the setup; nil: it is a service

	own []string // the variables that hold its own ports
}

// Program is a command for the system's shell, or a program and its arguments.
// The zero Program means none.
type Program struct {
	Shell string
	Argv  []string
}

// IsZero reports whether there is no program.
func (p Program) IsZero() bool { return p.Shell == "" && len(p.Argv) == 0 }

func (p Program) equal(other Program) bool {
	return p.Shell == other.Shell && slices.Equal(p.Argv, other.Argv)
}

// Builder returns the process that builds p, in the directory and the
// environment of p.
func (p Process) Builder() Process {
	return Process{
		Service: p.Service, Shell: p.Build.Shell, Argv: p.Build.Argv, IsBuild: true,
		Dir: p.Dir, Env: p.Env, Ready: Check{Kind: Done},
	}
}

// Check is the condition for a process to be ready.
type Check struct {
	Kind    CheckKind
	Arg     string        // HTTP: the path; Log: the regular expression; Exec: a command for the system's shell
	Timeout time.Duration // after which it has failed; 0: none
}

// CheckKind is a kind of [Check].
type CheckKind string

const (
	None CheckKind = "none" // ready as soon as it has started
	TCP  CheckKind = "tcp"  // its port accepts a connection
	HTTP CheckKind = "http" // its port answers a GET with a status of 2xx or 3xx
	Log  CheckKind = "log"  // a line that it prints matches
	Exec CheckKind = "exec" // a command succeeds in its directory and environment
	Done CheckKind = "done" // it has exited with status 0

	// Healthy is the default of containers: the engine reports that it is
	// healthy. A container without a health check accepts a connection on its
	// port, or runs if it has none.
	Healthy CheckKind = "healthy"
)

// Restart is the policy for restarting a process that has exited.
type Restart string

const (
	RestartNo        Restart = "no"
	RestartOnFailure Restart = "on-failure"
	RestartAlways    Restart = "always"
)

// check returns the Check of s. The default is its port, without a timeout: not
// every service that has a port listens on it.
func (s Service) check() Check {
	kind, arg, _ := strings.Cut(s.Ready, ":")
	switch {
	case kind == string(HTTP):
		return Check{HTTP, httpPath(arg), s.ReadyTimeout}
	case s.Ready != "":
		return Check{CheckKind(kind), arg, s.ReadyTimeout}
	case s.HasPort:
		return Check{Kind: TCP}
	}
	return Check{Kind: None}
}

// Service returns the process with that name.
func (p Plan) Service(name string) (Process, bool) {
	i := slices.IndexFunc(p.Services, func(s Process) bool { return s.Service == name })
	if i < 0 {
		return Process{}, false
	}
	return p.Services[i], true
}

// Holds reports whether port belongs to one of the plan's services.
func (p Plan) Holds(port int) bool {
	return slices.ContainsFunc(p.Services, func(s Process) bool { return slices.Contains(s.Ports, port) })
}

// Patterns returns the watch patterns by service, Inactive included.
func (p Plan) Patterns() map[string][]string {
	patterns := map[string][]string{}
	for _, s := range slices.Concat(p.Services, p.Inactive) {
		if len(s.Watch) > 0 {
			patterns[s.Service] = s.Watch
		}
	}
	return patterns
}

// Select returns the plan with only the services that names lists; the rest
// become Inactive.
func (p Plan) Select(names []string) Plan {
	var services, inactive []Process
	for _, s := range p.Services {
		if slices.Contains(names, s.Service) {
			services = append(services, s)
		} else {
			inactive = append(inactive, s)
		}
	}
	p.Services, p.Inactive = services, inactive
	return p
}

// WithDependencies returns names and all services that they depend on, sorted.
func (p Plan) WithDependencies(names []string) []string {
	seen := map[string]bool{}
	var add func(name string)
	add = func(name string) {
		if s, ok := p.Service(name); ok && !seen[name] {
			seen[name] = true
			for _, on := range s.DependsOn {
				add(on)
			}
		}
	}
	for _, name := range names {
		add(name)
	}
	return slices.Sorted(maps.Keys(seen))
}
