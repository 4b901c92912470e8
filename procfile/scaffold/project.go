package scaffold

import (
	"fmt"
	"slices"
	"strings"

	"github.com/devports/devports/allocator"
	"github.com/devports/devports/allocator/envvar"
)

// Project is what can be started in a folder.
type Project struct {
	Services []Service
	Env      []Variable // for every service
	LeftOut  []LeftOut
	Ignore   []string // patterns for .gitignore: what the services' builds write
}

// Service is one command, in the terms of a Portfile.
type Service struct {
	Name      string
	Origin    string // the file that speaks of it, from the folder
	Part      string // the part of it that is meant: "script dev"
	Note      string // what is started: "Vite"
	Command   string // for the shell
	Build     string // what makes it, for the shell; "" for nothing
	Watch     []string
	Dir       string // "" is the folder itself
	NoPort    bool   // it listens nowhere
	Worker    bool   // so its name or command says
	Pin       int    // the port that it has to have; 0: any
	Ports     []Port // further ones
	DependsOn []string
	Ready     string // "" is the default
	StopAfter string // the stop_timeout, if the default is too short
	Remarks   []string

	fixed bool // a compose file names its port as a number
}

// Port is a port that a service has beside its own.
type Port struct {
	Name string
	Pin  int // 0: any
}

// Variable is a variable and its value, in which ${PORT_…} is a port.
type Variable struct {
	Name, Value string
	Reader      string // the file that reads it
}

// LeftOut is something that was found but is not started, and why.
type LeftOut struct {
	What, Why string
}

// Origins are the files that the services come from, each once.
func (p Project) Origins() []string {
	var files []string
	for _, s := range p.Services {
		if !slices.Contains(files, s.Origin) {
			files = append(files, s.Origin)
		}
	}
	return files
}

// add puts a service in, under the first of names that is free, and returns
// what it is called.
func (p *Project) add(s Service, names ...string) string {
	s.Name = p.freeName(names)
	p.Services = append(p.Services, s)
	return s.Name
}

func (p *Project) leaveOut(what, why string, args ...any) {
	p.LeftOut = append(p.LeftOut, LeftOut{what, fmt.Sprintf(why, args...)})
}

// freeName makes a service's name of the first of these that clashes with no
// other: two names must not come to the same variable.
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

// taken reports whether a port has the variable already that n would have.
func (p *Project) taken(n allocator.PortName) bool {
	return slices.Contains(p.portVariables(), n.Variable())
}

// portVariables are the variables that devports sets for the services.
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

// serviceName is s as a service can be called: a letter, then letters, digits,
// - and _.
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

// settle takes out what would contradict itself: a number that two services
// pin, dependencies on what is not there, circles.
func (p *Project) settle() {
	owner := map[int]string{}
	pin := func(s *Service, n *int) {
		if before, taken := owner[*n]; *n != 0 && taken {
			s.Remarks = append(s.Remarks, fmt.Sprintf("It wants port %d, which %s has: let one of them have another.", *n, before))
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
	p.Env = slices.DeleteFunc(p.Env, func(v Variable) bool {
		return slices.Contains(ports, v.Name) || strings.HasPrefix(v.Name, envvar.Prefix) // devports' own
	})
}

// leadsTo reports whether to can be reached from a service.
func leadsTo(depends map[string][]string, from, to string) bool {
	return from == to || slices.ContainsFunc(depends[from], func(next string) bool { return leadsTo(depends, next, to) })
}
