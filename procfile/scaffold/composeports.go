package scaffold

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/devports/devports/allocator"
)

// published is a published port of a container.
type published struct {
	host     int
	target   int
	name     string // in the compose file
	variable string // sets the host's port: DB_PORT in "${DB_PORT:-5432}:5432"
	address  string // the host's address; "" is any
}

// maxPublished is the maximum length of a range of ports.
const maxPublished = 16

// published reads the ports of a compose service in the short and in the long
// form (https://docs.docker.com/reference/compose-file/services/#ports). It
// skips UDP ports, and those that Docker chooses.
func (t tree) published(ports []any) []published {
	var list []published
	for _, p := range ports {
		long, ok := p.(map[string]any)
		if !ok {
			list = append(list, t.shortPort(scalar(p))...)
			continue
		}
		if protocol := scalar(long["protocol"]); protocol != "" && protocol != "tcp" {
			continue
		}
		for _, q := range t.shortPort(scalar(long["published"]) + ":" + scalar(long["target"])) {
			q.name = scalar(long["name"])
			list = append(list, q)
		}
	}
	var once []published
	for _, p := range list {
		if !slices.ContainsFunc(once, func(q published) bool { return q.host == p.host }) {
			once = append(once, p)
		}
	}
	return once
}

// shortPort parses "[ADDRESS:]HOST:CONTAINER[/PROTOCOL]". HOST and CONTAINER
// may be ranges, and HOST may be a variable.
func (t tree) shortPort(s string) []published {
	s, protocol, _ := strings.Cut(s, "/")
	host, target := cutLast(s)
	address := ""
	if before, last := cutLast(host); host != "" {
		address, host = before, last
	}
	if strings.Trim(address, "0123456789.") != "" {
		address = ""
	}
	if host == "" || protocol != "" && protocol != "tcp" {
		return nil
	}
	variable, number := t.variablePort(host)
	first, last, _ := strings.Cut(number, "-")
	from, err := allocator.ParsePort(first)
	if err != nil {
		return nil
	}
	to, err := allocator.ParsePort(last)
	if err != nil || to < from || to-from >= maxPublished {
		to = from
	}
	first, _, _ = strings.Cut(target, "-")
	container, _ := allocator.ParsePort(first)
	var list []published
	for i := range to - from + 1 {
		p := published{host: from + i, variable: variable, address: address}
		if container > 0 {
			p.target = container + i
		}
		list = append(list, p)
	}
	return list
}

// cutLast cuts at the last colon outside of braces.
func cutLast(s string) (before, after string) {
	depth := 0
	for i := len(s) - 1; i >= 0; i-- {
		switch s[i] {
		case '}':
			depth++
		case '{':
			depth--
		case ':':
			if depth == 0 {
				return s[:i], s[i+1:]
			}
		}
	}
	return "", s
}

// variablePort parses "$NAME", "${NAME}" or "${NAME:-5432}" into the variable
// and its value in .env, or its default.
func (t tree) variablePort(s string) (variable, number string) {
	name, ok := strings.CutPrefix(s, "$")
	if !ok {
		return "", s
	}
	name = strings.TrimSuffix(strings.TrimPrefix(name, "{"), "}")
	end := strings.IndexFunc(name, func(r rune) bool { return r >= 0x80 || !isNameByte(byte(r)) })
	if end >= 0 {
		number = strings.TrimLeft(name[end:], ":-?+")
		name = name[:end]
	}
	if !isAssignment(name + "=") {
		return "", ""
	}
	if value, ok := t.dotEnv(name); ok {
		number = value
	}
	return name, number
}

// dotEnv returns the value of a variable in .env, if it is a port.
func (t tree) dotEnv(name string) (value string, ok bool) {
	src, _ := t.read(".env")
	for line := range strings.Lines(string(src)) {
		key, v, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "export "), "=")
		v = strings.Trim(strings.TrimSpace(v), `"'`)
		if _, err := allocator.ParsePort(v); err == nil && strings.TrimSpace(key) == name {
			value, ok = v, true
		}
	}
	return value, ok
}

// portNames are the usual names of additional ports that images listen on.
var portNames = []struct {
	port int
	name string
}{
	{80, "http"},
	{443, "https"},
	{8080, "http"},
	{8443, "https"},
	{9090, "metrics"},
	{1025, "smtp"},
	{8025, "inbox"},
	{5672, "amqp"},
	{15672, "management"},
	{9000, "api"},
	{9001, "console"},
	{9300, "transport"},
	{4317, "otlp-grpc"},
	{4318, "otlp-http"},
	{16686, "ui"},
	{6379, "redis"},
	{5432, "postgres"},
	{3306, "mysql"},
}

// portName returns a name with a free variable for an additional port of a
// service.
func (p *Project) portName(service string, port published) string {
	number := port.target
	if number == 0 {
		number = port.host
	}
	known := ""
	for _, n := range portNames {
		if n.port == number {
			known = n.name
		}
	}
	for _, name := range []string{serviceName(port.name), known, fmt.Sprintf("p%d", number), fmt.Sprintf("p%d", port.host)} {
		if name != "" && !p.taken(allocator.PortName{Service: service, Port: name}) {
			return name
		}
	}
	name := "other"
	for i := 2; p.taken(allocator.PortName{Service: service, Port: name}); i++ {
		name = fmt.Sprintf("other-%d", i)
	}
	return name
}

// scalar returns a YAML scalar as text, and "" for a list or a map.
func scalar(v any) string {
	switch v.(type) {
	case nil, []any, map[string]any:
		return ""
	}
	return fmt.Sprint(v)
}

func sortedKeys(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }
