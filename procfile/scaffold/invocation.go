package scaffold

import (
	"slices"
	"strings"
)

// invocation is the program that a simple command runs, without assignments and
// wrappers such as env, npx, poetry run or python -m.
type invocation struct {
	program  string // base name
	args     []word
	assigned *word // a PORT=3000 before the program
}

// wrapper is a program that runs the program in its arguments.
type wrapper struct {
	programs []string
	verbs    []string // subcommands that run a program; none: the program follows
	dashes   bool     // the program follows "--", if there is one
}

var wrappers = []wrapper{
	{programs: []string{"cross-env", "cross-env-shell", "env", "exec", "time", "nice", "bunx", "pnpx"}},
	{programs: []string{"npx", "dotenv"}, dashes: true},
	{programs: []string{"dotenvx", "doppler", "op", "poetry", "uv", "pipenv", "pdm", "hatch", "rye"}, verbs: []string{"run"}, dashes: true},
	{programs: []string{"bundle"}, verbs: []string{"exec"}},
	{programs: []string{"npm"}, verbs: []string{"exec", "x"}, dashes: true},
	{programs: []string{"pnpm", "yarn", "bun"}, verbs: []string{"exec", "dlx", "run", "x"}},
	{programs: []string{"pnpm", "yarn", "bun"}},
}

// interpreters run a program given as a file, or as a module with -m.
var interpreters = []string{"python", "ruby", "php", "node", "deno", "tsx", "ts-node", "nodemon"}

func isInterpreter(program string) bool {
	return slices.Contains(interpreters, strings.TrimRight(program, "0123456789."))
}

// unwrap finds the program that a command runs in the end.
func unwrap(c simpleCommand) invocation {
	var inv invocation
	words := c.words
	for len(words) > 0 {
		w := words[0]
		name := baseName(w.text)
		inner, wraps := unwrapOnce(name, words[1:])
		switch {
		case isAssignment(w.text):
			if strings.HasPrefix(w.text, "PORT=") {
				inv.assigned = &w
			}
			words = words[1:]
			continue
		case wraps:
			words = inner
			continue
		}
		inv.program, inv.args = name, words[1:]
		break
	}
	return inv
}

// unwrapOnce returns the command that a wrapper with these arguments runs.
func unwrapOnce(program string, args []word) ([]word, bool) {
	for _, k := range wrappers {
		if !slices.Contains(k.programs, program) {
			continue
		}
		rest := withoutOptions(args)
		if k.verbs != nil {
			if len(rest) == 0 || !slices.Contains(k.verbs, rest[0].text) {
				continue
			}
			rest = withoutOptions(rest[1:])
		} else if isManager(program) && (len(rest) == 0 || !isKnown(baseName(rest[0].text))) {
			continue // the name of a script
		}
		if i := indexWord(args, "--"); k.dashes && i >= 0 {
			rest = args[i+1:]
		}
		return rest, true
	}
	if isInterpreter(program) {
		for i, a := range args {
			if a.text == "-m" && i+1 < len(args) {
				return args[i+1:], true
			}
			if a.text == "-S" {
				break
			}
			if !strings.HasPrefix(a.text, "-") {
				return args[i:], isKnown(baseName(a.text))
			}
		}
	}
	return nil, false
}

// isManager reports whether a program runs the scripts of package.json.
func isManager(program string) bool {
	return slices.Contains([]string{"npm", "pnpm", "yarn", "bun"}, program)
}

func withoutOptions(words []word) []word {
	for len(words) > 0 && strings.HasPrefix(words[0].text, "-") {
		words = words[1:]
	}
	return words
}

func indexWord(words []word, text string) int {
	return slices.IndexFunc(words, func(w word) bool { return w.text == text })
}

func isAssignment(s string) bool {
	name, _, ok := strings.Cut(s, "=")
	for i := range len(name) {
		if !isNameByte(name[i]) || i == 0 && name[0] >= '0' && name[0] <= '9' {
			return false
		}
	}
	return ok && name != ""
}
