package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"github.com/devports/devports/allocator/text"
	"github.com/devports/devports/cmd/devports/internal/project"
	"github.com/devports/devports/launcher/output"
	"github.com/devports/devports/launcher/terminal"
)

// session is what a command may touch of the world.
type session struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	environ        []string
	getenv         func(string) string
	notices        *notices // shared by all copies; nil: notes go to stderr

	// unpinned is called by up for a project whose pins do not bind, before it
	// starts; nil for nothing.
	unpinned func(project.Project)
}

// command is one of devports' commands. Its text is written here once; help,
// errors and the check for misplaced flags come from that.
type command struct {
	name     string
	usage    string // one line, for the list of commands
	args     string // what follows the flags; without "…" it is all that is taken
	instead  string // what to type with arguments (%s) that the command does not take
	help     string // what it does, then an example
	flags    []cli.Flag
	run      func(s session, c *cli.Context) error
	verbatim bool      // what follows the first argument is not devports'
	checks   bool      // it refuses surplus arguments itself
	sub      []command // under a name of their own: "portserver status"

	completes completer // what an argument can be; nil: there are none, or nobody knows
	hidden    bool      // not for people to type
}

func app(s session) *cli.App {
	a := &cli.App{
		Name:            "devports",
		Usage:           "start the services of a project, each on a port that it keeps",
		Version:         version().Version,
		Reader:          s.stdin,
		Writer:          s.stdout,
		ErrWriter:       s.stderr,
		HideHelpCommand: true,
		Flags:           []cli.Flag{cli.HelpFlag}, // the library adds it unless there is a command "help"

		CustomAppHelpTemplate:     appHelp,
		Metadata:                  map[string]any{"topics": topics},
		ExitErrHandler:            func(*cli.Context, error) {}, // main decides
		OnUsageError:              wrongUsage,
		DisableSliceFlagSeparator: true,
	}
	commands := []command{
		initCommand, checkCommand, upCommand,
		psCommand, startCommand, stopCommand, restartCommand, waitCommand, logsCommand, downCommand,
		envCommand, runCommand, portCommand, lsCommand, whoCommand, rmCommand, pruneCommand, pickCommand,
		importCommand, exportCommand, portserverCommand, doctorCommand, versionCommand,
	}
	root := &command{flags: []cli.Flag{cli.VersionFlag}}
	root.sub = append(commands, completionCommand, helpCommand(root), completeCommand(root))
	for _, k := range root.sub {
		a.Commands = append(a.Commands, k.cli(s))
	}
	a.Action = func(c *cli.Context) error {
		if c.NArg() == 0 {
			return cli.ShowAppHelp(c)
		}
		return root.unknown(c.Args().First())
	}
	return a
}

// word is what the command is called where it is typed.
func (k command) word() string { return k.name[strings.LastIndexByte(k.name, ' ')+1:] }

// synopsis is how it is typed.
func (k command) synopsis() string {
	return strings.TrimRight("devports "+k.name+" [OPTION…] "+k.args, " ")
}

func (k command) cli(s session) *cli.Command {
	var subcommands []*cli.Command
	for _, sub := range k.sub {
		subcommands = append(subcommands, sub.cli(s))
	}
	return &cli.Command{
		Name:               k.word(),
		Subcommands:        subcommands,
		Usage:              k.usage,
		UsageText:          k.synopsis(),
		Description:        strings.TrimSpace(k.help),
		Flags:              fresh(k.flags),
		CustomHelpTemplate: commandHelp,
		HideHelpCommand:    true,
		HideHelp:           k.name == "help", // for that the library would tell about the app
		Hidden:             k.hidden,
		OnUsageError:       wrongUsage,
		Action: func(c *cli.Context) error {
			if k.verbatim {
				return k.run(s, c)
			}
			if !optionsEnded(c) {
				if err := k.misplaced(c.Args().Slice()); err != nil {
					return err
				}
				var err error
				if c, err = endOptions(c); err != nil {
					return err
				}
			}
			if err := k.surplus(c.Args().Slice()); err != nil {
				return err
			}
			return k.run(s, c)
		},
	}
}

// misplaced finds an option behind an argument. The library would take it for
// an argument in silence.
func (k command) misplaced(args []string) error {
	end := len(args)
	if i := slices.Index(args, "--"); i >= 0 {
		end = i
	}
	var options, rest []string
	for i := 0; i < end; i++ {
		a := args[i]
		if i == 0 || !strings.HasPrefix(a, "-") || a == "-" {
			rest = append(rest, a)
			continue
		}
		options = append(options, a)
		if k.takesValue(a) && i+1 < end {
			i++
			options = append(options, args[i])
		}
	}
	if len(options) == 0 {
		return nil
	}
	line := slices.Concat([]string{"devports", k.name}, options, rest, args[end:])
	return usage("write "+strings.Join(line, " "), "options come before arguments: %s", strings.Join(options, " "))
}

// optionsEnded reports whether a "--" stood before the first argument: the library
// has taken it away, and all that follows is arguments.
func optionsEnded(c *cli.Context) bool {
	lineage := c.Lineage()
	if len(lineage) < 2 || lineage[1].Args() == nil {
		return false
	}
	typed := lineage[1].Args().Tail()
	before := len(typed) - c.NArg() - 1
	return before >= 0 && typed[before] == "--"
}

// endOptions returns c without the "--" behind its first argument, which says, as
// everywhere, that no options follow. The library takes it for an argument.
func endOptions(c *cli.Context) (*cli.Context, error) {
	args := c.Args().Slice()
	i := slices.Index(args, "--")
	if i < 1 {
		return c, nil
	}
	rest := flag.NewFlagSet(c.Command.Name, flag.ContinueOnError)
	if err := rest.Parse(slices.Concat([]string{"--"}, args[:i], args[i+1:])); err != nil {
		return nil, err
	}
	inner := cli.NewContext(c.App, rest, c) // the options are still found in c
	inner.Command = c.Command
	return inner, nil
}

// surplus refuses arguments beyond those of the synopsis.
func (k command) surplus(args []string) error {
	limit := len(strings.Fields(k.args))
	if k.checks || len(args) <= limit || strings.Contains(k.args, "…") {
		return nil
	}
	extra := args[limit:]
	if len(k.sub) > 0 {
		return usage("devports "+k.sub[0].name, "%s does not know %q", k.name, extra[0])
	}
	takes := "no arguments"
	if limit > 0 {
		takes = "only " + k.args
	}
	hint := strings.Join(slices.Concat([]string{"devports", k.name}, quoted(args[:limit])), " ")
	if k.instead != "" {
		hint = fmt.Sprintf(k.instead, strings.Join(quoted(extra), " "))
	}
	return usage(hint, "%s takes %s, not %q", k.name, takes, extra[0])
}

func quoted(args []string) (words []string) {
	for _, arg := range args {
		words = append(words, text.QuoteSh(arg))
	}
	return words
}

// takesValue reports whether the option, as typed, is followed by its value.
func (k command) takesValue(option string) bool {
	name := strings.TrimLeft(option, "-")
	return name != option && slices.ContainsFunc(k.flags, func(f cli.Flag) bool {
		return slices.Contains(f.Names(), name) && f.(cli.DocGenerationFlag).TakesValue()
	})
}

// wrongUsage words what the library says of options.
func wrongUsage(c *cli.Context, err error, _ bool) error {
	if errors.Is(err, flag.ErrHelp) {
		cli.HelpPrinter(c.App.Writer, commandHelp, c.Command)
		return nil
	}
	status, hint := exitUsage, "devports --help"
	var names []string
	if c.Command != nil && c.Command.Name != "" && c.Command.Name != "devports" {
		hint = "devports " + c.Command.Name + " --help lists the options"
		for _, f := range c.Command.Flags {
			names = append(names, f.Names()...)
		}
		if c.Command.Name == "run" {
			status = exitRunFailed // the others may be the command's own
		}
	}
	message := err.Error()
	if name, ok := strings.CutPrefix(message, "flag provided but not defined: -"); ok {
		message = "unknown option " + dashed(name)
		if near, ok := text.Nearest(name, names); ok {
			hint = "did you mean " + dashed(near) + "?"
		}
	} else if name, ok := strings.CutPrefix(message, "flag needs an argument: -"); ok {
		message = dashed(name) + " needs a value"
	}
	return fail(status, hint, "%s", message)
}

// dashed is an option as it is typed.
func dashed(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + name
}

// Options that several commands share.
var (
	fileFlag = &cli.StringFlag{
		Name: "file", Aliases: []string{"f"}, Usage: "read the project from `FILE` (- for standard input) instead of looking for a Portfile",
	}
	registryFlag = &cli.StringFlag{
		Name: "registry", Usage: "keep the ports in `FILE` instead of the user's registry",
	}
	jsonFlag     = boolean("json", "", "print JSON")
	userWideFlag = boolean("global", "g", "take NAME from the user-wide names, not from the project here")
)

// boolean is an option without a value; alias may be empty.
func boolean(name, alias, usage string) *cli.BoolFlag {
	f := &cli.BoolFlag{Name: name, Usage: usage, DisableDefaultText: true}
	if alias != "" {
		f.Aliases = []string{alias}
	}
	return f
}

// ttyWriter writes messages to a terminal, which only their text reaches.
type ttyWriter struct {
	output.Terminal
	file *os.File
}

// protect returns what to write messages with to w: for a terminal, a ttyWriter.
func protect(w io.Writer) io.Writer {
	if !isTerminal(w) {
		return w
	}
	file := fileOf(w)
	return ttyWriter{output.NewTerminal(file), file}
}

// fileOf is the file that is read or written by way of v; nil for none.
func fileOf(v any) *os.File {
	switch v := v.(type) {
	case *os.File:
		return v
	case ttyWriter:
		return v.file
	}
	return nil
}

// isTerminal reports whether v is a terminal.
func isTerminal(v any) bool {
	f := fileOf(v)
	return f != nil && term.IsTerminal(int(f.Fd()))
}

// window is the size of the terminal that s prints to, with what tells that it
// has changed; nil where s prints to something else.
func (s session) window() (size func() terminal.Size, resized <-chan os.Signal, stop func()) {
	f := fileOf(s.stdout)
	if !isTerminal(f) || s.getenv("TERM") == "dumb" {
		return nil, nil, func() {}
	}
	changed, ignore := terminal.Resized()
	size = func() terminal.Size {
		columns, rows, err := term.GetSize(int(f.Fd()))
		if err != nil {
			return terminal.Size{Rows: 24, Columns: 80}
		}
		return terminal.Size{Rows: rows, Columns: columns}
	}
	return size, changed, ignore
}

// colored decides about colour for w: --color, then the conventions of
// no-color.org and force-color.org, then whether a person is looking.
func (s session) colored(when string, w io.Writer) (bool, error) {
	switch when {
	case "always":
		return true, nil
	case "never":
		return false, nil
	case "auto", "":
		if s.getenv("NO_COLOR") != "" {
			return false, nil
		}
		if force := s.getenv("FORCE_COLOR"); force != "" {
			return force != "0" && force != "false", nil
		}
		return isTerminal(w) && s.getenv("TERM") != "dumb", nil
	}
	return false, usage("", "--color takes auto, always or never, not %q", when)
}

// note tells the user something that is no error.
func (s session) note(format string, args ...any) {
	s.complain("note", "36", fmt.Sprintf(format, args...))
}

// fresh returns flags that have no value yet: urfave/cli writes what it parses
// into the value of a generic flag, and so into the command's.
func fresh(flags []cli.Flag) []cli.Flag {
	flags = slices.Clone(flags)
	for i, f := range flags {
		if generic, ok := f.(*cli.GenericFlag); ok {
			own := *generic
			own.Value = replicas{} // the one type of a generic flag here
			flags[i] = &own
		}
	}
	return flags
}
