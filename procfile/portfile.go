package procfile

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/devports/devports/allocator/text"
)

// parsePortfile reads a Portfile, and with an assembly the files that it
// includes. The File is as complete as the problems allow.
func parsePortfile(name string, src []byte, a *assembly) (File, Problems) {
	root, problems := tomlTree(name, nil, src)
	if root == nil {
		return File{Name: name}, problems
	}
	f := File{Name: name, tree: root}
	if a != nil {
		a.portfile(root)
		problems = append(problems, a.problems...)
		f.parts, f.locals, f.watched, f.removed, f.notes = a.parts, a.locals, a.watched, a.removed, a.notes
	}
	d := decoder{file: name, problems: problems}
	for _, e := range root.entries {
		decodeEntry(&d, e, "", projectKeys, &f)
	}
	f = f.withSteps()
	if root.find("services") == nil && !slices.ContainsFunc(root.entries, func(e *entry) bool { return projectKeys[e.key] == nil && declaresService(e) }) {
		d.fail(Position{Line: 1, Column: 1}, "[services]\nweb = \"npm run dev\"", "no services: a Portfile declares them in [services]")
	}
	return f, d.problems
}

// decoder turns values into the fields of a File, collecting every problem.
type decoder struct {
	file     string
	key      string // whose value is being decoded, for messages
	problems Problems
}

func (d *decoder) fail(pos Position, hint, format string, args ...any) {
	d.problems = append(d.problems, problemf(d.file, pos, hint, format, args...))
}

// keys maps each key of a table to the function that stores its value in T.
type keys[T any] map[string]func(d *decoder, v *value, into *T)

// decodeEntry stores an entry with its key's function. An unknown key is a
// problem.
func decodeEntry[T any](d *decoder, e *entry, where string, table keys[T], into *T) {
	if set, ok := table[e.key]; ok {
		d.key = e.key
		set(d, e.value, into)
		return
	}
	d.fail(e.pos, unknownKey(e, where, slices.Sorted(maps.Keys(table))), "unknown key %s%s", quote(e.key), where)
}

var projectKeys = keys[File]{
	"project":      func(d *decoder, v *value, f *File) { f.Project = d.label(v) },
	"env_files":    func(d *decoder, v *value, f *File) { f.EnvFiles = d.texts(v) },
	"range":        func(d *decoder, v *value, f *File) { f.Range = d.portRange(v) },
	"env":          func(d *decoder, v *value, f *File) { f.Env = d.variables(v) },
	"stop_on_exit": func(d *decoder, v *value, f *File) { f.StopOnExit = d.boolean(v) },
	"outside":      func(d *decoder, v *value, f *File) { f.Outside = d.programs(v) },
	"include":      func(d *decoder, v *value, _ *File) { d.includes(v) },
	"uses":         func(d *decoder, v *value, f *File) { f.Uses = d.uses(v) },
	"groups":       func(d *decoder, v *value, f *File) { f.Groups = d.groups(v) },
	"copy":         func(d *decoder, v *value, f *File) { f.Copy = d.copies(v) },
	"setup":        func(d *decoder, v *value, f *File) { f.steps = d.steps(v) },
	"services":     func(d *decoder, v *value, f *File) { f.Services = d.services(v) },
}

var serviceKeys = addContainerKeys(keys[Service]{
	"command":    func(d *decoder, v *value, s *Service) { s.Command = d.command(v) },
	"build":      func(d *decoder, v *value, s *Service) { s.Build = d.command(v) },
	"dir":        func(d *decoder, v *value, s *Service) { s.Dir = d.text(v) },
	"port":       func(d *decoder, v *value, s *Service) { s.HasPort, s.Pin, s.PinPos = d.port(v) },
	"ports":      func(d *decoder, v *value, s *Service) { s.Ports = d.ports(v) },
	"http":       func(d *decoder, v *value, s *Service) { s.HTTP, s.HTTPPos = d.choice(v), v.pos },
	"host":       func(d *decoder, v *value, s *Service) { s.Host, s.NoHost = d.host(v) },
	"env":        func(d *decoder, v *value, s *Service) { s.Env = d.variables(v) },
	"env_files":  func(d *decoder, v *value, s *Service) { s.EnvFiles = d.texts(v) },
	"depends_on": func(d *decoder, v *value, s *Service) { s.DependsOn = d.texts(v) },
	"ready":      func(d *decoder, v *value, s *Service) { s.Ready, s.ReadyPos = d.ready(v), v.pos },

	"host_header":   func(d *decoder, v *value, s *Service) { s.HostHeader = d.hostHeader(v) },
	"ready_timeout": func(d *decoder, v *value, s *Service) { s.ReadyTimeout = d.duration(v) },

	"autostart": func(d *decoder, v *value, s *Service) { s.Manual = !d.boolean(v) },

	"restart":    func(d *decoder, v *value, s *Service) { s.Restart = d.restart(v) },
	"restart_on": func(d *decoder, v *value, s *Service) { s.RestartOn = d.variableNames(v) },

	"watch":    func(d *decoder, v *value, s *Service) { s.Watch = d.globs(v) },
	"replicas": func(d *decoder, v *value, s *Service) { s.Replicas = d.number(v, 1, MaxReplicas) },

	"shared": func(d *decoder, v *value, s *Service) { s.Shared, s.SharedPos = d.boolean(v), v.pos },

	"stop_signal":  func(d *decoder, v *value, s *Service) { s.StopSignal = d.signal(v) },
	"stop_timeout": func(d *decoder, v *value, s *Service) { s.StopTimeout = d.duration(v) },
})

// services reads the table of services. Each is a table, or just a command.
func (d *decoder) services(v *value) []Service {
	if !d.is(v, kindTable) {
		return nil
	}
	if len(v.entries) == 0 {
		d.fail(v.pos, `web = "npm run dev"`, "no services: [services] is empty")
	}
	var list []Service
	for _, e := range v.entries {
		s := newService(e.key, e.pos)
		if !isServiceName(e.key) {
			d.fail(e.pos, "", "%s is not a valid service name: use a letter, then letters, digits, - and _", quote(e.key))
		}
		switch e.value.kind {
		case kindTable:
			for _, key := range e.value.entries {
				decodeEntry(d, key, " in service "+quote(e.key), serviceKeys, &s)
			}
			if timeout := e.value.find("ready_timeout"); timeout != nil {
				d.checkReadyTimeout(&s, timeout.pos)
			} else if s.Ready == string(Done) {
				s.ReadyTimeout = 0 // a one-shot may take as long as it needs
			}
			d.containerDefaults(&s, e.value)
			if e.value.find("command") == nil && s.Container == nil && !slices.ContainsFunc(e.value.entries, meansCommand) {
				hint := ""
				if e.pos.in != nil && e.pos.in.local {
					others := slices.DeleteFunc(keysOf(v), func(key string) bool { return key == e.key })
					hint = cmp.Or(didYouMean(e.key, others), "the Portfile does not declare it: set its command here")
				}
				d.fail(e.pos, hint, "service %s has no command", quote(e.key))
			}
		case kindString, kindArray:
			d.key = e.key
			s.Command = d.command(e.value)
		default:
			d.fail(e.value.pos, "", "service %s must be a command or a table, not %s", quote(e.key), e.value.kind)
		}
		list = append(list, s)
	}
	return list
}

// meansCommand reports whether a key stands for the command, or is nearly its
// name: then it is the only problem.
func meansCommand(e *entry) bool {
	near, _ := text.Nearest(e.key, slices.Sorted(maps.Keys(serviceKeys)))
	return serviceSynonyms()[e.key] == "command" || serviceKeys[e.key] == nil && near == "command"
}

// newService returns a service with the documented defaults.
func newService(name string, pos Position) Service {
	return Service{
		Name: name, Pos: pos, HasPort: true,
		ReadyTimeout: time.Minute,
		Restart:      RestartNo,
		Replicas:     1,
		StopSignal:   "TERM",
		StopTimeout:  5 * time.Second,
	}
}
