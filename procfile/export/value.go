package export

import (
	"regexp"
	"slices"
	"sync"

	"github.com/devports/devports/procfile"
)

// value is the value of a variable of a container: pieces in a row.
type value []piece

// piece is a piece of a value: text, or a variable that is not known until the
// container is created.
type piece struct {
	text     string
	port     string // the service that the port in text belongs to
	public   bool   // it is an address for a browser
	name     string // the variable, or ""
	operator string // "" or ":-" or ":+"
	word     value  // the text behind the operator
}

// known returns the text of a value without variables.
func (v value) known() (text string, ok bool) {
	for _, p := range v {
		if p.name != "" {
			return "", false
		}
		text += p.text
	}
	return text, true
}

// machinePaths are variables of every shell that hold paths of its machine.
var machinePaths = []string{"PATH", "HOME", "PWD", "SHELL", "TMPDIR"}

// machinePath returns a variable in a value that holds a path of this machine,
// or "".
func (v value) machinePath() string {
	for _, p := range v {
		if slices.Contains(machinePaths, p.name) && p.operator != ":+" { // only its text counts
			return p.name
		}
		if name := p.word.machinePath(); name != "" {
			return name
		}
	}
	return ""
}

// scope looks up variables of the file.
type scope struct {
	own    func(name string) (piece, bool) // what devports sets
	urls   func(name string) (value, bool) // the same, but tables may replace them
	tables [][]procfile.Variable           // the service's env, then the project's
}

// level is a table of a scope, and the entries that are being expanded there.
type level struct {
	table int
	path  []string
}

// expand replaces the variables of a value that are known.
func (s scope) expand(text string, at level) value {
	return s.parts(procfile.Parts(text), at)
}

func (s scope) parts(parts []procfile.Part, at level) value {
	var v value
	for _, part := range parts {
		if part.Name == "" {
			v = append(v, piece{text: part.Text})
			continue
		}
		found := s.lookup(part.Name, at)
		if part.Operator == "" {
			v = append(v, found...)
			continue
		}
		word := s.parts(part.Word, at)
		text, known := found.known()
		set := known && text != "" || !known && len(found) > 1 // text beside a variable
		switch {
		case len(found) == 1 && !known && found[0].operator == "":
			v = append(v, piece{name: found[0].name, operator: part.Operator, word: word})
		case len(found) == 1 && !known:
			v = append(v, found...) // its own default counts
		case set == (part.Operator == ":-"):
			if set {
				v = append(v, found...)
			}
		default:
			v = append(v, word...)
		}
	}
	return v
}

// lookup returns the value of a variable, as procfile does: entries use each
// other in any order, and one that uses its own name gets the outer variable.
func (s scope) lookup(name string, at level) value {
	if p, ok := s.own(name); ok {
		return value{p}
	}
	for t := at.table; t < len(s.tables); t++ {
		i := slices.IndexFunc(s.tables[t], func(v procfile.Variable) bool { return v.Name == name })
		within := t == at.table && slices.Contains(at.path, name)
		if i < 0 || within {
			continue
		}
		var path []string
		if t == at.table {
			path = at.path
		}
		return s.expand(s.tables[t][i].Value, level{t, append(slices.Clone(path), name)})
	}
	if v, ok := s.urls(name); ok {
		return v
	}
	return value{{name: name}}
}

// loopback matches a host that is this machine.
var loopback = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)(^|[^A-Za-z0-9.:-])(localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1\])`)
})

// hostBefore matches such a host, and the colon before a port, at the end.
var hostBefore = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)(^|[^A-Za-z0-9.-])(localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1\]):$`)
})

// connect replaces this machine before the ports of other services with the
// names of their containers. host is empty for the service's own port. It
// returns the hosts that it has put in, and whether this machine remains
// elsewhere than before the service's own port.
func (v value) connect(host func(service string) string) (hosts []string, remains bool) {
	rest := slices.Clone(v)
	for i := 1; i < len(v); i++ {
		if v[i].port == "" || v[i-1].name != "" {
			continue
		}
		at := hostBefore().FindStringSubmatchIndex(v[i-1].text)
		if at == nil {
			continue
		}
		rest[i-1].text = v[i-1].text[:at[4]]
		if name := host(v[i].port); name != "" {
			v[i-1].text = v[i-1].text[:at[4]] + name + ":"
			hosts = append(hosts, name)
		}
	}
	for _, p := range rest {
		remains = remains || p.name == "" && !p.public && loopback().MatchString(p.text)
		for _, inner := range p.word {
			remains = remains || loopback().MatchString(inner.text)
		}
	}
	return hosts, remains
}

// join merges neighbouring texts.
func (v value) join() value {
	var joined value
	for _, p := range v {
		if n := len(joined); n > 0 && p.name == "" && joined[n-1].name == "" {
			joined[n-1].text += p.text
		} else {
			joined = append(joined, p)
		}
	}
	return joined
}

// shellPort matches a variable of a port behind this machine in a command.
var shellPort = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)(localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1\]):(\$\{?(PORT(?:_[A-Z0-9_]+)?)\b)`)
})

// connectShell is connect for a command of a shell. host returns the host of a
// variable, "" for the service's own port; known is false if it is not a port.
func connectShell(line string, host func(variable string) (name string, known bool)) (connected string, hosts []string, remains bool) {
	rest := shellPort().ReplaceAllStringFunc(line, func(found string) string {
		at := shellPort().FindStringSubmatchIndex(found)
		if _, known := host(found[at[6]:at[7]]); known {
			return found[at[3]:]
		}
		return found
	})
	connected = shellPort().ReplaceAllStringFunc(line, func(found string) string {
		at := shellPort().FindStringSubmatchIndex(found)
		name, _ := host(found[at[6]:at[7]])
		if name == "" {
			return found
		}
		hosts = append(hosts, name)
		return name + found[at[3]:]
	})
	return connected, hosts, loopback().MatchString(rest)
}
