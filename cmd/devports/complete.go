package main

import (
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/devports/devports/cmd/devports/internal/complete"
)

type candidate = complete.Candidate

// completer returns the candidates at the cursor. The shell selects those that
// match the typed word: some shells match more than a prefix.
type completer func(l line) []candidate

// line is a parsed command line up to the cursor.
type line struct {
	session session
	context *cli.Context // the options of the command
	args    []string     // the arguments before the cursor
	word    string       // the word at the cursor
	start   int          // the index of the first argument among the words of the shell
}

// completeCommand is the command that the scripts of completionCommand run.
func completeCommand(root *command) command {
	return command{
		name:  "complete",
		usage: "print completions of a command line",
		args:  "-- WORD…",
		help: `
Prints candidates for the last WORD, which is at the cursor: on each line a
candidate and, after a tab, its description. The shell selects the candidates
that match. The line ":files" stands for file names, and ":command N" for a
nested command line that starts at word N, where 0 is devports. After an error
it prints nothing.

Example:
  devports complete -- up ''
  devports complete -- env --shell ''`,
		flags: []cli.Flag{
			&cli.BoolFlag{Name: "bash", Usage: "the words are split as in bash, and so is the output"},
			&cli.BoolFlag{Name: "new", Usage: "the last WORD is empty and was left out"},
		},
		hidden:   true,
		verbatim: true,
		run: func(s session, c *cli.Context) error {
			words := c.Args().Slice()
			if c.Bool("new") || len(words) == 0 {
				words = append(words, "")
			}
			typed := complete.Plain(words)
			if c.Bool("bash") {
				typed = complete.Bash(words)
			}
			s.stdin, s.stderr = strings.NewReader(""), io.Discard
			_, err := io.WriteString(s.stdout, complete.Answer(root.completion(s), typed, s.getenv("HOME")))
			return err
		},
	}
}

// completion describes k for package complete.
func (k command) completion(s session) complete.Command {
	c := complete.Command{Name: k.word(), About: k.usage, Hidden: k.hidden, Verbatim: k.verbatim}
	for _, f := range append(slices.Clone(k.flags), cli.HelpFlag) {
		c.Options = append(c.Options, option(f.(cli.DocGenerationFlag)))
	}
	for _, sub := range k.sub {
		c.Commands = append(c.Commands, sub.completion(s))
	}
	c.Read = func(words []string) (r complete.Reading, ok bool) {
		read, ok := k.read(words)
		if !ok {
			return r, false
		}
		r.Args = read.Args().Slice()
		if k.completes != nil {
			r.Argument = func(l complete.Line) []candidate { return k.completes(line{s, read, l.Args, l.Word, l.Start}) }
		}
		r.Value = func(value string, l complete.Line) []candidate {
			if values := optionValues()[value]; values != nil {
				return values(line{s, read, l.Args, l.Word, l.Start})
			}
			return nil
		}
		return r, true
	}
	return c
}

// option describes a flag for package complete.
func option(f cli.DocGenerationFlag) complete.Option {
	o := complete.Option{
		About: strings.ReplaceAll(f.GetUsage(), "`", ""), TakesValue: f.TakesValue(), Value: placeholder(f),
	}
	for _, name := range f.Names() {
		o.Names = append(o.Names, dashed(name))
	}
	return o
}

// read parses words as the options and arguments of k, in any order unless k is
// verbatim. ok is false if they are invalid.
func (k command) read(words []string) (read *cli.Context, ok bool) {
	reader := &cli.App{
		Flags: k.flags, HideHelp: true, HideVersion: true, Writer: io.Discard, ErrWriter: io.Discard,
		ExitErrHandler: func(*cli.Context, error) {},
		OnUsageError:   func(_ *cli.Context, err error, _ bool) error { return err },
		Action: func(c *cli.Context) error {
			read = c
			return nil
		},
		DisableSliceFlagSeparator: true,
	}
	err := reader.Run(append([]string{"devports"}, words...))
	if err != nil || read == nil {
		return nil, false
	}
	before := len(words) - read.NArg() - 1
	if ended := before >= 0 && words[before] == "--"; !ended && !k.verbatim {
		read, err = k.options(read)
	}
	return read, err == nil
}

// placeholder is the name of an option's value in its usage.
func placeholder(f cli.DocGenerationFlag) string {
	parts := strings.Split(f.GetUsage(), "`")
	if len(parts) != 3 {
		return ""
	}
	return parts[1]
}
