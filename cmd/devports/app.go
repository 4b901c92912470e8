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
	"github.com/devports/devports/launcher/palette"
	"github.com/devports/devports/launcher/terminal"
)

// session is the environment of a command: its streams and variables.
type session struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	environ        []string
	getenv         func(string) string
	front          *frontChoice // shared by all copies
	notices        *notices     // shared by all copies; nil: messages go to stderr

	// unpinned, unless nil, is called by up before it starts a project whose
	// pins do not apply.
	unpinned func(project.Project)
}

// command is a command of devports. Its help, its errors and the check for
// misplaced flags are derived from it.
type command struct {
	name     string
	usage    string // one line, for the list of commands
	args     string // the arguments after the flags; more are refused unless it has "…"
	instead  string // the hint for surplus arguments (%s)
	help     string // a description, then an example
	flags    []cli.Flag
	run      func(s session, c *cli.Context) error
	verbatim bool      // the arguments are a command line of their own
	checks   bool      // run itself refuses surplus arguments
	sub      []command // subcommands, with full names: "portserver status"

	completes completer // completes the arguments; nil for none
	hidden    bool      // not in help
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
		initCommand, checkCommand, upCommand, attachCommand,
		psCommand, startCommand, stopCommand, restartCommand, waitCommand, logsCommand, downCommand,
		urlCommand, openCommand, pointCommand,
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

// word is the last word of the command's name.
func (k command) word() string { return k.name[strings.LastIndexByte(k.name, ' ')+1:] }

// synopsis is the command line, with placeholders.
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
		HideHelp:           k.name == "help", // else the library prints the help of the app
		Hidden:             k.hidden,
		OnUsageError:       wrongUsage,
		Action: func(c *cli.Context) error {
			if k.verbatim {
				return k.run(s, c)
			}
			if !optionsEnded(c) {
				var err error
				if c, err = k.options(c); errors.Is(err, flag.ErrHelp) {
					return nil // it is printed
				} else if err != nil {
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

// options returns c with the options that follow an argument, which the library
// would silently treat as arguments. After "--" there are none. The error is
// flag.ErrHelp if one of them has printed the help.
func (k command) options(c *cli.Context) (*cli.Context, error) {
	args := c.Args().Slice()
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
	if len(options) == 0 && end == len(args) || end == 0 {
		return c, nil
	}
	if err := k.set(c, options); err != nil {
		return nil, err
	}
	inner := flag.NewFlagSet(c.Command.Name, flag.ContinueOnError)
	if err := inner.Parse(slices.Concat([]string{"--"}, rest, args[min(end+1, len(args)):])); err != nil {
		return nil, err
	}
	behind := cli.NewContext(c.App, inner, c) // the options are still found in c
	behind.Command = c.Command
	return behind, nil
}

// set sets options, as they are typed.
func (k command) set(c *cli.Context, options []string) error {
	for len(options) > 0 {
		name, value, given := strings.Cut(strings.TrimLeft(options[0], "-"), "=")
		if slices.Contains(cli.HelpFlag.Names(), name) {
			_ = wrongUsage(c, flag.ErrHelp, true)
			return flag.ErrHelp
		}
		i := slices.IndexFunc(k.flags, func(f cli.Flag) bool { return slices.Contains(f.Names(), name) })
		if i < 0 {
			return wrongUsage(c, errors.New("flag provided but not defined: -"+name), true)
		}
		switch takes := k.takesValue(options[0]) || given && k.flags[i].(cli.DocGenerationFlag).TakesValue(); {
		case takes && !given && len(options) == 1:
			return wrongUsage(c, errors.New("flag needs an argument: -"+name), true)
		case takes && !given:
			value = options[1]
			options = options[1:]
		case !given:
			value = "true"
		}
		options = options[1:]
		if err := c.Set(k.flags[i].Names()[0], value); err != nil {
			return wrongUsage(c, fmt.Errorf("invalid value %q for flag -%s: %w", value, name, err), true)
		}
	}
	return nil
}

// optionsEnded reports whether a "--" preceded the first argument, after which
// everything is an argument. The library removes that "--".
func optionsEnded(c *cli.Context) bool {
	lineage := c.Lineage()
	if len(lineage) < 2 || lineage[1].Args() == nil {
		return false
	}
	typed := lineage[1].Args().Tail()
	before := len(typed) - c.NArg() - 1
	return before >= 0 && typed[before] == "--"
}

// surplus refuses arguments beyond those of the synopsis.
func (k command) surplus(args []string) error {
	limit := len(strings.Fields(k.args))
	if k.checks || len(args) <= limit || strings.Contains(k.args, "…") {
		return nil
	}
	extra := args[limit:]
	if len(k.sub) > 0 {
		return usage("devports "+k.sub[0].name, "unknown command %q", k.name+" "+extra[0])
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

// wrongUsage converts the library's errors about options.
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
			status = exitRunFailed // others may be the command's
		}
	}
	message := err.Error()
	if name, ok := strings.CutPrefix(message, "flag provided but not defined: -"); ok {
		message = "unknown option " + dashed(name)
		command := ""
		if c.Command != nil {
			command = c.Command.Name
		}
		if instead, ok := otherOptions[command+" "+dashed(name)]; ok {
			hint = instead
		} else if near, ok := text.Nearest(name, names); ok {
			hint = "did you mean " + dashed(near) + "?"
		}
	} else if name, ok := strings.CutPrefix(message, "flag needs an argument: -"); ok {
		message = dashed(name) + " requires a value"
	}
	return fail(status, hint, "%s", message)
}

// dashed is an option with its dashes.
func dashed(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + name
}

// Options that several commands share.
var (
	fileFlag = &cli.StringFlag{
		Name: "file", Aliases: []string{"f"}, Usage: "read the project from `FILE` (- for standard input) instead of searching for a Portfile",
	}
	registryFlag = &cli.StringFlag{
		Name: "registry", Usage: "use the registry `FILE` instead of the user's",
	}
	jsonFlag     = boolean("json", "", "print JSON")
	userWideFlag = boolean("global", "g", "use the user-wide names instead of the project here")
)

// boolean returns an option without a value; alias may be empty.
func boolean(name, alias, usage string) *cli.BoolFlag {
	f := &cli.BoolFlag{Name: name, Usage: usage, DisableDefaultText: true}
	if alias != "" {
		f.Aliases = []string{alias}
	}
	return f
}

// ttyWriter writes messages to a terminal, without control sequences.
type ttyWriter struct {
	output.Terminal
	file *os.File
}

// protect returns a writer for messages to w: a ttyWriter if w is a terminal.
func protect(w io.Writer) io.Writer {
	if !isTerminal(w) {
		return w
	}
	file := fileOf(w)
	return ttyWriter{output.NewTerminal(file), file}
}

// fileOf is the file behind a reader or writer; nil for none.
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

// window returns the size of the terminal that s prints to, and a channel that
// signals changes of it; nil if s does not print to a terminal.
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

// colored decides about colour for w: by --color, then by the conventions of
// no-color.org and force-color.org, then by whether w is a terminal.
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
	return false, usage("", "--color must be auto, always or never, not %q", when)
}

// palette returns the colours for the terminal.
func (s session) palette() palette.Palette {
	return palette.For(s.getenv("TERM"), s.getenv("COLORTERM"))
}

// note prints a note.
func (s session) note(format string, args ...any) {
	s.printMessage("note", fmt.Sprintf(format, args...))
}

// fresh returns a copy of flags without values: urfave/cli stores what it
// parses in the value of a generic flag, and so in the command's.
func fresh(flags []cli.Flag) []cli.Flag {
	flags = slices.Clone(flags)
	for i, f := range flags {
		if generic, ok := f.(*cli.GenericFlag); ok {
			own := *generic
			own.Value = replicas{} // the only type of generic flags here
			flags[i] = &own
		}
	}
	return flags
}
