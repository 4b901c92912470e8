package watcher

import "strings"

// translate converts the glob of a .gitignore into an equivalent one of doublestar;
// ok is false if it matches nothing. An anchored one may contain slashes.
//
// The differences: git has no braces; "a/**" does not match a itself; any
// number of stars above one is "**"; brackets support classes, may begin with
// "]", and never match a slash. Git first compares and removes the text before
// the first special character: in "x/a**/b", the rest begins with two stars, so
// they match directories, too.
func translate(glob string, anchored bool) (_ string, ok bool) {
	var out strings.Builder
	first := strings.IndexAny(glob, `*?[\`)
	for rest := glob; rest != ""; {
		c, at := rest[0], len(glob)-len(rest)
		switch {
		case c == '*':
			after := strings.TrimLeft(rest, "*")
			switch start := at == 0 || glob[at-1] == '/'; {
			case len(rest)-len(after) < 2 || !anchored || !start && at != first:
				out.WriteByte('*')
			case start:
				var some string
				some, after = starsAfterSlash(after)
				out.WriteString(some)
			default:
				var some string
				some, after = starsAfterName(after)
				out.WriteString(some)
			}
			rest = after
			continue
		case c == '[':
			var class string
			if class, rest, ok = bracket(rest[1:]); !ok {
				return "", false
			}
			out.WriteString(class)
			continue
		case c == '{' || c == '}':
			out.WriteByte('\\')
		case c == '\\' && len(rest) > 1:
			out.WriteByte(c)
			rest = rest[1:]
		}
		out.WriteByte(rest[0])
		rest = rest[1:]
	}
	return out.String(), !strings.HasSuffix(out.String(), "/") // no path ends in a slash
}

// starsAfterSlash translates two or more stars at the start of a glob or after a
// slash, and returns what follows them.
func starsAfterSlash(after string) (out, rest string) {
	switch {
	case after == "":
		return "**/*", ""
	case after[0] == '/':
		return "**", after
	case strings.HasPrefix(after, `\/`): // matches at least one directory
		return "*/**/", after[2:]
	}
	return "*", after
}

// starsAfterName translates two or more stars after a name without special
// characters, and returns what follows them.
func starsAfterName(after string) (out, rest string) {
	switch {
	case after == "":
		return "{*,*/**}", ""
	case after == "/":
		return "", ""
	case after[0] == '/':
		if more := strings.TrimLeft(after[1:], "*"); len(after)-len(more) > 2 && (more == "" || more[0] == '/') {
			return starsAfterName(more)
		}
		return "{,*/**/}", after[1:]
	case strings.HasPrefix(after, `\/`):
		return "*/**/", after[2:]
	}
	return "*", after
}

// bracket translates the bracket expression at the start of s, which lacks the
// opening bracket, and returns what follows it.
func bracket(s string) (out, after string, ok bool) {
	out = "["
	negated := s != "" && (s[0] == '!' || s[0] == '^')
	if negated {
		out, s = "[^/-/", s[1:] // a range, in case "-" follows
	}
	for first := true; s != ""; first = false {
		switch {
		case s[0] == ']' && !first:
			return out + "]", s[1:], out != "["
		case strings.HasPrefix(s, "[:"):
			name, rest, closed := strings.Cut(s[2:], ":]")
			if closed {
				members, known := classes[name]
				if !known {
					return "", "", false
				}
				out, s = out+members, rest
				continue
			}
		}
		low, rest := member(s)
		if out == "[" && (low == "!" || low == "^") { // first only because slashes were left out
			low = `\` + low
		}
		if len(rest) < 2 || rest[0] != '-' || rest[1] == ']' {
			if s = rest; low != "/" && low != `\/` || negated {
				out += low
			}
			continue
		}
		high, rest := member(rest[1:])
		s = rest
		if from, to := low[len(low)-1], high[len(high)-1]; from > '/' || to < '/' || negated {
			out += low + "-" + high
		} else {
			if from < '/' {
				out += low + "-."
			}
			if to > '/' {
				out += "0-" + high
			}
		}
	}
	return "", "", false
}

// member returns the first character of s, with a backslash if it has or needs one,
// and what follows it.
func member(s string) (char, rest string) {
	switch {
	case s[0] == ']':
		return `\]`, s[1:]
	case s[0] == '\\' && len(s) > 1:
		return s[:2], s[2:]
	}
	return s[:1], s[1:]
}

// classes are the POSIX classes, without the slash. None begins with "!", because a
// class may come first.
var classes = map[string]string{
	"alnum":  "a-zA-Z0-9",
	"alpha":  "a-zA-Z",
	"blank":  " \t",
	"cntrl":  "\x00-\x1f\x7f",
	"digit":  "0-9",
	"graph":  "0-~!-.",
	"lower":  "a-z",
	"print":  " -.0-~",
	"punct":  `:-@\[-` + "`{-~!-.",
	"space":  " \t-\r",
	"upper":  "A-Z",
	"xdigit": "0-9a-fA-F",
}
