package procfile

import (
	"slices"
	"strings"
)

// table is a table of variables with its own scope. Entries may use each other
// in any order; an entry that uses its own name gets the outer variable.
type table struct {
	resolver *resolver
	vars     []Variable
	own      lookup // variables that devports sets: they beat the table's
	outer    lookup
	values   map[string]string // entries expanded so far
	path     []string          // entries being expanded
}

func (r *resolver) table(vars []Variable, own, outer lookup) *table {
	return &table{resolver: r, vars: vars, own: own, outer: outer, values: map[string]string{}}
}

// all expands every entry.
func (t *table) all() map[string]string {
	for _, v := range t.vars {
		t.get(v.Name)
	}
	return t.values
}

// get looks up a name in the table.
func (t *table) get(name string) (string, bool) {
	if value, ok := t.own(name); ok {
		return value, true
	}
	if value, ok := t.values[name]; ok {
		return value, true
	}
	i := slices.IndexFunc(t.vars, func(v Variable) bool { return v.Name == name })
	if i < 0 || len(t.path) > 0 && t.path[len(t.path)-1] == name {
		return t.outer(name)
	}
	v := t.vars[i]
	if start := slices.Index(t.path, name); start >= 0 {
		cycle := strings.Join(append(slices.Clone(t.path[start:]), name), " → ")
		t.resolver.fail(v.Pos, "", "circular reference: %s", cycle)
		return "", true
	}
	t.path = append(t.path, name)
	value := t.resolver.expand(Text{v.Value, v.Pos}, t.get)
	t.path = t.path[:len(t.path)-1]
	t.values[name] = value
	return value, true
}
