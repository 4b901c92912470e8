// Package complete completes command lines for shells. The caller describes the
// commands and their arguments: see [Command].
package complete

import (
	"slices"
	"strings"
	"time"
)

// Candidate is a completion for the word at the cursor, with its description.
// Only [Files] and [CommandLine] have words that begin with a colon.
type Candidate struct{ Word, About string }

// String formats the candidate as a line for the shell.
func (c Candidate) String() string {
	if c.About == "" {
		return c.Word
	}
	return c.Word + "\t" + c.About
}

// Command describes a command.
type Command struct {
	Name, About string
	Hidden      bool // never a candidate
	Verbatim    bool // the arguments are a command line of their own, with its options
	Options     []Option
	Commands    []Command // subcommands

	// Read parses the words between the name and the cursor. ok is false if
	// they are invalid.
	Read func(words []string) (r Reading, ok bool)
}

// Option describes an option of a command.
type Option struct {
	Names      []string // with dashes: "--file", "-f"
	About      string
	TakesValue bool
	Value      string // the placeholder of its value: see [Reading]
}

// Reading is a parsed command line.
type Reading struct {
	Args     []string                               // without the options
	Argument func(l Line) []Candidate               // completes the next argument; nil for none
	Value    func(value string, l Line) []Candidate // completes the value of an option with this Option.Value
}

// Line is the context of a completion.
type Line struct {
	Args  []string // before the cursor
	Word  string   // at the cursor; only the shell knows how candidates match it
	Start int      // the index of the first argument among the words of the shell
}

// timeout bounds how long the user waits after TAB.
const timeout = 2 * time.Second

// Answer is the output for the shell, with one candidate on each line. home
// replaces ~. If the candidates take too long (a file that is a pipe, a slow
// disk), there are none, and the search is abandoned.
func Answer(root Command, typed Words, home string) string {
	found := make(chan []Candidate, 1)
	go func() { found <- root.complete(typed, home) }()
	select {
	case candidates := <-found:
		return typed.print(candidates)
	case <-time.After(timeout):
		return ""
	}
}

// complete returns the candidates for words after k.
func (k Command) complete(t Words, home string) []Candidate {
	last := len(t.words) - 1
	k, before := k.descend(expandHome(t.words[:last], home))
	l := Line{Word: t.words[last]}
	more := !slices.Contains(before, "--") // whether options may follow
	if n := len(before) - 1; more && n >= 0 {
		if o, ok := k.option(before[n]); ok && o.TakesValue {
			if r, ok := k.Read(before[:n]); ok && (len(r.Args) == 0 || !k.Verbatim) {
				l.Args = r.Args
				return r.Value(o.Value, l)
			}
		}
	}
	r, ok := k.Read(before)
	if !ok {
		return nil
	}
	l.Args, l.Start = r.Args, t.at[last-len(r.Args)]
	first := len(l.Args) == 0
	more = more && (first || !k.Verbatim)
	switch {
	case more && strings.HasPrefix(l.Word, "-"):
		option, value, assigned := strings.Cut(l.Word, "=")
		if !assigned {
			return k.options(before, option)
		}
		o, ok := k.option(option)
		if !ok {
			return nil
		}
		l.Word = value
		return prefixed(option+"=", r.Value(o.Value, l))
	case more && first && len(k.Commands) > 0:
		return Names(k.Commands)
	case r.Argument != nil:
		return r.Argument(l)
	case more && first:
		return k.options(before, "--")
	}
	return nil
}

// descend follows words from k to a subcommand.
func (k Command) descend(words []string) (_ Command, rest []string) {
	for len(words) > 0 {
		i := slices.IndexFunc(k.Commands, func(below Command) bool { return below.Name == words[0] })
		if i < 0 {
			break
		}
		k, words = k.Commands[i], words[1:]
	}
	return k, words
}

// Names are the commands that are not hidden.
func Names(commands []Command) (candidates []Candidate) {
	for _, k := range commands {
		if !k.Hidden {
			candidates = append(candidates, Candidate{k.Name, k.About})
		}
	}
	return candidates
}

// expandHome expands tildes, as the shell does before it runs the line.
func expandHome(words []string, home string) []string {
	words = slices.Clone(words)
	for i, w := range words {
		if below, ok := strings.CutPrefix(w, "~/"); ok {
			words[i] = home + "/" + below
		}
	}
	return words
}

// options are the options of k that are not on the line: long ones, and after a
// single dash also short ones.
func (k Command) options(before []string, word string) (candidates []Candidate) {
	for _, o := range k.Options {
		if slices.ContainsFunc(before, o.isTyped) {
			continue
		}
		for _, name := range o.Names {
			if strings.HasPrefix(name, "--") || !strings.HasPrefix(word, "--") {
				candidates = append(candidates, Candidate{name, o.About})
			}
		}
	}
	return candidates
}

// isTyped reports whether word is the option.
func (o Option) isTyped(word string) bool {
	word, _, _ = strings.Cut(word, "=")
	return slices.Contains(o.Names, word)
}

// option returns the option for a word such as "-f" or "--file", with one dash
// or two.
func (k Command) option(word string) (_ Option, ok bool) {
	name := strings.TrimLeft(word, "-")
	for _, o := range k.Options {
		if name != word && slices.ContainsFunc(o.Names, func(n string) bool { return strings.TrimLeft(n, "-") == name }) {
			return o, true
		}
	}
	return Option{}, false
}

// prefixed adds a prefix to values.
func prefixed(prefix string, values []Candidate) []Candidate {
	for i, v := range values {
		if !strings.HasPrefix(v.Word, ":") {
			values[i].Word = prefix + v.Word
		}
	}
	return values
}
