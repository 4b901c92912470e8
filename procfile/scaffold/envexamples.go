package scaffold

import (
	"regexp"
	"strings"
	"sync"
)

// exampleFiles are committed env files, which developers copy to .env.
var exampleFiles = []string{".env.example", ".env.sample", ".env.dist", ".env.template", ".env.development", ".env.dev", "env.example", "example.env"}

// envLines returns the variables of an env file, without their quotes.
func envLines(text string) (list []Variable) {
	for line := range strings.Lines(text) {
		name, value, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "export "), "=")
		value = strings.TrimSpace(value)
		if !strings.HasPrefix(value, `"`) && !strings.HasPrefix(value, "'") {
			value, _, _ = strings.Cut(value, " #")
		}
		value = strings.Trim(strings.TrimSpace(value), `"'`)
		if ok && isVariableName(name) && printable(value) {
			list = append(list, Variable{Name: name, Value: value})
		}
	}
	return list
}

// localPort matches an address on this machine.
var localPort = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?:localhost|127\.0\.0\.1):\d+`)
})

// withPorts returns a variable's value with the numbers of ports on this machine
// replaced.
func withPorts(v Variable, numbers map[string]string) string {
	if n := numbers[v.Value]; n != "" && strings.Contains(v.Name, "PORT") {
		return n
	}
	converted, ok := composeValue(v.Value)
	if !ok {
		return v.Value
	}
	changed := localPort().ReplaceAllStringFunc(converted, func(at string) string {
		i := strings.LastIndexByte(at, ':')
		if n := numbers[at[i+1:]]; n != "" {
			return at[:i+1] + n
		}
		return at
	})
	if changed == converted {
		return v.Value
	}
	return changed
}
