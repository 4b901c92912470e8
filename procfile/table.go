package procfile

import (
	"slices"
	"strings"
)

// table is a table of variables over what lies below it. Its entries may use
// each other in any order; one that uses its own name means the one below.
type table struct {
	resolver *resolver
	vars     []Variable
	own      lookup // what devports sets: above the table
	below    lookup
	values   map[string]string // those expanded so far
	path     []string          // those being expanded
}

func (r *resolver) table(vars []Variable, own, below lookup) *table {
	return &table{resolver: r, vars: vars, own: own, below: below, values: map[string]string{}}
}

// all expands every entry.
func (t *table) all() map[string]string {
	for _, v := range t.vars {
		t.get(v.Name)
	}
	return t.values
}

// get is the table's lookup.
func (t *table) get(name string) (string, bool) {
	if value, ok := t.own(name); ok {
		return value, true
	}
	if value, ok := t.values[name]; ok {
		return value, true
	}
	i := slices.IndexFunc(t.vars, func(v Variable) bool { return v.Name == name })
	if i < 0 || len(t.path) > 0 && t.path[len(t.path)-1] == name {
		return t.below(name)
	}
	v := t.vars[i]
	if start := slices.Index(t.path, name); start >= 0 {
		circle := strings.Join(append(slices.Clone(t.path[start:]), name), " → ")
		t.resolver.fail(v.Pos, "", "circular variables: %s", circle)
		return "", true
	}
	t.path = append(t.path, name)
	value := t.resolver.expand(Text{v.Value, v.Pos}, t.get)
	t.path = t.path[:len(t.path)-1]
	t.values[name] = value
	return value, true
}
