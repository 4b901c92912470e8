package main

import (
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/devports/devports/allocator/text"
	"github.com/devports/devports/cmd/devports/internal/complete"
)

const examples = `
  devports init                   generate a Portfile for this directory
  devports up                     start the services, and apply edits
  eval "$(devports env auth)"     the same ports in this shell
  devports run -- go test ./...   the same ports for one command
`

const exitStatus = `
  0  success
  1  failure; for up: the status of the first service that failed
  2  wrong usage; for who --expect here: unknown
  3  the Portfile, Procfile or an env file is missing or invalid
  4  a port is taken, or leased to another name, or none is left;
     for run --wait: another process listens on the port
  5  already running, or not running
  125, 126, 127  run: devports failed, COMMAND cannot be run, is not found
`

const appHelp = `{{.Usage}}
` + examples + `
Commands:
{{range .VisibleCommands}}  {{printf "%-10s" .Name}} {{.Usage}}
{{end}}
Topics:
{{range .Metadata.topics}}  {{printf "%-11s" .Name}} {{.Title}}
{{end}}
Run devports help COMMAND or devports help TOPIC for more.

Exit status:` + exitStatus

const commandHelp = `{{.Usage}}

Usage: {{.UsageText}}

{{.Description}}{{if .VisibleCommands}}

Commands:
{{range .VisibleCommands}}  {{printf "%-9s" .Name}} {{.Usage}}
{{end}}{{end}}{{if .VisibleFlags}}

Options:
{{range .VisibleFlags}}  {{.}}
{{end}}{{end}}
`

// helpCommand returns the command that prints the help of root's commands.
func helpCommand(root *command) command {
	return command{
		name:   "help",
		usage:  "print help for a command or a topic",
		args:   "[COMMAND|TOPIC]",
		checks: true,
		help: `
Prints the help of a command, as its --help does, or of a topic: portfile,
environment, registry, front, shared or json. With --man it prints the help of
all commands and topics as a manual page.

Example:
  devports help up
  devports help portfile
  devports help --man > ~/.local/share/man/man1/devports.1`,
		flags: []cli.Flag{&cli.BoolFlag{Name: "man", Usage: "print the manual page, in roff"}},
		completes: one(func(l line) []candidate {
			return append(complete.Names(root.completion(l.session).Commands), topicWords()...)
		}),
		run: func(s session, c *cli.Context) error {
			words := c.Args().Slice()
			if c.Bool("man") {
				if len(words) > 0 {
					return usage("devports help --man", "--man takes no arguments")
				}
				_, err := io.WriteString(s.stdout, manual(c.App.Usage, root.sub))
				return err
			}
			if len(words) == 0 {
				return cli.ShowAppHelp(c)
			}
			if t, ok := topicNamed(words[0]); ok && len(words) == 1 {
				_, err := io.WriteString(s.stdout, t.text)
				return err
			}
			if _, rest := root.descend(words); len(rest) > 0 {
				return root.unknownTopic(strings.Join(words, " "))
			}
			return c.App.RunContext(c.Context, slices.Concat([]string{"devports"}, words, []string{"--help"}))
		},
	}
}

// descend follows words from k to a subcommand. rest are the words after it.
func (k command) descend(words []string) (_ command, rest []string) {
	for len(words) > 0 {
		i := slices.IndexFunc(k.sub, func(sub command) bool { return sub.word() == words[0] })
		if i < 0 {
			break
		}
		k, words = k.sub[i], words[1:]
	}
	return k, words
}

// names are the full names of all commands below k.
func (k command) names() (names []string) {
	for _, sub := range k.sub {
		if !sub.hidden {
			names = append(append(names, sub.name), sub.names()...)
		}
	}
	return names
}

// unknown is the error for an unknown command.
func (k command) unknown(name string) error {
	hint := "devports --help lists the commands"
	if instead, ok := otherCommands()[name]; ok && k.name == "" {
		hint = instead
	} else if near, ok := text.Nearest(name, k.names()); ok {
		hint = "did you mean devports " + near + "?"
	}
	return usage(hint, "unknown command %q", name)
}

// unknownTopic is the error for a name that is neither a command nor a topic.
func (k command) unknownTopic(name string) error {
	near, ok := text.Nearest(name, append(topicNames(), k.names()...))
	if _, topic := topicNamed(near); ok && topic {
		return usage("did you mean devports help "+near+"?", "unknown topic %q", name)
	}
	return k.unknown(name)
}
