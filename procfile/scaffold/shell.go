package scaffold

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/devports/devports/allocator/text"
)

// word is a word of a command line, without its quotes, and where it stands.
type word struct {
	text       string
	start, end int
}

// simpleCommand is a program and its arguments, with what is assigned before
// them. It has at least one word.
type simpleCommand struct {
	words []word
	last  bool // what is appended to the line becomes its argument
}

// end is where an argument can be put in.
func (c simpleCommand) end() int { return c.words[len(c.words)-1].end }

// splitCommands splits a line of shell into its simple commands, in their order,
// those of compound commands among them. It expands nothing; redirections,
// substitutions and comments are dropped. Of what no shell understands, there is
// none.
func splitCommands(line string) []simpleCommand {
	// With Windows' ends of lines, every program would have one in its name.
	line = strings.ReplaceAll(line, "\r", " ")
	var file *syntax.File
	var err error
	for _, variant := range []syntax.LangVariant{syntax.LangPOSIX, syntax.LangBash} { // /bin/sh may be bash
		if file, err = syntax.NewParser(syntax.Variant(variant)).Parse(strings.NewReader(line), ""); err == nil {
			break
		}
	}
	if err != nil {
		return nil
	}
	var commands []simpleCommand
	syntax.Walk(file, func(node syntax.Node) bool {
		switch node := node.(type) {
		case *syntax.CallExpr:
			commands = append(commands, simpleCommand{words: wordsOf(line, node)})
			return false
		case *syntax.Word, *syntax.Redirect:
			return false
		}
		return true
	})
	if len(commands) > 0 {
		c := &commands[len(commands)-1]
		c.last = !strings.ContainsAny(line[c.end():], "\n;&|()#")
	}
	return commands
}

func wordsOf(line string, call *syntax.CallExpr) (words []word) {
	add := func(node syntax.Node, text string) {
		words = append(words, word{text, int(node.Pos().Offset()), int(node.End().Offset())})
	}
	for _, a := range call.Assigns {
		text := source(line, a)
		if a.Value != nil {
			text = strings.TrimSuffix(text, source(line, a.Value)) + unquote(line, a.Value.Parts)
		}
		add(a, text)
	}
	for _, w := range call.Args {
		add(w, unquote(line, w.Parts))
	}
	return words
}

func source(line string, node syntax.Node) string {
	return line[node.Pos().Offset():node.End().Offset()]
}

// unquote is what the parts of a word come to when nothing is expanded.
func unquote(line string, parts []syntax.WordPart) string {
	var text strings.Builder
	for _, part := range parts {
		switch part := part.(type) {
		case *syntax.Lit:
			text.WriteString(unescape(part.Value, ""))
		case *syntax.SglQuoted:
			text.WriteString(part.Value)
		case *syntax.DblQuoted:
			for _, inner := range part.Parts {
				if lit, ok := inner.(*syntax.Lit); ok {
					text.WriteString(unescape(lit.Value, "\\\"$`"))
				} else {
					text.WriteString(source(line, inner))
				}
			}
		default:
			text.WriteString(source(line, part))
		}
	}
	return text.String()
}

// unescape removes the backslashes that stand before one of the characters, or
// before any at all if none are given.
func unescape(s, special string) string {
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) && (special == "" || strings.IndexByte(special, s[i+1]) >= 0) {
			i++
		}
		out.WriteByte(s[i])
	}
	return out.String()
}

// quoteSh quotes a word for the shell, where it has to be: after a command, more
// is plain than in all places.
func quoteSh(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-./:@%+=,", r)
	}
	if s != "" && strings.TrimLeftFunc(s, plain) == "" {
		return s
	}
	return text.QuoteSh(s)
}
