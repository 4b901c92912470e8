package procfile

import (
	"cmp"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/devports/devports/allocator/text"
)

// wantedFile is a file that an include names.
type wantedFile struct {
	path   string // absolute
	real   string // path without symbolic links
	prefix string
	pos    Position // of the item
	named  bool     // the item names it, without a pattern
}

// include reads the files that the entry e, whose file is in dir, includes, and
// adds what they declare to the table into. above is the included file that e
// is in, nil for the project file; from are the files from the project file to
// this one, without symbolic links.
func (a *assembly) include(e *entry, into *value, dir string, above *includedFile, from []string) {
	if e.value.kind != kindArray {
		return // the decoder reports it
	}
	var files []wantedFile
	for i := range e.value.items {
		files = append(files, a.wantedFiles(&e.value.items[i], dir)...)
	}
	for _, f := range a.once(files) {
		a.includeFile(f, into, above, from)
	}
}

// once returns the files in order, each once: an item that names a file decides
// its prefix.
func (a *assembly) once(files []wantedFile) []wantedFile {
	var list []wantedFile
	at := map[string]int{}
	for _, f := range files {
		i, known := at[f.path]
		switch {
		case !known:
			at[f.path] = len(list)
			list = append(list, f)
		case f.named && list[i].named:
			a.fail(f.pos, "remove one of them", "%s is already included %s", shorter(a.wd, f.path), list[i].pos.beside(f.pos, a.name))
		case f.named:
			list[i] = f
		}
	}
	return list
}

// wantedFiles returns the files that an item of an include names.
func (a *assembly) wantedFiles(item *value, dir string) []wantedFile {
	f := wantedFile{pos: item.pos}
	pattern := item
	if item.kind == kindTable {
		if pattern = nil; item.find("path") != nil {
			pattern = item.find("path").value
		}
		if e := item.find("prefix"); e != nil && isServiceName(e.value.text+"x") { // else the decoder reports it
			f.prefix = e.value.text
		}
	}
	if pattern == nil || pattern.kind != kindString || pattern.text == "" {
		return nil // the decoder reports it
	}
	f.pos = pattern.pos
	if filepath.IsAbs(pattern.text) || strings.Contains(pattern.text, "**") {
		return nil // likewise
	}
	whole := filepath.Join(dir, filepath.FromSlash(pattern.text))
	root := a.repositoryRoot()
	if !isBelow(whole, root) {
		a.outside(f.pos, pattern.text, whole, root)
		return nil
	}
	f.named = !isGlob(pattern.text)
	found, missing := globFiles(dir, filepath.FromSlash(pattern.text))
	if !f.named {
		a.watched = append(a.watched, whole)
	}
	a.watched = append(a.watched, missing...)
	if len(found) == 0 {
		hint := ""
		if f.named {
			if _, err := os.Stat(whole); err == nil {
				hint = "write " + quote(filepath.ToSlash(filepath.Join(pattern.text, Names[0])))
				a.fail(f.pos, hint, "%s is a directory", quote(pattern.text))
				return nil
			}
			a.fail(f.pos, cmp.Or(hint, "create it, or remove it here"), "%s does not exist", shorter(a.wd, whole))
			return nil
		}
		if some, _ := globFiles(dir, filepath.Join(filepath.FromSlash(pattern.text), Names[0])); len(some) > 0 {
			hint = "write " + quote(strings.TrimSuffix(pattern.text, "/")+"/"+Names[0])
		}
		a.fail(f.pos, cmp.Or(hint, "create one, or remove the pattern"), "%s matches no file", quote(pattern.text))
	}
	var files []wantedFile
	for _, path := range found {
		f.path, f.real = path, resolvedPath(path)
		if !isBelow(f.real, a.realRoot()) {
			a.outside(f.pos, shorter(a.wd, path), f.real, root)
			continue
		}
		files = append(files, f)
	}
	return files
}

func (a *assembly) outside(pos Position, name, path, root string) {
	dir := filepath.Dir(path)
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		dir = path
	}
	use := filepath.Base(dir)
	rel, err := filepath.Rel(a.dir, dir)
	if err != nil {
		rel = dir
	}
	hint := "to run it as a project of its own: devports up -f " + text.QuoteArg(shorter(a.wd, path))
	if isServiceName(use) && !isGlob(path) {
		hint += "\nfor its ports: [uses]\n" + use + " = " + quote(filepath.ToSlash(rel))
	}
	of := "this repository"
	if _, err := os.Lstat(filepath.Join(root, ".git")); err != nil {
		of = "the project's directory"
	}
	a.fail(pos, hint, "%s is outside of %s", quote(name), of)
}

// includeFile adds what a file declares to the table into.
func (a *assembly) includeFile(f wantedFile, into *value, above *includedFile, from []string) {
	real := f.real
	names := make([]string, 0, len(from)+1)
	for _, p := range append(slices.Clone(from), real) {
		names = append(names, shorter(a.wd, p))
	}
	if i := slices.Index(from, real); i >= 0 {
		a.fail(f.pos, "remove it here", "%s includes itself: %s", names[i], strings.Join(names[i:], " → "))
		return
	}
	if i := slices.IndexFunc(a.parts, func(p *includedFile) bool { return p.source.path == f.path }); i >= 0 {
		a.fail(f.pos, "remove one of them", "%s is already included %s", names[len(names)-1], a.parts[i].included.beside(f.pos, a.name))
		return
	}
	p := &includedFile{includer: above, included: f.pos, prefix: f.prefix, names: map[string]string{}}
	s := a.source(f.path, filepath.Dir(f.path), p)
	p.source = s
	src := a.read(f.path, s)
	if src == nil {
		return
	}
	if isProcfile(s.name, src) {
		a.fail(f.pos, "devports init writes a Portfile with its services", "%s is a Procfile: only Portfiles can be included", s.name)
		return
	}
	tree := a.tree(src, s)
	if tree == nil {
		return
	}
	a.parts = append(a.parts, p)
	first := len(a.parts)
	outer := a.removed
	a.removed = map[string]Position{}
	if local := a.local(f.path, p); local != nil {
		mergeTable(a, tree, local, levelProject)
	}
	a.relocate(tree, s.dir) // before those of other files are added
	if e := tree.find("include"); e != nil {
		a.include(e, tree, s.dir, p, append(slices.Clone(from), real))
	}
	a.prefix(tree, p, a.parts[first:])
	for name, pos := range a.removed {
		outer[p.prefix+name] = pos
	}
	a.removed = outer
	a.add(tree, into, p)
}

// relocate makes the files of copy in an included file, whose directory is dir,
// relative to the project file.
func (a *assembly) relocate(tree *value, dir string) {
	e := tree.find("copy")
	rel, err := filepath.Rel(a.dir, dir)
	if e == nil || e.value.kind != kindArray || err != nil {
		return
	}
	for i := range e.value.items {
		item := &e.value.items[i]
		if item.kind == kindString && filepath.IsLocal(filepath.FromSlash(item.text)) && !strings.HasSuffix(item.text, "/") {
			item.text = path.Join(filepath.ToSlash(rel), item.text)
		}
	}
}

// prefix gives the services and groups of an included file, and of those that it
// includes, their names in the file that includes it.
func (a *assembly) prefix(tree *value, p *includedFile, below []*includedFile) {
	for _, table := range []string{"services", "groups", "setup"} {
		if e := tree.find(table); e != nil && e.value.kind == kindTable {
			for _, named := range e.value.entries {
				p.names[named.key] = p.prefix + named.key
			}
		}
	}
	for _, b := range below {
		for name, full := range b.names {
			b.names[name] = p.prefix + full
		}
	}
	if p.prefix == "" {
		return
	}
	rename := func(v *value) {
		if v == nil || v.kind != kindArray {
			return
		}
		for i := range v.items {
			name := v.items[i].text
			_, declared := p.names[name]
			_, removed := a.removed[name] // it means no other service then
			if (declared || removed) && v.items[i].kind == kindString {
				v.items[i].text = p.prefix + name
			}
		}
	}
	for _, table := range []string{"services", "groups", "setup"} {
		e := tree.find(table)
		if e == nil || e.value.kind != kindTable {
			continue
		}
		entries := e.value.entries
		e.value.entries, e.value.index = nil, nil
		for _, named := range entries {
			named.key = p.prefix + named.key
			e.value.add(named)
			switch {
			case table == "groups":
				rename(named.value)
			case named.value.kind == kindTable && named.value.find("depends_on") != nil:
				rename(named.value.find("depends_on").value)
			}
		}
	}
}

// add adds the entries of an included file to the table of the file that
// includes it.
func (a *assembly) add(tree, into *value, p *includedFile) {
	d := decoder{file: p.source.name}
	for _, e := range tree.entries {
		d.key = e.key
		switch e.key {
		case "include":
			d.includes(e.value)
		case "env":
			p.env = d.variables(e.value)
		case "env_files":
			if p.envFiles = d.texts(e.value); p.envFiles == nil {
				p.envFiles = []Text{}
			}
		case "services", "groups", "setup", "uses":
			if d.is(e.value, kindTable) {
				a.addNamed(e, into, p)
			}
		case "outside", "copy":
			if d.is(e.value, kindArray) {
				to := subtable(into, e, kindArray)
				to.items = append(to.items, e.value.items...)
			}
		default:
			if _, known := projectKeys[e.key]; known {
				d.fail(e.pos, "remove it here, or set it in "+a.name, "%s cannot be set in a file that another includes: it is for the whole project", e.key)
			} else {
				d.fail(e.pos, unknownKey(e, "", slices.Sorted(maps.Keys(projectKeys))), "unknown key %s", quote(e.key))
			}
		}
	}
	a.problems = append(a.problems, d.problems...)
}

// subtable returns the value of a key in a table; it adds one if there is none.
func subtable(into *value, e *entry, k kind) *value {
	to := into.find(e.key)
	if to == nil {
		to = &entry{e.key, e.pos, &value{kind: k, pos: e.value.pos, header: true}}
		into.add(to)
	}
	return to.value
}

// addNamed adds the entries of a table whose keys are names. Groups with the
// same name are one group, and files may use the same project by the same name;
// any other name that is declared twice is a problem.
func (a *assembly) addNamed(e *entry, into *value, p *includedFile) {
	to := subtable(into, e, kindTable)
	if to.kind != kindTable {
		return // the decoder reports it
	}
	for _, named := range e.value.entries {
		before := to.find(named.key)
		switch {
		case before == nil:
			to.add(named)
		case e.key == "groups" && before.value.kind == kindArray && named.value.kind == kindArray:
			items := slices.Clone(before.value.items)
			for _, item := range named.value.items {
				if !slices.ContainsFunc(items, func(other value) bool { return other.text == item.text }) {
					items = append(items, item)
				}
			}
			merged := *before.value
			merged.items = items
			before.value = &merged
		case e.key == "uses" && before.value.kind == named.value.kind && a.target(before.value) == a.target(named.value):
		case e.key == "uses": // no prefix renames it
			a.fail(named.pos, "rename one of them", "uses %s is already declared at %s:%d, for another project", quote(named.key), before.pos.file(a.name), before.pos.Line)
		default:
			a.fail(named.pos, a.prefixHint(p), "%s %s is already declared at %s:%d", singular(e.key), quote(named.key), before.pos.file(a.name), before.pos.Line)
		}
	}
}

// target returns the absolute path of a use, which is relative to its file.
func (a *assembly) target(v *value) string {
	return File{Dir: a.dir}.path(Text{filepath.FromSlash(v.text), v.pos})
}

// prefixHint is the include that gives the names of a file a prefix.
func (a *assembly) prefixHint(p *includedFile) string {
	from := a.dir
	name := a.name
	if p.includer != nil {
		from, name = p.includer.source.dir, p.includer.source.name
	}
	rel, err := filepath.Rel(from, p.source.path)
	if err != nil {
		rel = p.source.path
	}
	prefix := filepath.Base(p.source.dir)
	if !isServiceName(prefix) {
		prefix = "other"
	}
	return "in " + name + ": include = [{ path = " + quote(filepath.ToSlash(rel)) + ", prefix = " + quote(prefix+"-") + " }]"
}

func singular(table string) string {
	switch table {
	case "services":
		return "service"
	case "groups":
		return "group"
	case "setup":
		return "step"
	}
	return table
}

// includes validates the value of include; the files are read before.
func (d *decoder) includes(v *value) {
	if !d.is(v, kindArray) {
		return
	}
	check := func(v *value) {
		switch {
		case !d.is(v, kindString):
		case v.text == "":
			d.fail(v.pos, `write it like "apps/*/Portfile"`, "an include must not be empty")
		case filepath.IsAbs(v.text):
			d.fail(v.pos, `write it like "apps/*/Portfile"`, "%s is absolute: an include is relative to its file", quote(v.text))
		case strings.Contains(v.text, "**"):
			d.fail(v.pos, `write "apps/*/Portfile" for each depth`, `%s: "**" is not supported in an include`, quote(v.text))
		case badGlob(v.text):
			d.fail(v.pos, `write it like "apps/*/Portfile"`, "invalid pattern %s", quote(v.text))
		}
	}
	defer func(key string) { d.key = key }(d.key)
	for i := range v.items {
		item := &v.items[i]
		if item.kind != kindTable {
			if d.key = "an item of include"; item.kind != kindString {
				d.fail(item.pos, `write "apps/pay/Portfile" or { path = "apps/pay/Portfile", prefix = "pay-" }`, "an item of include must be a string or a table, not %s", item.kind)
				continue
			}
			check(item)
			continue
		}
		for _, e := range item.entries {
			switch d.key = e.key; e.key {
			case "path":
				check(e.value)
			case "prefix":
				if d.is(e.value, kindString) && !isServiceName(e.value.text+"x") {
					d.fail(e.value.pos, `write it like "pay-"`, "%s is not a valid prefix: use a letter, then letters, digits, - and _", quote(e.value.text))
				}
			default:
				d.fail(e.pos, didYouMean(e.key, []string{"path", "prefix"}), "unknown key %s in include", quote(e.key))
			}
		}
		if item.find("path") == nil {
			d.fail(item.pos, `{ path = "apps/pay/Portfile", prefix = "pay-" }`, "an item of include needs a path")
		}
	}
}

func isGlob(path string) bool { return strings.ContainsAny(path, `*?[`) }

func badGlob(path string) bool {
	_, err := filepath.Match(path, "")
	return err != nil
}

// globFiles returns the files that match a pattern relative to dir, sorted, and
// the missing files in directories that match its directory. Hidden directories
// and node_modules match only if the pattern names them.
func globFiles(dir, pattern string) (found, missing []string) {
	dirs := []string{dir}
	parts := strings.Split(filepath.Clean(pattern), string(filepath.Separator))
	for i, part := range parts {
		var next []string
		last := i == len(parts)-1
		for _, at := range dirs {
			if !isGlob(part) {
				path := filepath.Join(at, part)
				info, err := os.Stat(path)
				switch {
				case last && errors.Is(err, fs.ErrNotExist):
					missing = append(missing, path)
				case last && err == nil && info.IsDir(), err != nil && !last:
					if !last && errors.Is(err, fs.ErrNotExist) {
						missing = append(missing, filepath.Join(path, filepath.Join(parts[i+1:]...)))
					}
				default:
					next = append(next, path)
				}
				continue
			}
			entries, err := os.ReadDir(at)
			if err != nil {
				continue
			}
			for _, e := range entries {
				if ok, _ := filepath.Match(part, e.Name()); !ok || e.Name() == "node_modules" || e.Name()[0] == '.' && part[0] != '.' {
					continue
				}
				path := filepath.Join(at, e.Name())
				isDir := e.IsDir()
				if e.Type()&fs.ModeSymlink != 0 {
					info, err := os.Stat(path)
					isDir = err == nil && info.IsDir()
				}
				if isDir != last {
					next = append(next, path)
				}
			}
		}
		dirs = next
	}
	slices.Sort(dirs)
	return dirs, missing
}
