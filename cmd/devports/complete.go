package main

import (
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/devports/devports/cmd/devports/internal/complete"
)

type candidate = complete.Candidate

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

// completion is k as package complete has to know it.
func (k command) completion(s session) complete.Command {
	c := complete.Command{Name: k.word(), About: k.usage, Hidden: k.hidden}
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
			if values := optionValues[value]; values != nil {
				return values(line{s, read, l.Args, l.Word, l.Start})
			}
			return nil
		}
		return r, true
	}
	return c
}

// option is a flag as package complete has to know it.
func option(f cli.DocGenerationFlag) complete.Option {
	o := complete.Option{
		About: strings.ReplaceAll(f.GetUsage(), "`", ""), TakesValue: f.TakesValue(), Value: placeholder(f),
	}
	for _, name := range f.Names() {
		o.Names = append(o.Names, dashed(name))
	}
	return o
}

// read takes words for the options and arguments of k, and reports whether the
// library would.
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
	return read, err == nil && read != nil
}

// placeholder is what the usage of an option calls its value.
func placeholder(f cli.DocGenerationFlag) string {
	parts := strings.Split(f.GetUsage(), "`")
	if len(parts) != 3 {
		return ""
	}
	return parts[1]
}
