package procfile

import (
	"fmt"
	"slices"
	"strings"

	"github.com/devports/devports/allocator"
	"github.com/devports/devports/allocator/envvar"
)

// check finds conflicts between the parts of a file: names that clash, ports
// pinned twice, dependencies that cannot be met and checks without a port.
func (f File) check() Problems {
	var problems Problems
	fail := func(pos Position, hint, format string, args ...any) {
		problems = append(problems, problemf(f.Name, pos, hint, format, args...))
	}
	f.checkVariables(fail)
	f.checkPins(fail)
	f.checkDependencies(fail)
	f.checkReady(fail)
	f.checkHosts(fail)
	f.checkContainers(fail)
	f.checkGroups(fail)
	f.checkSteps(fail)
	f.checkShared(fail)
	return problems
}

type failf func(pos Position, hint, format string, args ...any)

// checkVariables finds names that are reserved or share a variable, and variables in
// the file that only devports may set.
func (f File) checkVariables(fail failf) {
	type owner struct {
		label string
		pos   Position
	}
	owners := map[string]owner{}
	claim := func(name allocator.PortName, suffix, label string, pos Position) {
		v := name.Variable() + suffix
		if before, taken := owners[v]; taken {
			fail(pos, "rename one of them", "%s and %s %s would both use the variable %s", label, before.label, before.pos.beside(pos, f.Name), v)
			return
		}
		owners[v] = owner{label, pos}
	}
	for _, s := range f.Services {
		if s.Name == reservedName {
			fail(s.Pos, "use another name", "%s is the name of devports' own lines in its output", quote(s.Name))
		}
		if s.Step {
			continue
		}
		// A service without a port claims its name, too: DEVPORTS_SERVICE and
		// the registry use it.
		claim(allocator.PortName{Service: s.Name}, "", "service "+quote(s.Name), s.Pos)
		for n := 2; n <= s.Replicas; n++ {
			claim(allocator.PortName{Service: s.Name}, fmt.Sprintf("_%d", n), fmt.Sprintf("replica \"%s.%d\"", s.Name, n), s.Pos)
		}
	}
	for _, s := range f.Services {
		for i, p := range s.Ports {
			if slices.ContainsFunc(s.Ports[:i], func(q ExtraPort) bool { return q.Name == p.Name }) {
				continue // already reported
			}
			claim(allocator.PortName{Service: s.Name, Port: p.Name}, "", fmt.Sprintf("port %s of service %s", quote(p.Name), quote(s.Name)), p.Pos)
		}
	}
	reserved := func(vars []Variable, table string) {
		for _, v := range vars {
			_, port := owners[v.Name]
			switch {
			case v.Name == "PORT":
				fail(v.Pos, "to pin a service's port, set port = 3000 in its table", "%s cannot set PORT: every service has its own", table)
			case port, v.Name == envvar.Env, slices.Contains(labels, v.Name), v.Name == ComposeProject && f.composes():
				fail(v.Pos, "use another name", "%s cannot set %s: devports sets it", table, v.Name)
			}
		}
	}
	reserved(f.Env, "[env]")
	for _, s := range f.Services {
		reserved(s.Env, "env of "+s.kind()+" "+quote(s.Name))
	}
}

// checkPins finds ports that the file pins twice.
func (f File) checkPins(fail failf) {
	first := map[int]wantedAt{}
	ports := slices.DeleteFunc(f.wanted(), func(p wantedAt) bool { return p.Pin == 0 })
	slices.SortStableFunc(ports, func(a, b wantedAt) int { return a.pos.compare(b.pos) })
	for _, p := range ports {
		if before, taken := first[p.Pin]; taken {
			fail(p.pos, "pin another port, or none: devports chooses one", "port %d is already pinned by %s %s", p.Pin, quote(before.Name.String()), before.pos.beside(p.pos, f.Name))
			continue
		}
		first[p.Pin] = p
	}
}

// checkDependencies finds dependencies on unknown services, and cycles.
func (f File) checkDependencies(fail failf) {
	services := make(map[string]*Service, len(f.Services))
	for i := range f.Services {
		services[f.Services[i].Name] = &f.Services[i]
	}
	for _, s := range f.Services {
		for i, d := range s.DependsOn {
			if _, declared := services[d.Value]; !declared && d.Pos.Line > 0 {
				others := slices.DeleteFunc(f.ServiceNames(), func(name string) bool { return name == s.Name })
				hint := didYouMean(d.Value, others)
				if at, removed := f.removed[d.Value]; removed {
					name, where := s.Name, "there"
					if p := at.included(); p != nil { // its own services only
						name = s.Pos.included().short(name)
						if p != s.Pos.included() {
							where = "in its " + LocalName
						}
					}
					hint = fmt.Sprintf("%s:%d removes it: set depends_on of %s %s, too", at.file(f.Name), at.Line, name, where)
				}
				fail(d.Pos, hint, "%s %s depends on %s, which is not a service", s.kind(), quote(s.Name), quote(d.Value))
			}
			if slices.ContainsFunc(s.DependsOn[:i], func(e Text) bool { return e.Value == d.Value }) {
				fail(d.Pos, "", "%s is listed twice", quote(d.Value))
			}
		}
	}
	done := map[string]bool{}
	var path []string
	var visit func(name string, pos Position)
	visit = func(name string, pos Position) {
		if i := slices.Index(path, name); i >= 0 {
			fail(pos, "", "circular dependency: %s", strings.Join(append(slices.Clone(path[i:]), name), " → "))
			return
		}
		s, ok := services[name]
		if !ok || done[name] {
			return
		}
		path = append(path, name)
		for _, d := range s.DependsOn {
			visit(d.Value, d.Pos)
		}
		path = path[:len(path)-1]
		done[name] = true
	}
	for _, s := range f.Services {
		visit(s.Name, s.Pos)
	}
}
