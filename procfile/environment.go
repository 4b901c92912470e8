package procfile

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/devports/devports/allocator/envvar"
)

// Environment is the complete environment of a service. The zero Environment is
// empty.
//
// The services of a plan share most variables: the caller's environment and
// every PORT_<NAME>. They also share the memory for them; otherwise a plan of n
// services would hold n² variables.
type Environment struct {
	common *commonVars
	own    []Var // sorted by name; overrides common
}

// commonVars are the variables that the services of a plan share.
type commonVars struct {
	all   []Var             // sorted by name
	list  []string          // all, as "NAME=value"
	set   []Var             // set by devports, sorted by name
	ports map[string]string // the part of set that holds ports
	urls  map[string]string // the part of set that holds URLs
	named map[string]string // the part of urls that does not contain ports of services

	inherited map[string]string // the caller's own environment
	marks     string            // the entries of set in envvar.Env
}

// Var is an environment variable.
type Var = envvar.Var

func byVarName(a, b Var) int { return strings.Compare(a.Name, b.Name) }

// sortedVars returns the variables of sets that have no name in common.
func sortedVars(sets ...map[string]string) []Var {
	size := 0
	for _, vars := range sets {
		size += len(vars)
	}
	list := make([]Var, 0, size)
	for _, vars := range sets {
		for name, value := range vars {
			list = append(list, Var{Name: name, Value: value})
		}
	}
	slices.SortFunc(list, byVarName)
	return list
}

func listOf(vars []Var) []string {
	list := make([]string, len(vars))
	for i, v := range vars {
		list[i] = v.Name + "=" + v.Value
	}
	return list
}

func findVar(vars []Var, name string) (string, bool) {
	i, found := slices.BinarySearchFunc(vars, name, func(v Var, name string) int { return cmp.Compare(v.Name, name) })
	if !found {
		return "", false
	}
	return vars[i].Value, true
}

// Lookup returns the value of a variable, and whether it is set.
func (e Environment) Lookup(name string) (string, bool) {
	if value, ok := findVar(e.own, name); ok || e.common == nil {
		return value, ok
	}
	return findVar(e.common.all, name)
}

// List returns the environment as "NAME=value", sorted by name, for [os/exec].
func (e Environment) List() []string { return e.AppendTo([]string{}) }

// AppendTo appends what List returns to a list. A caller that needs many of
// them for a moment can use the memory of the list again: each holds all
// variables of the plan.
func (e Environment) AppendTo(list []string) []string {
	var lower []Var
	var entries []string
	if e.common != nil {
		lower, entries = e.common.all, e.common.list
	}
	own, mark := e.marked()
	list = slices.Grow(list, len(lower)+len(own))
	for _, v := range own {
		entry := mark
		if mark == "" || v.Name != envvar.Env {
			entry = v.Name + "=" + v.Value
		}
		i, found := slices.BinarySearchFunc(lower, v, byVarName)
		list = append(append(list, entries[:i]...), entry)
		if found {
			i++
		}
		lower, entries = lower[i:], entries[i:]
	}
	return append(list, entries...)
}

// Set returns the variables that devports sets or changes, sorted by name.
func (e Environment) Set() []Var {
	if e.common == nil {
		return e.own
	}
	own, _ := e.marked()
	return override(e.common.set, own)
}

// marked returns own with [envvar.Env], which lists everything that Set
// returns, and that variable as "NAME=value": it is long, so it is made once.
// Plans are compared without it, because it follows from the rest.
func (e Environment) marked() (own []Var, mark string) {
	if e.common == nil {
		return e.own, ""
	}
	const name = envvar.Env + "="
	marks := envvar.Mark(e.own, e.common.inherited)
	if marks != "" && e.common.marks != "" {
		mark = name + marks + "," + e.common.marks
	} else {
		mark = name + marks + e.common.marks
	}
	return override(e.own, []Var{{Name: envvar.Env, Value: mark[len(name):]}}), mark
}

// override merges two sorted lists; for a name in both, upper wins.
func override(lower, upper []Var) []Var {
	merged := make([]Var, 0, len(lower)+len(upper))
	for _, v := range upper {
		i, found := slices.BinarySearchFunc(lower, v, byVarName)
		merged = append(append(merged, lower[:i]...), v)
		lower = lower[i:]
		if found {
			lower = lower[1:]
		}
	}
	return append(merged, lower...)
}

// port returns the value of a variable that holds a port: PORT, if the service
// has one, or a PORT_<NAME>.
func (e Environment) port(name string) (string, bool) {
	if name == "PORT" {
		return findVar(e.own, name)
	}
	if e.common == nil {
		return "", false
	}
	value, ok := e.common.ports[name]
	return value, ok
}

// commonDifference is the difference between the common parts of two
// environments.
type commonDifference struct {
	ports []string // names of port variables in both, with different numbers
	other []string // names of other variables that differ or are in only one
}

func differenceOf(before, after *commonVars) (d commonDifference) {
	if before == nil || after == nil || before == after {
		return commonDifference{}
	}
	for name, port := range before.ports {
		if now, ok := after.ports[name]; ok && now != port {
			d.ports = append(d.ports, name)
		}
	}
	slices.Sort(d.ports)
	d.other = differentNames(before.others(), after.others())
	for name, url := range before.named {
		if now, ok := after.named[name]; ok && now != url {
			d.other = append(d.other, name)
		}
	}
	return d
}

// others returns the variables that do not hold ports or URLs of services.
func (c *commonVars) others() map[string]string {
	vars := make(map[string]string, len(c.all))
	for _, v := range c.all {
		_, port := c.ports[v.Name]
		_, url := c.urls[v.Name]
		if !port && !url {
			vars[v.Name] = v.Value
		}
	}
	return vars
}

// differentFrom returns the sorted names of variables that differ, without
// those that hold ports. common lists the names that differ in the common
// parts.
func (e Environment) differentFrom(after Environment, common []string) []string {
	names := map[string]bool{}
	for _, name := range common {
		names[name] = true
	}
	for _, v := range slices.Concat(e.own, after.own) {
		names[v.Name] = true
	}
	maps.DeleteFunc(names, func(name string, _ bool) bool { return e.other(name) == after.other(name) })
	return slices.Sorted(maps.Keys(names))
}

// optional is the value of a variable, if it is set.
type optional struct {
	value string
	set   bool
}

// other returns a variable, or nothing if it holds a port.
func (e Environment) other(name string) (v optional) {
	if _, port := e.port(name); port {
		return optional{}
	}
	v.value, v.set = e.Lookup(name)
	return v
}
