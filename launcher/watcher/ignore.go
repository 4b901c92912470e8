package watcher

import (
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// gitignore is the name of the files of rules, see gitignore(5).
const gitignore = ".gitignore"

// rule is a line of a .gitignore.
type rule struct {
	glob        string
	negated     bool // matching files are not ignored
	directories bool // only directories match
	anchored    bool // matches the whole path, otherwise only the name
}

// readRules returns the rules in a directory, none if it has no .gitignore or,
// as with git, if that is a symbolic link.
func readRules(directory string) []rule {
	file := filepath.Join(directory, gitignore)
	if info, err := os.Lstat(file); err != nil || !info.Mode().IsRegular() {
		return nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	return parseRules(string(text))
}

func parseRules(text string) (rules []rule) {
	text = strings.TrimPrefix(text, "\ufeff")
	for line := range strings.SplitSeq(text, "\n") {
		if r, ok := parseRule(strings.TrimSuffix(line, "\r")); ok {
			rules = append(rules, r)
		}
	}
	return rules
}

// parseRule parses a line; ok is false if it contains no rule. As with git, an
// invalid glob matches nothing.
func parseRule(line string) (r rule, ok bool) {
	if strings.HasPrefix(line, "#") {
		return r, false
	}
	line, r.negated = strings.CutPrefix(trimSpaces(line), "!")
	line, r.directories = strings.CutSuffix(line, "/")
	r.anchored = strings.Contains(line, "/")
	line = strings.TrimPrefix(line, "/")
	r.glob, ok = translate(line, r.anchored)
	return r, ok && line != "" && doublestar.ValidatePattern(r.glob)
}

// trimSpaces removes trailing spaces that are not escaped with a backslash.
func trimSpaces(line string) string {
	end := 0
	for i := 0; i < len(line); i++ {
		if line[i] == '\\' {
			i++
		} else if line[i] == ' ' {
			continue
		}
		end = i + 1
	}
	return line[:min(end, len(line))]
}

// matches reports whether the rule matches a path relative to its directory.
func (r rule) matches(file string, dir bool) bool {
	if r.directories && !dir {
		return false
	}
	if !r.anchored {
		file = path.Base(file)
	}
	return doublestar.MatchUnvalidated(r.glob, file)
}

// ignores reports whether an entry of the directory is ignored, because its
// directory is or by the last matching rule in the nearest directory with one.
func (d *directory) ignores(name string, dir bool) bool {
	if d != nil && d.ignored {
		return true
	}
	for file := name; d != nil; d = d.parent {
		for i := len(d.rules) - 1; i >= 0; i-- {
			if d.rules[i].matches(file, dir) {
				return !d.rules[i].negated
			}
		}
		file = d.name + "/" + file
	}
	return false
}
