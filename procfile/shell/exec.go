// Package shell parses command lines as the shell does.
package shell

import (
	"slices"
	"strings"
	"sync"

	"mvdan.cc/sh/v3/syntax"
)

// Exec returns a command line for dash with "exec" before its command, if that
// does not change its meaning. Unlike other shells, dash forks and waits even
// for the last command; with "exec" it becomes the program. That halves the
// time that a service takes to start.
//
// The meaning is the same for one simple command (POSIX.1-2024, XCU 2.9.1),
// with its assignments, redirections and expansions, whose first word is a
// literal program name. Exec leaves builtins, and lines that it cannot parse,
// unchanged.
func Exec(line string) string {
	call, redirections, ok := simpleCommand(line)
	if !ok || slices.ContainsFunc(redirections, isHereDocument) { // the shell feeds it to the program
		return line
	}
	at := call.Args[0].Pos().Offset()
	return line[:at] + "exec " + line[at:]
}

// simpleCommand parses a line that is one simple command, whose first word is the
// name of a program as it stands.
func simpleCommand(line string) (call *syntax.CallExpr, redirections []*syntax.Redirect, ok bool) {
	file, err := syntax.NewParser(syntax.Variant(syntax.LangPOSIX)).Parse(strings.NewReader(line), "")
	if err != nil || len(file.Stmts) != 1 {
		return nil, nil, false
	}
	statement := file.Stmts[0]
	call, simple := statement.Cmd.(*syntax.CallExpr)
	if !simple || len(call.Args) == 0 || statement.Negated || statement.Background {
		return nil, nil, false
	}
	program := call.Args[0].Lit()
	return call, statement.Redirs, isName(program) && !shellWords()[program]
}

func isHereDocument(r *syntax.Redirect) bool { return r.Hdoc != nil }

// isName reports whether a word is a literal program name.
func isName(word string) bool {
	return word != "" && word[0] != '-' && strings.Trim(word, letters+digits+"_./+-@") == ""
}

// shellWords are dash's reserved words and builtins: exec of one of these
// fails, or runs a program that behaves differently.
var shellWords = sync.OnceValue(func() map[string]bool {
	words := map[string]bool{}
	for word := range strings.FieldsSeq(`
		case do done elif else esac fi for if in then until while
		. [ alias bg break cd chdir command continue echo eval exec exit export false fc fg getopts hash histcmd jobs
		kill local printf pwd read readonly return set shift test times trap true type ulimit umask unalias unset wait`) {
		words[word] = true
	}
	return words
})
