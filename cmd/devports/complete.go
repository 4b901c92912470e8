package main

import (
	"io"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
)

// candidate is a word that could stand at the cursor, and what it means.
type candidate struct{ word, about string }

// String is the line that a shell is told.
func (c candidate) String() string {
	if c.about == "" {
		return c.word
	}
	return c.word + "\t" + c.about
}

// completer gives the words that could stand at the cursor. Which of them go on
// from what is typed there is for the shell to see: some take more than a prefix.
type completer func(l line) []candidate

// line is a command line up to the cursor, as far as it is understood.
type line struct {
	session session
	context *cli.Context // the options of the command
	args    []string     // its arguments before the cursor
	word    string       // the one at the cursor
	start   int          // where the arguments begin among the words of the shell
}

// longestCompletion is how long whoever has pressed TAB is kept waiting.
const longestCompletion = time.Second

// completeCommand is what the scripts of completionCommand ask.
func completeCommand(root *command) command {
	return command{
		name:  "complete",
		usage: "print what could stand at the cursor of a command line",
		args:  "-- WORD…",
		help: `
Prints what could stand in the place of the last WORD behind the others: on each
line a candidate and, behind a tab, what it means. The shell is to pick those that
go on from what is typed. The line ":files" stands for the names of files, and
":command N" for a command line of its own that begins with word N, where 0 is
devports. Nothing is written, and where something is wrong nothing is printed.

Example:
  devports complete -- up ''
  devports complete -- env --shell ''`,
		flags: []cli.Flag{
			boolean("bash", "", "the words are as bash breaks them, and so is what is printed"),
			boolean("new", "", "the last WORD is empty and left out"),
		},
		hidden:   true,
		verbatim: true,
		run: func(s session, c *cli.Context) error {
			words := c.Args().Slice()
			if c.Bool("new") || len(words) == 0 {
				words = append(words, "")
			}
			typed := typedWords(words)
			if c.Bool("bash") {
				typed = bashWords(words)
			}
			s.stdin, s.stderr = strings.NewReader(""), io.Discard
			found := make(chan []candidate, 1)
			go func() { found <- root.complete(s, typed) }()
			select {
			case candidates := <-found:
				_, err := io.WriteString(s.stdout, typed.print(candidates))
				return err
			case <-time.After(longestCompletion): // a file that is a pipe, a disk that is far away
				return nil
			}
		},
	}
}

// typed is what stands behind "devports" up to the cursor.
type typed struct {
	words []string                              // the last is the one at the cursor
	at    []int                                 // where each is among the words of the shell
	put   func(c candidate) (_ string, ok bool) // the line for a candidate, if it fits
}

// typedWords are words as they are meant, of a shell that minds quotes itself.
func typedWords(words []string) typed {
	t := typed{words: words, put: func(c candidate) (string, bool) { return c.String(), true }}
	for i := range words {
		t.at = append(t.at, i+1)
	}
	return t
}

func (t typed) print(candidates []candidate) string {
	var b strings.Builder
	for _, c := range candidates {
		if line, ok := t.put(c); ok {
			b.WriteString(line + "\n")
		}
	}
	return b.String()
}

// complete gives what could stand at the cursor of what is typed behind k.
func (k command) complete(s session, t typed) []candidate {
	last := len(t.words) - 1
	l := line{session: s, word: t.words[last]}
	k, before := k.descend(l.expandHome(t.words[:last]))
	more := !slices.Contains(before, "--") // whether options may still come
	if n := len(before) - 1; more && n >= 0 && k.takesValue(before[n]) && l.read(k, before[:n]) && len(l.args) == 0 {
		return k.values(before[n], l)
	}
	if !l.read(k, before) {
		return nil
	}
	l.start = t.at[last-len(l.args)]
	more = more && len(l.args) == 0
	switch {
	case more && strings.HasPrefix(l.word, "-"):
		option, value, assigned := strings.Cut(l.word, "=")
		if !assigned {
			return k.options(before, option)
		}
		l.word = value
		return prefixed(option+"=", k.values(option, l))
	case more && len(k.sub) > 0:
		return commandWords(k.sub)
	case k.completes != nil:
		return k.completes(l)
	case more:
		return k.options(before, "--")
	}
	return nil
}

// expandHome does what a shell does to words with a tilde before it runs the line.
func (l line) expandHome(words []string) []string {
	words = slices.Clone(words)
	for i, w := range words {
		if below, ok := strings.CutPrefix(w, "~/"); ok {
			words[i] = l.session.getenv("HOME") + "/" + below
		}
	}
	return words
}

// read takes words for the options and arguments of k, and reports whether the
// library would.
func (l *line) read(k command, words []string) (ok bool) {
	reader := &cli.App{
		Flags: k.flags, HideHelp: true, HideVersion: true, Writer: io.Discard, ErrWriter: io.Discard,
		ExitErrHandler: func(*cli.Context, error) {},
		OnUsageError:   func(_ *cli.Context, err error, _ bool) error { return err },
		Action: func(c *cli.Context) error {
			l.context, l.args = c, c.Args().Slice()
			return nil
		},
		DisableSliceFlagSeparator: true,
	}
	return reader.Run(append([]string{"devports"}, words...)) == nil
}

// options are those of k that have not been typed before: long ones, and where
// just a dash has been typed short ones, too.
func (k command) options(before []string, word string) (candidates []candidate) {
	for _, f := range append(slices.Clone(k.flags), cli.HelpFlag) {
		names := f.Names()
		if slices.ContainsFunc(names, func(name string) bool { return slices.ContainsFunc(before, isOption(name)) }) {
			continue
		}
		for _, name := range names {
			if text := dashed(name); strings.HasPrefix(text, "--") || !strings.HasPrefix(word, "--") {
				candidates = append(candidates, candidate{text, strings.ReplaceAll(f.(cli.DocGenerationFlag).GetUsage(), "`", "")})
			}
		}
	}
	return candidates
}

// isOption tells a word that gives the option of this name.
func isOption(name string) func(word string) bool {
	return func(word string) bool {
		word, _, _ = strings.Cut(word, "=")
		return word == dashed(name)
	}
}

// values are what an option can be given.
func (k command) values(option string, l line) []candidate {
	f, ok := k.option(option)
	if !ok {
		return nil
	}
	complete, ok := optionValues[placeholder(f)]
	if !ok {
		return nil
	}
	return complete(l)
}

// option is the one that a word such as "-f" or "--file" gives.
func (k command) option(word string) (_ cli.DocGenerationFlag, ok bool) {
	for _, f := range k.flags {
		if strings.HasPrefix(word, "-") && slices.Contains(f.Names(), strings.TrimLeft(word, "-")) {
			return f.(cli.DocGenerationFlag), true
		}
	}
	return nil, false
}

// placeholder is what the usage of an option calls its value.
func placeholder(f cli.DocGenerationFlag) string {
	parts := strings.Split(f.GetUsage(), "`")
	if len(parts) != 3 {
		return ""
	}
	return parts[1]
}
