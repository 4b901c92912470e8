package procfile

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/devports/devports/allocator"
)

// Use is another project whose ports the services get.
type Use struct {
	Name string // the prefix of the variables
	Pos  Position
	Path Text // of its directory, or of its Portfile
}

// Used are the ports of the project of a [Use].
type Used struct {
	Name     string
	Ports    map[allocator.PortName]int // by their names in that project
	URLs     map[string]string          // the public address of each service that speaks HTTP
	Problems Problems                   // why there are none
	Notes    Problems
}

// uses reads the table of other projects.
func (d *decoder) uses(v *value) []Use {
	if !d.is(v, kindTable) {
		return nil
	}
	var list []Use
	defer func(key string) { d.key = key }(d.key)
	for _, e := range v.entries {
		d.key = e.key
		if !isServiceName(e.key) {
			d.fail(e.pos, "", "%s is not a valid name: use a letter, then letters, digits, - and _", quote(e.key))
		}
		path := d.text(e.value)
		if e.value.kind == kindString && path.Value == "" {
			d.fail(e.value.pos, e.key+` = "../`+e.key+`"`, "%s is empty: it is the directory of another project", e.key)
		}
		list = append(list, Use{Name: e.key, Pos: e.pos, Path: path})
	}
	return list
}

// UsePath returns the absolute path of a use.
func (f File) UsePath(u Use) string { return f.path(u.Path) }

// SpeaksHTTP reports whether a service speaks HTTP on its port, as far as the
// file shows it.
func (f File) SpeaksHTTP(service string) bool {
	s, ok := f.Service(service)
	return ok && s.http()
}

// Vars returns the variables of the used project: PORT_<NAME>_<SERVICE>, and
// the URLs of services that speak HTTP.
func (u Used) Vars() (ports, urls map[string]string) {
	ports, urls = map[string]string{}, map[string]string{}
	for name, port := range u.Ports {
		own := allocator.PortName{Service: u.Name + "-" + name.Service, Port: name.Port}.Variable()
		ports[own] = strconv.Itoa(port)
		if url, ok := u.URLs[name.Service]; ok && name.Port == "" {
			suffix := strings.TrimPrefix(own, "PORT_")
			urls["URL_"+suffix] = "http://127.0.0.1:" + strconv.Itoa(port)
			urls["PUBLIC_URL_"+suffix] = url
		}
	}
	return ports, urls
}

// addUses adds the variables of used projects to those of the project. Two that
// are alike are a problem.
func (r *resolver) addUses(ports map[string]string) {
	for _, u := range r.context.Uses {
		r.problems = append(r.problems, u.Problems...)
		r.notes = append(r.notes, u.Notes...)
		own, urls := u.Vars()
		i := slices.IndexFunc(r.file.Uses, func(use Use) bool { return use.Name == u.Name })
		for _, name := range slices.Sorted(maps.Keys(own)) {
			if _, taken := ports[name]; taken && i >= 0 {
				r.fail(r.file.Uses[i].Pos, "rename one of them", "[uses] %s and a service of this project would both use the variable %s", u.Name, name)
				continue
			}
			ports[name] = own[name]
		}
		for name, url := range urls {
			if _, taken := r.usedURLs[name]; !taken {
				r.usedURLs[name] = url
			}
		}
	}
}
