package procfile

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"sync"
)

// Setup makes a [Process] a step of the setup: a job that runs once in each
// checkout, and again when the files that it watches, or the step itself,
// change, or when something that it creates is gone.
type Setup struct {
	Root       string   // absolute; what Creates and the Watch of the process are relative to
	Creates    []string // files or directories
	Definition string   // changes with the step's command, dir or env in the file
}

func (s *Setup) equal(other *Setup) bool {
	if s == nil || other == nil {
		return s == other
	}
	return s.Root == other.Root && s.Definition == other.Definition && slices.Equal(s.Creates, other.Creates)
}

// stepKeys are the keys of a step of the setup. It is initialized lazily, as
// most files have no steps.
var stepKeys = sync.OnceValue(func() keys[Service] {
	return keys[Service]{
		"command":    func(d *decoder, v *value, s *Service) { s.Command = d.command(v) },
		"dir":        func(d *decoder, v *value, s *Service) { s.Dir = d.text(v) },
		"env":        func(d *decoder, v *value, s *Service) { s.Env = d.variables(v) },
		"env_files":  func(d *decoder, v *value, s *Service) { s.EnvFiles = d.texts(v) },
		"depends_on": func(d *decoder, v *value, s *Service) { s.DependsOn = d.texts(v) },
		"when":       func(d *decoder, v *value, s *Service) { s.Watch = d.globs(v) },
		"creates":    func(d *decoder, v *value, s *Service) { s.Creates = d.texts(v) },
	}
})

// steps reads the table of steps. Each is a table, or just a command.
func (d *decoder) steps(v *value) []Service {
	if !d.is(v, kindTable) {
		return nil
	}
	var list []Service
	for _, e := range v.entries {
		s := newStep(e.key, e.pos)
		if !isServiceName(e.key) {
			d.fail(e.pos, "", "%s is not a valid step name: use a letter, then letters, digits, - and _", quote(e.key))
		}
		switch e.value.kind {
		case kindTable:
			for _, key := range e.value.entries {
				decodeEntry(d, key, " in step "+quote(e.key), stepKeys(), &s)
			}
			if e.value.find("command") == nil {
				d.fail(e.pos, "", "step %s has no command", quote(e.key))
			}
		case kindString, kindArray:
			d.key = e.key
			s.Command = d.command(e.value)
		default:
			d.fail(e.value.pos, "", "step %s must be a command or a table, not %s", quote(e.key), e.value.kind)
		}
		list = append(list, s)
	}
	return list
}

// newStep returns a step with the documented defaults. It is a service without
// a port that is done once it has succeeded.
func newStep(name string, pos Position) Service {
	s := newService(name, pos)
	s.Step, s.HasPort, s.NoHost = true, false, true
	s.Ready, s.ReadyPos, s.ReadyTimeout = string(Done), pos, 0
	return s
}

// withSteps returns the file with the steps of its setup, before its services.
// Every service depends on all steps, unless it names the steps that it depends
// on, it is shared, or a step depends on it, directly or not. The steps of an
// included file are for its own services only.
func (f File) withSteps() File {
	steps := f.steps
	f.steps = nil
	if len(steps) == 0 {
		return f
	}
	services := make(map[string]*Service, len(f.Services))
	for i := range f.Services {
		services[f.Services[i].Name] = &f.Services[i]
	}
	isStep := func(t Text) bool {
		return slices.ContainsFunc(steps, func(s Service) bool { return s.Name == t.Value })
	}
	needed := map[string]bool{} // by a step
	var need func(on []Text)
	need = func(on []Text) {
		for _, d := range on {
			if s, ok := services[d.Value]; ok && !needed[d.Value] {
				needed[d.Value] = true
				need(s.DependsOn)
			}
		}
	}
	for _, s := range steps {
		need(s.DependsOn)
	}
	for i := range f.Services {
		s := &f.Services[i]
		if s.Shared || needed[s.Name] || slices.ContainsFunc(s.DependsOn, isStep) {
			continue
		}
		s.DependsOn = slices.Clone(s.DependsOn)
		for _, step := range steps {
			if p := step.Pos.included(); p != nil && !slices.Contains(s.Pos.included().chain(), p) {
				continue // of another included file
			}
			s.DependsOn = append(s.DependsOn, Text{Value: step.Name}) // without a position: it is not in the file
		}
	}
	f.Services = slices.Concat(steps, f.Services)
	return f
}

// Steps returns the names of the steps of the setup, in the order of the file.
func (f File) Steps() (names []string) {
	for _, s := range f.Services {
		if s.Step {
			names = append(names, s.Name)
		}
	}
	return names
}

// WithoutSteps returns the file without the steps of its setup.
func (f File) WithoutSteps() File {
	steps := f.Steps()
	f.Services = slices.DeleteFunc(slices.Clone(f.Services), func(s Service) bool { return s.Step })
	for i := range f.Services {
		s := &f.Services[i]
		s.DependsOn = slices.DeleteFunc(slices.Clone(s.DependsOn), func(d Text) bool { return slices.Contains(steps, d.Value) })
	}
	return f
}

// kind is what messages call s.
func (s Service) kind() string {
	if s.Step {
		return "step"
	}
	return "service"
}

// checkSteps finds services and steps with the same name, and replicas of steps.
func (f File) checkSteps(fail failf) {
	for i := range f.Services {
		step := &f.Services[i]
		if !step.Step {
			continue
		}
		if step.Replicas > 1 { // only up -m asks for them
			fail(step.Pos, "", "step %s cannot have replicas", quote(step.Name))
		}
		for _, other := range f.Services {
			if !other.Step && step.Name == other.Name {
				fail(step.Pos, "rename one of them", "step %s and the service %s have the same name", quote(step.Name), other.Pos.beside(step.Pos, f.Name))
			}
		}
	}
}

// setup returns what makes the process of s a step; nil for a service.
func (r *resolver) setup(s Service) *Setup {
	if !s.Step {
		return nil
	}
	setup := &Setup{Root: r.file.Dir, Definition: s.definition()}
	for _, path := range s.Creates {
		setup.Creates = append(setup.Creates, r.file.relative(path))
	}
	return setup
}

// definition is a hash of what the step does, as it is written in the file:
// the ports of a checkout, for instance, do not change it.
func (s Service) definition() string {
	h := sha256.New()
	part := func(kind string, texts ...string) { fmt.Fprintf(h, "%s%q\n", kind, texts) }
	part("shell", s.Command.Shell)
	for _, a := range s.Command.Argv {
		part("arg", a.Value)
	}
	part("dir", s.Dir.Value)
	for _, v := range s.Env {
		part("env", v.Name, v.Value)
	}
	for _, w := range s.Watch {
		part("when", w.Value)
	}
	return hex.EncodeToString(h.Sum(nil)[:12])
}
