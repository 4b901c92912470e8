package procfile

import (
	"maps"
	"slices"
)

// level is the meaning of a table in a Portfile.
type level int

const (
	levelProject  level = iota // the keys of the project
	levelServices              // the names of services
	levelSteps                 // the names of steps
	levelService               // the keys of a service
	levelStep                  // the keys of a step
	levelEntries               // variables, groups: each key is an entry that can be removed
)

// mergeTable overrides the entries of a table with those of a Portfile.local:
// tables merge, other values replace those of the table, and false or [] empties
// a key.
func mergeTable(a *assembly, base, local *value, at level) {
	named := at == levelServices || at == levelSteps
	for _, e := range local.entries {
		before := base.find(e.key)
		switch {
		case at == levelProject && e.key == "project":
			if before == nil || before.value.text != e.value.text || e.value.kind != kindString {
				a.fail(e.pos, "set project in the Portfile, for all", "%s cannot rename the project", LocalName)
			}
		case named && isOff(e.value):
			if before == nil {
				a.fail(e.pos, didYouMean(e.key, keysOf(base)), "%s removes %s, which is not declared", LocalName, quote(e.key))
				continue
			}
			base.remove(e.key)
			a.removed[e.key] = e.pos
		case named && before != nil:
			mergeTable(a, asTable(before), asTable(e), below(at, e.key))
		case isOff(e.value):
			a.empty(base, local, e, at)
		case before == nil:
			base.add(e)
		case before.value.kind == kindTable && e.value.kind == kindTable:
			mergeTable(a, before.value, e.value, below(at, e.key))
		default:
			before.pos, before.value = e.pos, e.value
		}
	}
}

// below returns the level of the table with a key.
func below(at level, key string) level {
	switch {
	case at == levelProject && key == "services":
		return levelServices
	case at == levelProject && key == "setup":
		return levelSteps
	case at == levelServices:
		return levelService
	case at == levelSteps:
		return levelStep
	}
	return levelEntries
}

// asTable makes the short form of a service or step, just its command, a table.
func asTable(e *entry) *value {
	if e.value.kind != kindTable {
		table := &value{kind: kindTable, pos: e.value.pos, header: true}
		table.add(&entry{"command", e.pos, e.value})
		e.value = table
	}
	return e.value
}

// isOff reports whether a value is false or [].
func isOff(v *value) bool {
	return v.kind == kindBoolean && v.text == "false" || v.kind == kindArray && len(v.items) == 0
}

// empty carries out an entry of local that is false or []: the key gets this
// value if it takes it; else an array is emptied, and any other key removed.
func (a *assembly) empty(base, local *value, e *entry, at level) {
	off := *e.value
	switch {
	case at == levelEntries:
		base.remove(e.key)
		return
	case at == levelService && e.key == "command" && (local.find("image") != nil || local.find("compose") != nil):
		base.remove(e.key) // a container replaces it
		return
	case (at == levelService || at == levelStep) && e.key == "command", at == levelProject && e.key == "services":
		hint := "to remove a service: [services]\nweb = false"
		a.fail(e.pos, hint, "%s cannot remove %s: it is required", LocalName, e.key)
		return
	case !accepts(at, e.key, &off):
		off = value{kind: kindArray, pos: e.value.pos}
		if e.value.kind == kindArray || !accepts(at, e.key, &off) {
			if _, known := known(at, e.key); !known {
				base.add(e) // the decoder reports it
				return
			}
			base.remove(e.key)
			return
		}
	}
	if before := base.find(e.key); before != nil {
		before.pos, before.value = e.pos, &off
		return
	}
	base.add(&entry{e.key, e.pos, &off})
}

// accepts reports whether a key takes a value.
func accepts(at level, key string, v *value) bool {
	problems, ok := known(at, key)
	return ok && len(problems(v)) == 0
}

// known returns a function that returns the problems of the value of a key. ok is
// false for an unknown key.
func known(at level, key string) (problems func(v *value) Problems, ok bool) {
	if at == levelProject {
		set, ok := projectKeys[key]
		return func(v *value) Problems {
			d := decoder{key: key}
			set(&d, v, &File{})
			return d.problems
		}, ok
	}
	table := serviceKeys
	if at == levelStep {
		table = stepKeys()
	}
	set, ok := table[key]
	return func(v *value) Problems {
		d := decoder{key: key}
		set(&d, v, &Service{})
		return d.problems
	}, ok
}

// dropRemoved removes from the groups the services that a Portfile.local has
// removed, and the groups that are empty then.
func (a *assembly) dropRemoved(root *value) {
	groups := root.find("groups")
	if groups == nil {
		return
	}
	for removed := slices.Collect(maps.Keys(a.removed)); len(removed) > 0; {
		var emptied []string
		for _, g := range groups.value.entries {
			if g.value.kind != kindArray || isOff(g.value) {
				continue
			}
			g.value.items = slices.DeleteFunc(g.value.items, func(item value) bool { return slices.Contains(removed, item.text) })
			if len(g.value.items) == 0 {
				groups.value.remove(g.key)
				emptied = append(emptied, g.key)
			}
		}
		removed = emptied
	}
}

func keysOf(v *value) (keys []string) {
	for _, e := range v.entries {
		keys = append(keys, e.key)
	}
	return keys
}

// remove removes the entry with a key from a table.
func (v *value) remove(key string) {
	if v.index[key] == nil {
		return
	}
	delete(v.index, key)
	v.entries = slices.DeleteFunc(slices.Clone(v.entries), func(e *entry) bool { return e.key == key })
}
