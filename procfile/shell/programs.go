package shell

import (
	"path"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// Program is a program that a command line runs.
type Program struct {
	Name string // as it stands
	Dir  string // where, relative to the directory of the line: a cd before it
	Args []string
}

// Programs returns the programs of a line that stand there as literal words, in
// order. It leaves out builtins and functions. A line that it cannot parse has
// none.
func Programs(line string) []Program {
	file := parse(line)
	if file == nil {
		return nil
	}
	functions := map[string]bool{}
	var programs []Program
	dir := ""
	syntax.Walk(file, func(node syntax.Node) bool {
		switch node := node.(type) {
		case *syntax.FuncDecl:
			functions[node.Name.Value] = true
		case *syntax.CallExpr:
			words := literals(node.Args)
			if len(words) > 0 && (words[0] == "exec" || words[0] == "command") {
				words = words[1:]
			}
			switch {
			case len(words) == 0:
			case words[0] == "cd" && len(words) == 2 && words[1] != "":
				dir = path.Join(dir, words[1])
			case isName(words[0]) && !shellWords()[words[0]] && !functions[words[0]]:
				programs = append(programs, Program{words[0], dir, words[1:]})
			}
		}
		return true
	})
	return programs
}

// literals are the literal values of words; "" for any other.
func literals(args []*syntax.Word) []string {
	words := make([]string, len(args))
	for i, word := range args {
		words[i] = word.Lit()
	}
	return words
}

// parse parses a line for sh, which may be bash; nil if it cannot.
func parse(line string) *syntax.File {
	for _, variant := range []syntax.LangVariant{syntax.LangPOSIX, syntax.LangBash} {
		if file, err := syntax.NewParser(syntax.Variant(variant)).Parse(strings.NewReader(line), ""); err == nil {
			return file
		}
	}
	return nil
}

// Reference is a variable that a line expands.
type Reference struct {
	Name   string
	Offset int // of its "$"
}

// References returns the variables that the shell expands as they are, $NAME or
// ${NAME}, and that the line does not set itself. It leaves out those with an
// operator, as ${NAME:-default}, and those that the line tests. A line that it
// cannot parse has none, nor has one that may set any variable: it evaluates
// text or reads another file.
func References(line string) []Reference {
	file := parse(line)
	if file == nil {
		return nil
	}
	set := map[string]bool{} // or tested
	all := false
	var references []Reference
	syntax.Walk(file, func(node syntax.Node) bool {
		switch node := node.(type) {
		case *syntax.Assign:
			if node.Name != nil {
				set[node.Name.Value] = true
			}
		case *syntax.WordIter:
			set[node.Name.Value] = true
		case *syntax.TestClause:
			addReferences(node, set)
		case *syntax.CallExpr: // read, getopts, unset, export …
			words := literals(node.Args)
			if len(words) > 0 {
				all = all || slices.Contains([]string{".", "source", "eval"}, words[0])
				if words[0] == "test" || words[0] == "[" {
					addReferences(node, set)
				}
			}
			for _, word := range words {
				if name, _, _ := strings.Cut(word, "="); IsVariable(name) {
					set[name] = true
				}
			}
		case *syntax.ParamExp:
			if node.Param == nil {
				return true
			}
			text := line[node.Pos().Offset():node.End().Offset()]
			switch name := node.Param.Value; {
			case IsVariable(name) && (text == "$"+name || text == "${"+name+"}"):
				references = append(references, Reference{name, int(node.Pos().Offset())})
			case node.Exp != nil && (node.Exp.Op == syntax.AssignUnset || node.Exp.Op == syntax.AssignUnsetOrNull):
				set[name] = true
			}
		}
		return true
	})
	if all {
		return nil
	}
	return slices.DeleteFunc(references, func(r Reference) bool { return set[r.Name] })
}

// addReferences adds the names of the variables in a node to names.
func addReferences(node syntax.Node, names map[string]bool) {
	syntax.Walk(node, func(node syntax.Node) bool {
		if expansion, ok := node.(*syntax.ParamExp); ok && expansion.Param != nil {
			names[expansion.Param.Value] = true
		}
		return true
	})
}
