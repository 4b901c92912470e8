package scaffold

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/devports/devports/allocator/text"
)

// word is a word of a command line, without its quotes, and its offsets.
type word struct {
	text       string
	start, end int
}

// simpleCommand is a program with its assignments and arguments. It has at
// least one word.
type simpleCommand struct {
	words []word
	last  bool // text appended to the line becomes its argument
}

// end is the offset where an argument can be inserted.
func (c simpleCommand) end() int { return c.words[len(c.words)-1].end }

// splitCommands splits a shell line into its simple commands, in order,
// including those inside compound commands. It expands nothing and drops
// redirections, substitutions and comments. A line with a syntax error has no
// commands.
func splitCommands(line string) []simpleCommand {
	// A carriage return at the end would become part of the program's name.
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

// unquote returns the text of a word without its quotes. It expands nothing.
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

// unescape removes the backslashes before the special characters, or before any
// character if special is empty.
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

// quoteSh quotes an argument for the shell if necessary. An argument needs less
// quoting than [text.QuoteSh] does for a word anywhere.
func quoteSh(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-./:@%+=,", r)
	}
	if s != "" && strings.TrimLeftFunc(s, plain) == "" {
		return s
	}
	return text.QuoteSh(s)
}
