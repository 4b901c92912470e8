package scaffold

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
)

// manifest is the part of a package.json that scaffold uses.
type manifest struct {
	Name           string
	Scripts        map[string]any
	Workspaces     any // a list of patterns, or an object with that list as "packages"
	PackageManager string
}

// readManifest reads the package.json in dir, if it exists.
func readManifest(fsys fs.FS, dir string) (m manifest, exists bool, err error) {
	src, err := fs.ReadFile(fsys, path.Join(dir, "package.json"))
	if err != nil {
		return m, false, err
	}
	return m, true, json.Unmarshal(bytes.TrimPrefix(src, []byte("\ufeff")), &m)
}

// script returns the text of a script, if it exists and its name is printable.
func (m manifest) script(name string) (text string, ok bool) {
	text, ok = m.Scripts[name].(string)
	return text, ok && strings.TrimSpace(text) != "" && printable(name)
}

// scriptNames returns the names of the scripts, sorted.
func (m manifest) scriptNames() []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(m.Scripts)) {
		if _, ok := m.script(name); ok {
			names = append(names, name)
		}
	}
	return names
}

// scriptCall parses "npm run dev", "npm start" or "yarn dev" into the package
// manager, the name of the script and its arguments. A script of another
// package, as in npm run dev -w web, is none.
func scriptCall(c simpleCommand) (manager, script string, args []word) {
	words := c.words
	for len(words) > 0 && isAssignment(words[0].text) {
		words = words[1:]
	}
	if len(words) < 2 || !isManager(words[0].text) || inOtherPackages(simpleCommand{words: words}) {
		return "", "", nil
	}
	manager, words = words[0].text, withoutOptions(words[1:])
	if len(words) > 1 && (words[0].text == "run" || words[0].text == "run-script") {
		words = withoutOptions(words[1:])
	} else if manager == "npm" && (len(words) == 0 || words[0].text != "start") {
		return "", "", nil
	}
	if len(words) == 0 {
		return "", "", nil
	}
	args = words[1:]
	if len(args) > 0 && args[0].text == "--" {
		args = args[1:]
	}
	return manager, words[0].text, args
}

// PortFlagIn is [PortFlag] for a command that runs in the directory fsys: it
// follows the scripts of the package.json there.
func PortFlagIn(fsys fs.FS, command string) Server {
	m, exists, err := readManifest(fsys, ".")
	if !exists || err != nil {
		return PortFlag(command)
	}
	return m.portFlag(command, 5)
}

// portFlag follows scripts that run other scripts, up to depth levels.
func (m manifest) portFlag(command string, depth int) Server {
	for _, c := range splitCommands(command) {
		manager, name, args := scriptCall(c)
		script, ok := m.script(name)
		if !ok || depth == 0 {
			if s, ok := serverOf(command, c); ok {
				return s
			}
			continue
		}
		for _, a := range args {
			script += " " + a.text
		}
		if s := m.portFlag(script, depth-1); s != (Server{}) {
			return s.through(manager, command, c)
		}
	}
	return Server{}
}

// through adapts a script's server to the command c that runs the script: the
// package manager appends c's arguments to the script
// (https://docs.npmjs.com/cli/commands/npm-run, https://pnpm.io/cli/run,
// https://yarnpkg.com/cli/run, https://bun.sh/docs/cli/run).
func (s Server) through(manager, command string, c simpleCommand) Server {
	passed := s.appended
	if passed != "" && manager == "npm" && indexWord(c.words, "--") < 0 {
		passed = "-- " + passed
	}
	switch {
	case !s.Ignores:
		s.Command = command
	case s.Fixed != 0 || passed == "":
		s.Command = ""
	default:
		s.Command = command[:c.end()] + " " + passed + command[c.end():]
	}
	if s.appended = ""; c.last {
		s.appended = passed
	}
	return s
}

// printable reports whether s is text without control characters.
func printable(s string) bool { return s != "" && clean(s) == s }
