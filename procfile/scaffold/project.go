package scaffold

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/devports/devports/allocator"
	"github.com/devports/devports/allocator/envvar"
)

// Project is the services found in a directory.
type Project struct {
	Services []Service
	Steps    []Step     // of the setup
	Env      []Variable // for every service
	LeftOut  []LeftOut
	Ignore   []string // patterns for .gitignore: the output of the services' builds
}

// Service is one service of a Portfile.
type Service struct {
	Name      string
	Origin    string // the file that declares it, relative to the directory
	Part      string // the part of that file: "script dev"
	Note      string // the framework: "Vite"
	Command   string // for the shell; "" for a service of a compose file
	Compose   string // the name of that service
	Build     string // for the shell; "" for none
	Watch     []string
	Dir       string // "" is the directory itself
	NoPort    bool   // it does not listen
	Worker    bool   // its name or command suggests a worker
	Pin       int    // 0: none
	Ports     []Port // additional ones
	DependsOn []string
	Ready     string // "" is the default
	Env       []Variable
	Restart   string // "" is never
	StopAfter string // the stop_timeout, if the default is too short
	Remarks   []string

	ComposeFile   string // "": the one that docker compose finds
	ContainerPort int    // 0: the first that the compose file publishes

	short string // the command without details
}

// Summary returns what starts the service, for a person to read: its build, or
// its command without details.
func (s Service) Summary() string { return cmp.Or(s.short, s.Build, s.Command) }

// Port is an additional port of a service.
type Port struct {
	Name string
	Pin  int // 0: none

	Container int // the port in the container; 0: the next that the compose file publishes
}

// Variable is a variable and its value, in which ${PORT_…} is a port.
type Variable struct {
	Name, Value string
	Comment     string // where it comes from, or who reads it: a sentence
}

// LeftOut is a file, or a part of one, that became no service, and the reason.
type LeftOut struct {
	Name, Reason string
}

// Origins returns the files that the services come from, each once.
func (p Project) Origins() []string {
	var files []string
	for _, s := range p.Services {
		if !slices.Contains(files, s.Origin) {
			files = append(files, s.Origin)
		}
	}
	return files
}

// add adds a service under the first free one of names, and returns that name.
func (p *Project) add(s Service, names ...string) string {
	s.Name = p.freeName(names)
	p.Services = append(p.Services, s)
	return s.Name
}

func (p *Project) leaveOut(name, reason string, args ...any) {
	p.LeftOut = append(p.LeftOut, LeftOut{name, fmt.Sprintf(reason, args...)})
}

// freeName returns a service name made from the first of names that is free: no
// two names may share a variable.
func (p *Project) freeName(names []string) string {
	first := ""
	for _, n := range names {
		if n = serviceName(n); n != "" && !p.taken(allocator.PortName{Service: n}) {
			return n
		} else if first == "" {
			first = n
		}
	}
	if first == "" {
		first = "app"
	}
	name := first
	for i := 2; p.taken(allocator.PortName{Service: name}); i++ {
		name = fmt.Sprintf("%s-%d", first, i)
	}
	return name
}

// taken reports whether a port already uses the variable of n.
func (p *Project) taken(n allocator.PortName) bool {
	if n.Service == "devports" { // the name of devports' own lines
		return true
	}
	return slices.Contains(p.portVariables(), n.Variable())
}

// portVariables returns the variables that devports sets for the services.
func (p *Project) portVariables() []string {
	var variables []string
	for _, s := range p.Services {
		variables = append(variables, allocator.PortName{Service: s.Name}.Variable())
		for _, q := range s.Ports {
			variables = append(variables, allocator.PortName{Service: s.Name, Port: q.Name}.Variable())
		}
	}
	return variables
}

// serviceName turns s into a valid service name: a letter, then letters,
// digits, hyphens and underscores. It returns "" if nothing is left.
func serviceName(s string) string {
	name := strings.Map(func(r rune) rune {
		if r < 0x80 && (isNameByte(byte(r)) || r == '-') {
			return r
		}
		return '-'
	}, s)
	for strings.Contains(name, "--") {
		name = strings.ReplaceAll(name, "--", "-")
	}
	name = strings.TrimLeft(name, "-_0123456789")
	return strings.TrimRight(name, "-_")
}

// resolveConflicts removes duplicate pins, dependencies on unknown services,
// dependency cycles and variables that devports sets.
func (p *Project) resolveConflicts() {
	owner := map[int]string{}
	pin := func(s *Service, n *int) {
		if before, taken := owner[*n]; *n != 0 && taken {
			s.Remarks = append(s.Remarks, fmt.Sprintf("It uses port %d, which %s already pins: change one of them.", *n, before))
			*n = 0
		} else if *n != 0 {
			owner[*n] = s.Name
		}
	}
	depends := map[string][]string{}
	for i := range p.Services {
		s := &p.Services[i]
		pin(s, &s.Pin)
		for j := range s.Ports {
			pin(s, &s.Ports[j].Pin)
		}
		s.DependsOn = slices.DeleteFunc(s.DependsOn, func(on string) bool {
			known := slices.ContainsFunc(p.Services, func(o Service) bool { return o.Name == on })
			if !known || slices.Contains(depends[s.Name], on) || leadsTo(depends, on, s.Name) {
				return true
			}
			depends[s.Name] = append(depends[s.Name], on)
			return false
		})
	}
	ports := p.portVariables()
	own := func(v Variable) bool { // devports' own
		return slices.Contains(ports, v.Name) || v.Name == "PORT" || strings.HasPrefix(v.Name, envvar.Prefix)
	}
	p.Env = slices.DeleteFunc(p.Env, own)
	for i := range p.Services {
		p.Services[i].Env = slices.DeleteFunc(p.Services[i].Env, own)
	}
}

// leadsTo reports whether from depends on to, directly or not.
func leadsTo(depends map[string][]string, from, to string) bool {
	return from == to || slices.ContainsFunc(depends[from], func(next string) bool { return leadsTo(depends, next, to) })
}
