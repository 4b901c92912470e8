package scaffold

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/devports/devports/allocator/envvar"
)

// host is a service of a compose file as others address it: where is its new
// address for a port, or "" if it has none.
type host struct {
	name  string
	where func(port int) string // "${PORT_DB}" for 5432; 0 is the usual port
}

// rewriteHosts replaces addresses in text: "db:5432" becomes
// "localhost:${PORT_DB}", and "//db/" becomes "//localhost:${PORT_DB}/".
func rewriteHosts(text string, hosts []host) string {
	for _, h := range hosts {
		if !strings.Contains(text, h.name) || plainName(h.name) != h.name {
			continue
		}
		address := regexp.MustCompile(`(^|[@/,;='"\s])` + regexp.QuoteMeta(h.name) + `(:\d+)?($|[/?,;'"\s])`)
		for range 8 { // neighbours share a separator
			m := address.FindStringSubmatchIndex(text)
			if m == nil {
				break
			}
			port := 0
			if m[4] >= 0 {
				port = number(text[m[4]+1 : m[5]])
			}
			before := text[m[2]:m[3]]
			if port == 0 && before != "@" && !strings.HasSuffix(text[:m[3]], "//") {
				break // a word, not an address
			}
			at := h.where(port)
			if at == "" {
				break
			}
			text = text[:m[3]] + "localhost:" + at + text[m[6]:]
		}
	}
	return text
}

// rewriteEnv returns the variables of a service of a compose file for a process
// outside of it, sorted, and the hosts that they name.
func rewriteEnv(env map[string]string, hosts []host) (list []Variable, used []string) {
	ports := map[string]string{} // values of variables such as DB_PORT
	for _, name := range slices.Sorted(maps.Keys(env)) {
		for _, h := range hosts {
			if env[name] != h.name || !strings.Contains(strings.ToUpper(name), "HOST") && !strings.Contains(strings.ToUpper(name), "SERVER") {
				continue
			}
			used = append(used, h.name)
			for _, word := range [][2]string{{"HOSTNAME", "PORT"}, {"HOST", "PORT"}, {"host", "port"}, {"SERVER", "PORT"}} {
				if portName := strings.Replace(name, word[0], word[1], 1); portName != name {
					ports[portName] = h.where(number(env[portName]))
					break
				}
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(env)) {
		value := env[name]
		switch {
		case !isVariableName(name) || skipped(name, value) || strings.ContainsAny(value, "\x00"):
			continue
		case ports[name] != "":
			list = append(list, Variable{Name: name, Value: ports[name]})
			continue
		case slices.ContainsFunc(hosts, func(h host) bool { return h.name == value && slices.Contains(used, h.name) }):
			list = append(list, Variable{Name: name, Value: "localhost"})
			continue
		}
		value, ok := composeValue(value)
		if !ok {
			continue
		}
		rewritten := rewriteHosts(value, hosts)
		for _, h := range hosts {
			if rewritten != value && strings.Contains(value, h.name) {
				used = append(used, h.name)
			}
		}
		list = append(list, Variable{Name: name, Value: rewritten})
	}
	for _, name := range slices.Sorted(maps.Keys(ports)) {
		if _, set := env[name]; !set && ports[name] != "" && isVariableName(name) && name != "PORT" {
			list = append(list, Variable{Name: name, Value: ports[name]})
		}
	}
	return list, used
}

// skipped reports whether a variable has a meaning only in a container, or in
// production.
func skipped(name, value string) bool {
	switch name {
	case "HOST", "HOSTNAME", "PATH", "HOME", "PWD", "USER", "SERVER_PORT", "ASPNETCORE_URLS", "ASPNETCORE_HTTP_PORTS", "BIND", "LISTEN", "WWWUSER", "WWWGROUP", "LARAVEL_SAIL":
		return true
	}
	return value == "production" || strings.HasPrefix(value, "/") || strings.HasPrefix(value, "0.0.0.0:") || isReserved(name) ||
		strings.Contains(value, "host.docker.internal") || strings.Contains(value, "${PWD")
}

// isReserved reports whether only devports sets a variable.
func isReserved(name string) bool {
	return name == "PORT" || strings.HasPrefix(name, "PORT_") || strings.HasPrefix(name, envvar.Prefix)
}

// composeValue converts a value with docker compose's variables: an undefined
// one is empty there, and an error in a Portfile. It reports false for a form
// that a Portfile lacks.
func composeValue(value string) (converted string, ok bool) {
	var b strings.Builder
	for value != "" {
		before, rest, found := strings.Cut(value, "$")
		b.WriteString(before)
		if !found {
			break
		}
		if after, escaped := strings.CutPrefix(rest, "$"); escaped {
			b.WriteString("$$")
			value = after
			continue
		}
		inner, after, braced := "", "", strings.HasPrefix(rest, "{")
		if braced {
			inner, after, found = strings.Cut(rest[1:], "}")
			if !found || strings.ContainsAny(inner, "${") {
				return "", false
			}
		} else {
			end := strings.IndexFunc(rest, func(r rune) bool { return r >= 0x80 || !isNameByte(byte(r)) })
			if end < 0 {
				end = len(rest)
			}
			inner, after = rest[:end], rest[end:]
		}
		end := strings.IndexFunc(inner, func(r rune) bool { return r >= 0x80 || !isNameByte(byte(r)) })
		name, fallback := inner, ""
		if end >= 0 {
			name = inner[:end]
			switch operator := strings.TrimPrefix(inner[end:], ":"); {
			case strings.HasPrefix(operator, "-"):
				fallback = operator[1:]
			case !strings.HasPrefix(operator, "?"):
				return "", false
			}
		}
		if !isVariableName(name) || strings.ContainsAny(fallback, "\\") {
			return "", false
		}
		b.WriteString("${" + name + ":-" + fallback + "}")
		value = after
	}
	return b.String(), true
}

func isVariableName(s string) bool { return isAssignment(s+"=") && !strings.Contains(s, "=") }

// number returns the number that s is, else 0.
func number(s string) int {
	n := 0
	for _, r := range s {
		if r < '0' || r > '9' || n > 65535 {
			return 0
		}
		n = n*10 + int(r-'0')
	}
	return n
}
