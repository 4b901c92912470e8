package scaffold

import (
	"fmt"
	"strings"

	"github.com/devports/devports/allocator"
	"github.com/devports/devports/allocator/text"
)

// Portfile is the project as a Portfile, with comments for who reads it first.
// It is valid. A project without services becomes an example.
func (p Project) Portfile() []byte {
	if len(p.Services) == 0 {
		return []byte(example)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# What devports up starts. Written by devports init, from %s.\n", listed(few(p.Origins(), 3, "others")))
	b.WriteString("# Edit it as you like: devports up follows every save.\n")
	if variables := p.portList(); len(variables) > 0 {
		b.WriteString("#\n# A service has to listen on the port in PORT, which is chosen once and kept.\n")
		if len(variables) > 1 {
			fmt.Fprintf(&b, "# Every service finds those of all in %s.\n", listed(few(variables, 5, "so on")))
		}
	}
	if len(p.Env) > 0 {
		fmt.Fprintf(&b, "\n# What %s reads.\n[env]\n", clean(p.Env[0].Reader))
		for _, v := range p.Env {
			fmt.Fprintf(&b, "%s = %s\n", v.Name, quoteTOML(v.Value))
		}
	}
	for _, s := range p.Services {
		s.write(&b)
	}
	b.WriteString(more)
	return []byte(b.String())
}

// few are n words at most, the last of which then stands for the others.
func few(words []string, n int, others string) []string {
	if len(words) > n {
		return append(words[:n-1:n-1], others)
	}
	return words
}

// portList are the variables of the services' own ports.
func (p Project) portList() []string {
	var variables []string
	for _, s := range p.Services {
		if !s.NoPort {
			variables = append(variables, allocator.PortName{Service: s.Name}.Variable())
		}
	}
	return variables
}

func (s Service) write(b *strings.Builder) {
	fmt.Fprintf(b, "\n# %s", clean(s.Origin))
	if s.Part != "" {
		fmt.Fprintf(b, ", %s", clean(s.Part))
	}
	if s.Note != "" {
		fmt.Fprintf(b, ": %s", clean(s.Note))
	}
	b.WriteString("\n")
	for _, r := range s.Remarks {
		fmt.Fprintf(b, "# %s\n", clean(r))
	}
	fmt.Fprintf(b, "[services.%s]\n", s.Name)
	var keys [][2]string
	set := func(key, value string) { keys = append(keys, [2]string{key, value}) }
	if s.Build != "" {
		set("build", quoteTOML(s.Build))
	}
	set("command", quoteTOML(s.Command))
	if s.Dir != "" {
		set("dir", quoteTOML(strings.ReplaceAll(s.Dir, "$", "$$")))
	}
	switch {
	case s.Worker:
		set("port", "false # a worker; take this out if it listens on PORT")
	case s.NoPort:
		set("port", "false")
	case s.Pin != 0:
		set("port", fmt.Sprint(s.Pin))
	}
	if len(s.Ports) > 0 {
		var ports []string
		for _, q := range s.Ports {
			value := "true"
			if q.Pin != 0 {
				value = fmt.Sprint(q.Pin)
			}
			ports = append(ports, q.Name+" = "+value)
		}
		set("ports", "{ "+strings.Join(ports, ", ")+" }")
	}
	if len(s.DependsOn) > 0 {
		var on []string
		for _, d := range s.DependsOn {
			on = append(on, quoteTOML(d))
		}
		set("depends_on", "["+strings.Join(on, ", ")+"]")
	}
	if len(s.Watch) > 0 {
		var patterns []string
		for _, p := range s.Watch {
			patterns = append(patterns, quoteTOML(p))
		}
		set("watch", "["+strings.Join(patterns, ", ")+"]")
	}
	if s.Ready != "" {
		set("ready", quoteTOML(s.Ready)+" # take this out if it listens on PORT")
	}
	if s.StopAfter != "" {
		set("stop_timeout", quoteTOML(s.StopAfter))
	}
	width := 0
	for _, k := range keys {
		width = max(width, len(k[0]))
	}
	for _, k := range keys {
		fmt.Fprintf(b, "%-*s = %s\n", width, k[0], k[1])
	}
}

// quoteTOML writes a string so that it is easy to read: literally, where it has
// double quotes or backslashes, else with escapes (https://toml.io/en/v1.0.0#string).
func quoteTOML(s string) string {
	if strings.ContainsAny(s, `"\`) && !strings.Contains(s, "'") && clean(s) == s {
		return "'" + s + "'"
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < 0x20 || r == 0x7f:
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// listed is a list of words of foreign files, for a sentence.
func listed(words []string) string {
	var cleaned []string
	for _, w := range words {
		cleaned = append(cleaned, clean(w))
	}
	return text.Join(cleaned, "and")
}

const more = `
# What else a service may say:
#   env        = { API_URL = "http://localhost:${PORT_API}" }
#   depends_on = ["db"]        # start it when db is ready
#   ready      = "http:/healthz"
#   build      = "make"        # before it starts; meanwhile the old one serves
#   watch      = ["**/*.go"]   # build and restart it when these change
#   restart    = "on-failure"
`

const example = `# What devports up starts. devports init found nothing here that it knows how to start, so this is an example.
# Edit it as you like: devports up follows every save.

[services.hello]
command = "echo 'Replace me: edit the Portfile while this runs.'; sleep 1000000"
port    = false # it listens nowhere

# A service that listens finds its port in PORT, chosen once and kept, and that of every other one in PORT_<NAME>:
#
# [services.web]
# command    = "npm run dev -- --port $PORT"
# depends_on = ["api"]
#
# [services.api]
# command = "go run ./api"
# dir     = "backend"
# env     = { WEB_URL = "http://localhost:${PORT_WEB}" }
`
