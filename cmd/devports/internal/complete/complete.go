// Package complete answers a shell that asks what could stand at the cursor of
// a command line. What the commands are, and what their arguments can be, the
// caller says: see [Command].
package complete

import (
	"slices"
	"strings"
	"time"
)

// Candidate is a word that could stand at the cursor, and what it means. A
// word that begins with a colon is one of [Files] and [CommandLine]: no other
// candidate may.
type Candidate struct{ Word, About string }

// String is the line that the shell gets.
func (c Candidate) String() string {
	if c.About == "" {
		return c.Word
	}
	return c.Word + "\t" + c.About
}

// Command is a command as completion has to know it.
type Command struct {
	Name, About string
	Hidden      bool // never a candidate
	Options     []Option
	Commands    []Command // below it

	// Read parses what is typed behind the name, before the cursor. ok is
	// false where the command would refuse it.
	Read func(words []string) (r Reading, ok bool)
}

// Option is an option of a command.
type Option struct {
	Names      []string // as they are typed: "--file", "-f"
	About      string
	TakesValue bool
	Value      string // what the help calls its value: see [Reading]
}

// Reading is what a command understands of a command line.
type Reading struct {
	Args     []string                               // without the options
	Argument func(l Line) []Candidate               // for the next argument; nil where there is nothing to offer
	Value    func(value string, l Line) []Candidate // for an option whose Option.Value this is
}

// Line is what a candidate depends on.
type Line struct {
	Args  []string // before the cursor
	Word  string   // at the cursor. Only the shell knows which candidates match: some match more than a prefix
	Start int      // where Args begin among the words of the shell
}

// timeout is how long the user, who has pressed TAB, waits at most.
const timeout = time.Second

// Answer is what the shell gets, one candidate a line. home is what ~ means.
// Where the candidates take too long (a file that is a pipe, a disk that is far
// away), there are none, and whatever looks for them is left behind.
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

// complete gives what could stand at the cursor of what is typed behind k.
func (k Command) complete(t Words, home string) []Candidate {
	last := len(t.words) - 1
	k, before := k.descend(expandHome(t.words[:last], home))
	l := Line{Word: t.words[last]}
	more := !slices.Contains(before, "--") // whether options may still come
	if n := len(before) - 1; more && n >= 0 {
		if o, ok := k.option(before[n]); ok && o.TakesValue {
			if r, ok := k.Read(before[:n]); ok && len(r.Args) == 0 {
				return r.Value(o.Value, l)
			}
		}
	}
	r, ok := k.Read(before)
	if !ok {
		return nil
	}
	l.Args, l.Start = r.Args, t.at[last-len(r.Args)]
	more = more && len(l.Args) == 0
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
	case more && len(k.Commands) > 0:
		return Names(k.Commands)
	case r.Argument != nil:
		return r.Argument(l)
	case more:
		return k.options(before, "--")
	}
	return nil
}

// descend follows words from k to the command that they lead to.
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

// expandHome does what a shell does to words with a tilde before it runs the
// line.
func expandHome(words []string, home string) []string {
	words = slices.Clone(words)
	for i, w := range words {
		if below, ok := strings.CutPrefix(w, "~/"); ok {
			words[i] = home + "/" + below
		}
	}
	return words
}

// options are those of k that have not been typed before: long ones, and where
// just a dash has been typed short ones, too.
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

// isTyped reports whether word gives the option.
func (o Option) isTyped(word string) bool {
	word, _, _ = strings.Cut(word, "=")
	return slices.Contains(o.Names, word)
}

// option is the one that a word such as "-f" or "--file" gives, with one dash
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

// prefixed puts what stands before a value on the command line before it.
func prefixed(prefix string, values []Candidate) []Candidate {
	for i, v := range values {
		if !strings.HasPrefix(v.Word, ":") {
			values[i].Word = prefix + v.Word
		}
	}
	return values
}
