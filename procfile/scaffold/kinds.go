package scaffold

import (
	"slices"
	"strings"
)

// builders are programs that end when they have built or checked something,
// unless an option makes them watch. Those with verbs do so only with one.
var builders = map[string][]string{
	"tsc": nil, "vue-tsc": nil, "tsup": nil, "rollup": nil, "esbuild": nil, "swc": nil, "babel": nil, "sass": nil, "postcss": nil, "unbuild": nil, "microbundle": nil,
	"tailwindcss": nil, "@tailwindcss/cli": nil, "webpack": nil, "tsdown": nil, "ncc": nil, "pkgroll": nil, "copyfiles": nil, "cpx": nil, "rimraf": nil, "graphql-codegen": nil,
	"vite": {"build", "optimize"}, "next": {"build", "export", "lint", "typegen"}, "astro": {"build", "check"}, "parcel": {"build"}, "rspack": {"build"}, "rsbuild": {"build"},
	"prisma": {"migrate", "generate", "db", "format"}, "drizzle-kit": {"push", "generate", "migrate"}, "ng": {"build", "test", "lint"}, "nuxt": {"build", "generate", "prepare"},
	"eslint": nil, "prettier": nil, "biome": nil, "jest": nil, "lingui": nil, "playwright": nil, "cypress": nil, "changeset": nil, "gulp": {"build"}, "echo": nil, "cp": nil, "mkdir": nil,
	"composer": {"install", "update"}, "cargo": {"build", "test", "check"}, "go": {"build", "test", "generate"}, "dotnet": {"build", "test"}, "rspec": nil, "pytest": nil,
}

// watchOptions make a builder run until it is stopped.
var watchOptions = []string{"--watch", "-w", "watch", "-W", "--watch=true", "--watch=always", "--watch=forever"}

func watches(words []word) bool {
	return slices.ContainsFunc(words, func(w word) bool { return slices.Contains(watchOptions, w.text) })
}

// isBuilder reports whether a program builds or checks something.
func isBuilder(inv invocation) bool {
	verbs, ok := builders[inv.program]
	return ok && (verbs == nil || len(inv.args) > 0 && slices.ContainsFunc(inv.args, func(w word) bool { return slices.Contains(verbs, w.text) }) && !isServing(inv))
}

func isServing(inv invocation) bool {
	_, serves := lookUp(inv)
	return serves
}

// rebuilds reports whether a line's programs only build, and one of them builds
// again when files change.
func rebuilds(line string) bool {
	commands := splitCommands(line)
	if len(commands) == 0 {
		return false
	}
	inv := unwrap(commands[len(commands)-1])
	return isBuilder(inv) && !isServing(inv) && watches(inv.args)
}

// runsOnce returns the program with which a script ends, if that program ends
// by itself; else "".
func (m manifest) runsOnce(text string, depth int) string {
	commands := splitCommands(m.expand(text, depth))
	if len(commands) == 0 {
		return ""
	}
	inv := unwrap(commands[len(commands)-1])
	if !isBuilder(inv) || isServing(inv) || slices.ContainsFunc(commands, func(c simpleCommand) bool { return watches(c.words) || unwrap(c).program == "nodemon" }) {
		return ""
	}
	return inv.program
}

// expand replaces a line that ends by calling another script of the package
// with that script, up to depth times.
func (m manifest) expand(line string, depth int) string {
	for range depth {
		commands := splitCommands(line)
		if len(commands) == 0 {
			break
		}
		c := commands[len(commands)-1]
		_, name, args := scriptCall(c)
		text, ok := m.script(name)
		if !ok || len(entered(line)) > 0 {
			break
		}
		for _, a := range args {
			text += " " + quoteSh(a.text)
		}
		line = text
	}
	return line
}

// saysOnly returns the message of a script that does nothing but print one:
// "echo 'removed, use pnpm dev' && exit 1".
func saysOnly(script string) (message string, says bool) {
	for _, c := range splitCommands(script) {
		switch c.words[0].text {
		case "echo", "printf":
			says = true
			for _, w := range c.words[1:] {
				message += " " + w.text
			}
		case "exit", "false", "true", ":":
		default:
			return "", false
		}
	}
	return strings.TrimSpace(message), says
}

// selectors returns the workspaces that a command selects by name: turbo
// --filter=web, yarn workspace web, npm -w web.
func selectors(c simpleCommand) (names []string) {
	inv := unwrap(c)
	program := baseName(c.words[0].text)
	if !isManager(program) && !slices.Contains([]string{"turbo", "lerna", "nx"}, inv.program) {
		if !isManager(inv.program) {
			return nil
		}
		program = inv.program
	}
	for i, w := range c.words {
		option, value, joined := strings.Cut(w.text, "=")
		next := ""
		if i+1 < len(c.words) {
			next = c.words[i+1].text
		}
		isOption := slices.Contains([]string{"--filter", "-F", "--workspace", "--scope"}, option) || option == "-w" && program == "npm"
		switch {
		case isOption && joined:
			names = append(names, value)
		case isOption && next != "", w.text == "workspace" && program == "yarn" && next != "":
			names = append(names, next)
		}
	}
	return names
}
