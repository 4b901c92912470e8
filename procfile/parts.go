package procfile

import "strings"

// Part is a part of a value in a file: literal text, or a variable.
type Part struct {
	Text     string // literal, with each $$ as one dollar; or
	Name     string // the variable
	Operator string // "", ":-" or ":+"
	Word     []Part // the text behind the operator
}

// Parts splits a value at the variables that [File.Resolve] expands. A
// malformed value, which Resolve reports, is literal text.
func Parts(s string) []Part {
	parts, ok := parts(s)
	if !ok {
		return []Part{{Text: s}}
	}
	return parts
}

func parts(s string) (list []Part, ok bool) {
	literal := func(text string) {
		if n := len(list); n > 0 && list[n-1].Name == "" {
			list[n-1].Text += text
		} else if text != "" {
			list = append(list, Part{Text: text})
		}
	}
	for {
		before, rest, dollar := strings.Cut(s, "$")
		literal(before)
		if !dollar {
			return list, true
		}
		s = rest
		switch n := nameLength(s); {
		case strings.HasPrefix(s, "$"):
			literal("$")
			s = s[1:]
		case n > 0:
			list = append(list, Part{Name: s[:n]})
			s = s[n:]
		case strings.HasPrefix(s, "{"):
			body, after, closed := cutBrace(s[1:])
			n := nameLength(body)
			v := Part{Name: body[:n]}
			switch operator := body[n:]; {
			case !closed || n == 0:
				return nil, false
			case operator == "":
			case strings.HasPrefix(operator, ":-"), strings.HasPrefix(operator, ":+"):
				v.Operator = operator[:2]
				if v.Word, ok = parts(operator[2:]); !ok {
					return nil, false
				}
			default:
				return nil, false
			}
			list, s = append(list, v), after
		default:
			literal("$")
		}
	}
}
