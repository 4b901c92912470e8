package procfile

import (
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/devports/devports/allocator"
)

// File is a Portfile or Procfile that is valid in itself. [File.Resolve] checks
// its env files, directories and variables.
type File struct {
	Name       string // as the user named it; the File of every Problem
	Path       string // absolute; "" for standard input
	Dir        string // absolute; the base of relative paths
	Project    string // "" unless the file names it
	Range      allocator.Set
	EnvFiles   []Text // as written; nil: .env, if it exists
	Env        []Variable
	StopOnExit bool
	Copy       []Text   // files that are copied from the main checkout, with slashes
	Outside    []string // programs that outlive the services that started them
	Groups     []Group
	Uses       []Use     // other projects, whose ports the services get
	Services   []Service // the steps of the setup and the services, in the order of the file
	Procfile   bool      // parsed with the Procfile grammar

	loader  Loader
	parts   []*includedFile     // the included files
	watched []string            // see Watched; without Path
	locals  []string            // the names of each Portfile.local
	removed map[string]Position // services and steps that a Portfile.local removes
	notes   Problems            // from reading the files
	tree    *value              // the merged files; nil for a Procfile
	steps   []Service           // until they are among Services
}

// Text is a string in a file and its position.
type Text struct {
	Value string
	Pos   Position
}

// Variable is one entry of a table of variables, its value not yet expanded.
type Variable struct {
	Name  string
	Value string
	Pos   Position
}

// Service is one declared command, with the defaults filled in.
type Service struct {
	Name         string
	ReplicaOf    string // for a replica (see [File.ExpandReplicas]): the declared service
	Pos          Position
	Command      Command
	Container    *DeclaredContainer // nil: it runs as a process
	Build        Command            // builds it; the zero Command: no build
	Dir          Text               // relative to the file; "" is the file's directory
	HasPort      bool
	Pin          int // the port that the file pins; 0: none
	PinPos       Position
	Ports        []ExtraPort // in the order of the file
	HTTP         Choice      // whether its port speaks HTTP; Default: unless it runs a known server of another protocol
	HTTPPos      Position
	Host         Text // its label in named addresses; "": made from its name
	NoHost       bool // it has no named address
	HostHeader   Text // what the front sends as Host; "": what the client sent
	Env          []Variable
	EnvFiles     []Text
	DependsOn    []Text
	ReadyPos     Position
	Ready        string // "" is the default; otherwise one of the forms that decoder.ready accepts
	ReadyTimeout time.Duration
	Restart      Restart
	Watch        []Text
	RestartOn    []Text // nil: all variables, unless the command is a known server
	Replicas     int
	Manual       bool // autostart = false: started only by name or as a dependency
	Shared       bool // one instance for all checkouts of the project
	SharedPos    Position
	StopSignal   string // without "SIG"
	StopTimeout  time.Duration

	Step    bool   // it is a step of the setup; Watch has its `when` patterns
	Creates []Text // of a step: see [Setup]

	undeclared     bool // see AddService
	stopSignalSet  bool // the file sets StopSignal
	stopTimeoutSet bool // and StopTimeout
}

// Command is what a service runs: either Shell, one string for the system's
// shell, or Argv, a program and its arguments.
type Command struct {
	Shell string
	Argv  []Text
	Pos   Position // of Shell

	verbatim bool // Shell stands at Pos as it is, without escapes
}

// at returns the position of an offset in Shell, or of Shell if it is not known.
func (c Command) at(offset int) Position {
	before := c.Shell[:offset]
	line := strings.LastIndexByte(before, '\n')
	switch {
	case !c.verbatim:
		return c.Pos
	case line >= 0:
		return Position{c.Pos.Line + strings.Count(before, "\n"), offset - line, c.Pos.in}
	}
	return Position{c.Pos.Line, c.Pos.Column + offset, c.Pos.in}
}

// ExtraPort is an additional port of a service.
type ExtraPort struct {
	Name string
	Pin  int // 0: none
	Pos  Position
}

// Ports returns every port that the file asks for, sorted by name, so that the
// choice does not depend on the order of the file.
func (f File) Ports() []allocator.WantedPort {
	var ports []allocator.WantedPort
	for _, w := range f.wanted() {
		ports = append(ports, w.WantedPort)
	}
	return ports
}

// wantedAt is a port that a file asks for, and the position of its pin or, if
// it has none, of its declaration.
type wantedAt struct {
	allocator.WantedPort
	pos Position
}

// wanted is Ports with positions.
func (f File) wanted() []wantedAt {
	var wanted []wantedAt
	for _, s := range f.Services {
		add := func(n allocator.PortName, pin int, pos Position) {
			wanted = append(wanted, wantedAt{allocator.WantedPort{Name: n, Pin: pin, Undeclared: s.undeclared}, pos})
		}
		if s.HasPort {
			pos := s.Pos
			if s.Pin != 0 {
				pos = s.PinPos
			}
			add(allocator.PortName{Service: s.Name}, s.Pin, pos)
		}
		for _, p := range s.Ports {
			add(allocator.PortName{Service: s.Name, Port: p.Name}, p.Pin, p.Pos)
		}
	}
	slices.SortFunc(wanted, func(a, b wantedAt) int { return a.Name.Compare(b.Name) })
	return wanted
}

// NotePins returns a note for each of the ports, at its pin in the file.
// describe returns the text of a note.
func (f File) NotePins(ports []allocator.WantedPort, describe func(allocator.WantedPort) (text, hint string)) Problems {
	var notes Problems
	for _, w := range f.wanted() {
		if slices.Contains(ports, w.WantedPort) {
			text, hint := describe(w.WantedPort)
			notes = append(notes, problemf(f.Name, w.pos, hint, "%s", text))
		}
	}
	return notes.sorted()
}

// Service returns the service with that name.
func (f File) Service(name string) (Service, bool) {
	for i := range f.Services { // without a copy of each
		if f.Services[i].Name == name {
			return f.Services[i], true
		}
	}
	return Service{}, false
}

// ServiceNames returns the names of all services, sorted.
func (f File) ServiceNames() []string {
	names := make([]string, len(f.Services))
	for i, s := range f.Services {
		names[i] = s.Name
	}
	slices.Sort(names)
	return names
}

// WithDependencies returns names and everything they depend on, directly or
// not, sorted. Every name must be one of the file's services; a service with
// replicas stands for all of them.
func (f File) WithDependencies(names []string) []string {
	dependsOn := make(map[string][]Text, len(f.Services))
	replicas := map[string][]string{}
	for i := range f.Services {
		s := &f.Services[i]
		dependsOn[s.Name] = s.DependsOn
		if s.ReplicaOf != "" {
			replicas[s.ReplicaOf] = append(replicas[s.ReplicaOf], s.Name)
		}
	}
	seen := make(map[string]bool, len(names))
	all := make([]string, 0, len(names))
	var add func(name string)
	add = func(name string) {
		if seen[name] {
			return
		}
		seen[name], all = true, append(all, name)
		for _, d := range dependsOn[name] {
			add(d.Value)
		}
	}
	for _, name := range names {
		add(name)
		for _, replica := range replicas[name] {
			add(replica)
		}
	}
	slices.Sort(all)
	return all
}

// path returns the absolute form of a path in the file, which is relative to the
// file that contains it.
func (f File) path(t Text) string {
	if filepath.IsAbs(t.Value) {
		return filepath.Clean(t.Value)
	}
	return filepath.Join(f.base(t.Pos), t.Value)
}

// Watched returns the absolute paths of the files that the project was read
// from, of those that would change it if they appeared, and the patterns that
// they would match.
func (f File) Watched() []string {
	if f.Path == "" {
		return unique(slices.Clone(f.watched))
	}
	return unique(append([]string{f.Path}, f.watched...))
}

// Empty returns a file in the directory dir that declares no services and reads
// no env files.
func Empty(dir string) File {
	return File{Name: dir, Dir: dir, EnvFiles: []Text{}}
}

// AddService returns the file with one more service, without a command, and the
// service's name. If the file already has a service with that name, or with the
// same variable, AddService returns the file unchanged and that service's name.
func (f File) AddService(name string) (File, string) {
	variable := allocator.PortName{Service: name}.Variable()
	for _, s := range f.Services {
		if (allocator.PortName{Service: s.Name}).Variable() == variable {
			return f, s.Name
		}
	}
	added := newService(name, Position{})
	added.undeclared = len(f.Services) > 0 // without services, the port belongs to the directory
	f.Services = append(slices.Clone(f.Services), added)
	return f, name
}
