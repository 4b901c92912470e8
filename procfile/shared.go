package procfile

import (
	"fmt"
	"slices"
	"strings"

	"github.com/devports/devports/allocator/text"
)

// checkShared finds shared services that cannot be shared: the run of all
// checkouts has only shared services, and one process for each.
func (f File) checkShared(fail failf) {
	for _, s := range f.Services {
		if !s.Shared {
			continue
		}
		if s.Replicas > 1 {
			fail(s.SharedPos, "", "the shared service %s cannot have replicas", quote(s.Name))
		}
		for _, d := range s.DependsOn {
			on, declared := f.Service(d.Value)
			switch {
			case on.Step:
				fail(d.Pos, "remove it from depends_on: a shared service waits for no step", "the shared service %s depends on the step %s, which is for one checkout", quote(s.Name), quote(d.Value))
			case declared && !on.Shared:
				fail(d.Pos, "set shared = true in "+quote(d.Value)+", too", "the shared service %s depends on %s, which is not shared", quote(s.Name), quote(d.Value))
			}
		}
	}
}

// SharedServices returns the names of the shared services, sorted.
func (f File) SharedServices() (names []string) {
	for _, s := range f.Services {
		if s.Shared {
			names = append(names, s.Name)
		}
	}
	slices.Sort(names)
	return names
}

// Unshare returns the file with its own instances of the services that keep does
// not hold for.
func (f File) Unshare(keep func(name string) bool) File {
	f.Services = slices.Clone(f.Services)
	for i := range f.Services {
		s := &f.Services[i]
		s.Shared = s.Shared && keep(s.Name)
	}
	for i := range f.Services { // a shared service depends only on shared ones
		s := &f.Services[i]
		s.DependsOn = slices.Clone(s.DependsOn)
		s.DependsOn = slices.DeleteFunc(s.DependsOn, func(d Text) bool {
			on, declared := f.Service(d.Value)
			return s.Shared && declared && !on.Shared
		})
	}
	return f
}

// Mirror returns the process that stands for p in a run that does not start it,
// because it is shared: it has no command and no environment, which are those of
// another checkout.
func (p Process) Mirror() Process {
	return Process{
		Service: p.Service, Position: p.Position, Shared: true, Port: p.Port, Ports: p.Ports,
		HTTP: p.HTTP, Address: p.Address, DependsOn: p.DependsOn, Ready: Check{Kind: p.Ready.Kind, Arg: p.Ready.Arg},
		Restart: RestartNo, StopSignal: p.StopSignal, StopTimeout: p.StopTimeout,
	}
}

// Difference is a key of a service that two files declare differently.
type Difference struct {
	Key         string
	Here, There string // the values; "" for none
}

// Differences compares the declarations of a service in two files, as far as they
// decide how it runs.
func (s Service) Differences(other Service) (all []Difference) {
	add := func(key, here, there string) {
		if here != there {
			all = append(all, Difference{key, here, there})
		}
	}
	add("command", s.Command.String(), other.Command.String())
	add("build", s.Build.String(), other.Build.String())
	s.Container.or().differences(other.Container.or(), add)
	add("dir", s.Dir.Value, other.Dir.Value)
	add("port", s.pin(), other.pin())
	add("ports", extraPorts(s.Ports), extraPorts(other.Ports))
	add("ready", s.Ready, other.Ready)
	add("env", variables(s.Env), variables(other.Env))
	add("env_files", values(s.EnvFiles), values(other.EnvFiles))
	add("depends_on", values(s.DependsOn), values(other.DependsOn))
	return all
}

// String returns the command as its user would type it.
func (c Command) String() string {
	if c.Shell != "" {
		return c.Shell
	}
	words := make([]string, len(c.Argv))
	for i, arg := range c.Argv {
		words[i] = text.QuoteSh(arg.Value)
	}
	return strings.Join(words, " ")
}

func (s Service) pin() string {
	switch {
	case !s.HasPort:
		return "false"
	case s.Pin == 0:
		return ""
	}
	return fmt.Sprint(s.Pin)
}

func extraPorts(ports []ExtraPort) string {
	list := make([]string, len(ports))
	for i, p := range ports {
		list[i] = p.Name
		if p.Pin != 0 {
			list[i] += fmt.Sprintf(" = %d", p.Pin)
		}
	}
	return strings.Join(list, ", ")
}

func variables(vars []Variable) string {
	list := make([]string, len(vars))
	for i, v := range vars {
		list[i] = v.Name + "=" + v.Value
	}
	return strings.Join(list, ", ")
}

func values(list []Text) string {
	all := make([]string, len(list))
	for i, t := range list {
		all[i] = t.Value
	}
	return strings.Join(all, ", ")
}
