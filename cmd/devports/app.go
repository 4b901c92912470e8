package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/devports/devports/allocator/text"
	"github.com/devports/devports/cmd/devports/internal/project"
)

// session is the environment of a command: its streams and variables.
type session struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	environ        []string
	getenv         func(string) string
	front          *frontChoice // shared by all copies
	notices        *notices     // shared by all copies; nil: messages go to stderr
	containers     *loadedContainers

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
		Version:         version().Devports,
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
		setupCommand, psCommand, startCommand, stopCommand, restartCommand, waitCommand, logsCommand, downCommand,
		urlCommand, openCommand, dashboardCommand, pointCommand,
		envCommand, runCommand, execCommand, agentCommand, mcpCommand, portCommand, lsCommand, whoCommand, rmCommand, pruneCommand, pickCommand,
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
		Flags:              prepared(k.flags),
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
		words = append(words, text.QuoteArg(arg))
	}
	return words
}

// Options that several commands share.
var (
	fileFlag = &cli.StringFlag{
		Name: "file", Aliases: []string{"f"}, Usage: "read the project from `FILE` (- for standard input) instead of searching for a Portfile",
	}
	registryFlag = &cli.StringFlag{
		Name: "registry", Usage: "use the registry `FILE` instead of the user's",
	}
	jsonFlag     = &cli.BoolFlag{Name: "json", Usage: "print JSON"}
	userWideFlag = &cli.BoolFlag{Name: "global", Aliases: []string{"g"}, Usage: "use the user-wide names instead of the project here"}
)

// note prints a note.
func (s session) note(format string, args ...any) {
	s.printMessage("note", fmt.Sprintf(format, args...))
}
