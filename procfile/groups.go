package procfile

import (
	"slices"
	"strings"
)

// Group is a name for several services.
type Group struct {
	Name    string
	Pos     Position
	Members []Text // names of services and of other groups
}

// groups reads the table of groups.
func (d *decoder) groups(v *value) []Group {
	if !d.is(v, kindTable) {
		return nil
	}
	var list []Group
	for _, e := range v.entries {
		d.key = e.key
		g := Group{Name: e.key, Pos: e.pos, Members: d.texts(e.value)}
		switch {
		case !isServiceName(e.key):
			d.fail(e.pos, "", "%s is not a valid group name: use a letter, then letters, digits, - and _", quote(e.key))
		case e.value.kind == kindArray && len(g.Members) == 0:
			d.fail(e.pos, e.key+` = ["api", "db"]`, "group %s is empty", quote(e.key))
		}
		list = append(list, g)
	}
	return list
}

// checkGroups finds groups that have the name of a service, or unknown members.
func (f File) checkGroups(fail failf) {
	names := f.names()
	for _, g := range f.Groups {
		if s, ok := f.Service(g.Name); ok {
			fail(g.Pos, "rename one of them", "group %s has the name of the service %s", quote(g.Name), s.Pos.beside(g.Pos, f.Name))
		}
		for i, m := range g.Members {
			_, service := f.Service(m.Value)
			_, group := f.group(m.Value)
			if !service && !group && m.Pos.Line > 0 {
				fail(m.Pos, didYouMean(m.Value, names), "group %s contains %s, which is neither a service nor a group", quote(g.Name), quote(m.Value))
			}
			if slices.ContainsFunc(g.Members[:i], func(other Text) bool { return other.Value == m.Value }) {
				fail(m.Pos, "", "%s is listed twice", quote(m.Value))
			}
		}
	}
	done := map[string]bool{}
	var path []string
	var visit func(name string, pos Position)
	visit = func(name string, pos Position) {
		if i := slices.Index(path, name); i >= 0 {
			fail(pos, "", "group %s contains itself: %s", quote(name), strings.Join(append(slices.Clone(path[i:]), name), " → "))
			return
		}
		g, ok := f.group(name)
		if !ok || done[name] {
			return
		}
		path = append(path, name)
		for _, m := range g.Members {
			visit(m.Value, m.Pos)
		}
		path = path[:len(path)-1]
		done[name] = true
	}
	for _, g := range f.Groups {
		visit(g.Name, g.Pos)
	}
}

func (f File) group(name string) (Group, bool) {
	i := slices.IndexFunc(f.Groups, func(g Group) bool { return g.Name == name })
	if i < 0 {
		return Group{}, false
	}
	return f.Groups[i], true
}

// GroupNames returns the names of all groups, sorted.
func (f File) GroupNames() []string {
	names := make([]string, len(f.Groups))
	for i, g := range f.Groups {
		names[i] = g.Name
	}
	slices.Sort(names)
	return names
}

// names returns the names of all services and groups, sorted.
func (f File) names() []string {
	names := append(f.ServiceNames(), f.GroupNames()...)
	slices.Sort(names)
	return names
}

// Expand returns names with each group replaced by its services, each once. A
// service of a group stands for all of its replicas. Names that are not groups
// stay as they are.
func (f File) Expand(names []string) []string {
	var expanded []string
	seen := map[string]bool{}
	add := func(name string) {
		if !seen[name] {
			seen[name] = true
			expanded = append(expanded, name)
		}
	}
	within := map[string]bool{}
	var walk func(name string, grouped bool)
	walk = func(name string, grouped bool) {
		g, ok := f.group(name)
		switch {
		case ok && within[name]: // a problem, reported by checkGroups
		case ok:
			within[name] = true
			for _, m := range g.Members {
				walk(m.Value, true)
			}
		case grouped:
			if _, declared := f.Service(name); declared {
				add(name)
			}
			for _, s := range f.Services {
				if s.ReplicaOf == name {
					add(s.Name)
				}
			}
		default:
			add(name)
		}
	}
	for _, name := range names {
		walk(name, false)
	}
	return expanded
}

// DependencyError reports that services which a start leaves out are needed by
// others that it starts.
type DependencyError struct {
	Without string // a service that is left out
	Needed  string // a service that is started, and depends on it
}

func (e *DependencyError) Error() string {
	return "cannot start without " + e.Without + ": " + e.Needed + " depends on it"
}

// Starts returns the services that a start without a selection starts: those
// with autostart, or the selected ones, and their dependencies, sorted. Names in
// selected that the file does not declare are ignored. It leaves out the
// services of without, and those that only they need. The error is a
// *[DependencyError] if another service needs one of these.
func (f File) Starts(selected, without []string) ([]string, error) {
	all := len(selected) == 0
	selected = slices.DeleteFunc(f.Expand(selected), func(name string) bool {
		_, declared := f.Service(name)
		return !declared
	})
	left := map[string]bool{}
	for _, name := range f.Expand(without) {
		left[name] = true
		for _, s := range f.Services {
			left[s.Name] = left[s.Name] || s.ReplicaOf == name
		}
	}
	if all {
		for _, s := range f.Services {
			if !s.Manual {
				selected = append(selected, s.Name)
			}
		}
	}
	if len(left) == 0 {
		return f.WithDependencies(selected), nil
	}
	selected = slices.DeleteFunc(selected, func(name string) bool { return left[name] })
	starts := f.WithDependencies(selected)
	for _, name := range starts {
		s, _ := f.Service(name)
		for _, d := range s.DependsOn {
			if left[d.Value] {
				return nil, &DependencyError{d.Value, name}
			}
		}
	}
	return starts, nil
}
