package procfile

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/devports/devports/allocator"
)

// includedFile is an included file: what its services share.
type includedFile struct {
	source   *source
	included Position      // of the include
	includer *includedFile // the included file that includes it; nil: the project file does
	prefix   string        // of the names of its services, as written in the include
	env      []Variable
	envFiles []Text            // nil: .env, if it exists
	names    map[string]string // the services in the file and below: their names in the file, and in the project
}

// chain returns the included files around p, the outermost first.
func (p *includedFile) chain() (all []*includedFile) {
	for ; p != nil; p = p.includer {
		all = append(all, p)
	}
	slices.Reverse(all)
	return all
}

// short returns the name of a service of p in its file.
func (p *includedFile) short(name string) string {
	if p == nil {
		return name
	}
	for short, full := range p.names {
		if full == name {
			return short
		}
	}
	return name
}

// Included is a file that a project file includes.
type Included struct {
	Name     string   // as messages print it
	Path     string   // absolute
	Dir      string   // absolute
	Services []string // those of the file, in its order
}

// Included returns the included files, in the order in which they were read.
func (f File) Included() []Included {
	var all []Included
	for _, p := range f.parts {
		in := Included{Name: p.source.name, Path: p.source.path, Dir: p.source.dir}
		for _, s := range f.Services {
			if s.Pos.included() == p {
				in.Services = append(in.Services, s.Name)
			}
		}
		all = append(all, in)
	}
	return all
}

// IncludedAt returns the included file whose directory contains dir, the nearest
// one. ok is false if there is none, or if the project file is as near.
func (f File) IncludedAt(dir string) (in Included, ok bool) {
	all := f.Included()
	for at := dir; ; at = filepath.Dir(at) {
		if at == f.Dir || at == filepath.Dir(at) {
			return Included{}, false
		}
		if i := slices.IndexFunc(all, func(in Included) bool { return in.Dir == at }); i >= 0 {
			return all[i], true
		}
	}
}

// ServicesAt returns the services with autostart that an `up` without names
// starts in the directory dir: nil for all, else those of the included file
// around dir.
func (f File) ServicesAt(dir string) []string {
	in, ok := f.IncludedAt(dir)
	if !ok {
		return nil
	}
	names := slices.DeleteFunc(slices.Clone(in.Services), func(name string) bool {
		s, _ := f.Service(name)
		return s.Manual
	})
	if len(names) == 0 {
		return in.Services
	}
	return names
}

// ResolveNames returns the services, groups and steps that names mean if they
// are typed in the directory dir. Below an included file, a name that this file
// declares means its own, whatever its prefix in the project: "api", "api.2" or
// "api:metrics". Any other name is that of the project.
func (f File) ResolveNames(dir string, names []string) []string {
	own := f.ownNames(dir)
	if len(own) == 0 {
		return names
	}
	names = slices.Clone(names)
	for i, name := range names {
		service := serviceOf(name)
		if full, ok := own[service]; ok {
			names[i] = full + strings.TrimPrefix(name, service)
		}
	}
	return names
}

// Short returns the shortest name that ResolveNames turns into name; "" if
// there is none, because an included file declares a service with this name.
func (f File) Short(dir, name string) string {
	service := serviceOf(name)
	own := f.ownNames(dir)
	for short, full := range own {
		if full == service {
			return short + strings.TrimPrefix(name, service)
		}
	}
	if _, hidden := own[service]; hidden {
		return ""
	}
	return name
}

// ownNames returns the names in the included file around a directory: for each
// its name in the project.
func (f File) ownNames(dir string) map[string]string {
	in, ok := f.IncludedAt(dir)
	if !ok {
		return nil
	}
	own := map[string]string{}
	for _, p := range slices.Backward(f.parts) { // the first counts
		if p.source.dir == in.Dir {
			maps.Copy(own, p.names)
		}
	}
	return own
}

// serviceOf returns the service of a name such as "api.2" or "api:metrics".
func serviceOf(name string) string {
	name, _, _ = strings.Cut(name, ":")
	return ReplicaOf(name)
}

// WatchPattern returns a pattern of a service's watch relative to the project
// file's directory: in the file it is relative to that file.
func (f File) WatchPattern(t Text) string {
	rel, err := filepath.Rel(f.Dir, f.base(t.Pos))
	if err != nil || rel == "." || t.Pos.in == nil {
		return t.Value
	}
	glob, excludes := strings.CutPrefix(t.Value, "!")
	glob = escapeGlob(filepath.ToSlash(rel)) + "/" + glob
	if excludes {
		return "!" + glob
	}
	return glob
}

// DirOf returns the absolute directory of a service, its variables not expanded.
// ok is false if that is the project file's, or that of an included file which
// has more services there.
func (f File) DirOf(s Service) (dir string, ok bool) {
	if s.Dir.Value != "" {
		dir = f.path(s.Dir)
		return dir, dir != f.base(s.Dir.Pos)
	}
	p := s.Pos.included()
	alone := p != nil && !slices.ContainsFunc(f.Services, func(other Service) bool {
		return other.Pos.included() == p && !other.Step && ReplicaOf(other.Name) != ReplicaOf(s.Name)
	})
	return f.base(s.Pos), alone
}

// relative returns a path in a file relative to the project file's directory.
func (f File) relative(t Text) string {
	rel, err := filepath.Rel(f.Dir, f.path(t))
	if err != nil || t.Pos.in == nil {
		return t.Value
	}
	return rel
}

// Absolute returns the absolute path of a path in the file, or in one that it
// includes.
func (f File) Absolute(t Text) string { return f.path(t) }

// Locals returns the names of each Portfile.local, as messages print them.
func (f File) Locals() []string { return f.locals }

// escapeGlob returns a pattern that matches only the path.
func escapeGlob(path string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`, "{", `\{`).Replace(path)
}

// aliases are the variables by which the services of an included file know each
// other's ports and addresses: in a file that is included with a prefix,
// PORT_API is the port of the file's own service api.
type aliases struct {
	set  map[string]string // ports
	urls map[string]string
	of   map[string]string // the variable for each name
}

func (r *resolver) aliasesOf(p *includedFile) aliases {
	if p == nil {
		return aliases{}
	}
	if known, ok := r.aliases[p]; ok {
		return known
	}
	a := aliases{set: map[string]string{}, urls: map[string]string{}, of: map[string]string{}}
	for _, p := range p.chain() {
		short := map[string]string{}
		for name, full := range p.names {
			if name != full {
				short[full] = name
			}
		}
		if len(short) == 0 {
			continue
		}
		for _, s := range r.file.Services {
			name, ok := short[ReplicaOf(s.Name)]
			if !ok {
				continue
			}
			name += strings.TrimPrefix(s.Name, ReplicaOf(s.Name))
			own := allocator.PortName{Service: name}.Variable()
			full := allocator.PortName{Service: s.Name}.Variable()
			for _, prefix := range []string{"URL_", "PUBLIC_URL_"} {
				alias := prefix + strings.TrimPrefix(own, "PORT_")
				if value, ok := r.urls[prefix+strings.TrimPrefix(full, "PORT_")]; ok {
					a.urls[alias] = value
				}
			}
			if s.HasPort {
				a.set[own], a.of[own] = r.set[full], full
			}
			for _, port := range s.Ports {
				alias, variable := allocator.PortName{Service: name, Port: port.Name}.Variable(), allocator.PortName{Service: s.Name, Port: port.Name}.Variable()
				a.set[alias], a.of[alias] = r.set[variable], variable
			}
		}
	}
	r.aliases[p] = a
	return a
}

// restartOn adds to the variables that restart a service those for which they
// are aliases.
func (a aliases) restartOn(names []string) []string {
	for _, name := range slices.Clone(names) {
		if full, ok := a.of[name]; ok && !slices.Contains(names, full) {
			names = append(names, full)
		}
	}
	return names
}
