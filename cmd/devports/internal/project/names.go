package project

// ResolveNames returns the services, groups and steps that names on the command
// line mean. In the directory of an included file, its own names need no
// prefix: they come before those of the whole project. See
// [procfile.File.ResolveNames].
func (p Project) ResolveNames(names ...string) []string {
	if p.host.Dir == "" {
		return names
	}
	return p.File.ResolveNames(p.host.Dir, names)
}

// Short is the reverse of ResolveNames: the name of a service, group or step as
// it is typed here; "" if one of the included file hides it.
func (p Project) Short(name string) string {
	if p.host.Dir == "" {
		return name
	}
	return p.File.Short(p.host.Dir, name)
}

// WithDir returns the project for names that are typed in the directory dir;
// "": all names are those of the project.
func (p Project) WithDir(dir string) Project {
	p.host.Dir = dir
	return p
}

// Scale are the numbers of replicas that override the file's, by service.
func (p Project) Scale() map[string]int { return p.scale }

// resolveScale is ResolveNames for the keys of scale.
func (p Project) resolveScale(scale map[string]int) map[string]int {
	if len(scale) == 0 || p.host.Dir == "" {
		return scale
	}
	all := map[string]int{}
	for name, n := range scale {
		all[p.ResolveNames(name)[0]] = n
	}
	return all
}
