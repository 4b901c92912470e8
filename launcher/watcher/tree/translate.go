package tree

import "strings"

// translate turns the glob of a .gitignore into one of doublestar's that matches
// the same; ok is false if it matches nothing. An anchored one may have slashes.
//
// They differ: git knows no braces; "a/**" does not match a itself; any number
// of stars above one is "**"; brackets have classes, a "]" at their beginning,
// and never match a slash.
func translate(glob string, anchored bool) (_ string, ok bool) {
	var out strings.Builder
	for rest := glob; rest != ""; {
		c := rest[0]
		start := out.Len() == 0 || strings.HasSuffix(out.String(), "/")
		switch {
		case c == '*':
			after := strings.TrimLeft(rest, "*")
			out.WriteString(stars(len(rest)-len(after), start, after, anchored))
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
	return out.String(), true
}

// stars translates n stars.
func stars(n int, start bool, after string, anchored bool) string {
	switch {
	case n < 2 || !start || !anchored:
		return "*"
	case after == "":
		return "**/*"
	case after[0] == '/':
		return "**"
	default:
		return "*"
	}
}

// bracket translates a bracket expression that s begins with, but for its first
// character, and returns what follows it.
func bracket(s string) (out, after string, ok bool) {
	out = "["
	if s != "" && (s[0] == '!' || s[0] == '^') {
		out, s = "[^/-/", s[1:] // a range, lest "-" follows
	}
	for first := true; s != ""; first = false {
		n := 1
		switch {
		case s[0] == ']' && first:
			out += `\`
		case s[0] == ']':
			return out + "]", s[1:], true
		case s[0] == '\\':
			n = min(2, len(s))
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
		out, s = out+s[:n], s[n:]
	}
	return "", "", false
}

// classes are those of POSIX, without the slash. None begins with "!": it may
// stand first.
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
