package main

import (
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/devports/devports/cmd/devports/internal/complete"
)

var completionCommand = command{
	name:  "completion",
	usage: "print what lets a shell complete the command lines of devports",
	args:  "SHELL",
	help: `
Prints a script for SHELL: bash, zsh, fish or powershell. With it TAB completes
commands, options, files, and the names of services and ports. This has it read
by every new shell:

  bash, in ~/.bashrc:
    eval "$(devports completion bash)"
  zsh, in ~/.zshrc:
    eval "$(devports completion zsh)"
  fish, once:
    devports completion fish > ~/.config/fish/completions/devports.fish
  PowerShell, in $PROFILE:
    devports completion powershell | Out-String | Invoke-Expression

Example:
  eval "$(devports completion bash)"`,
	completes: one(words(complete.Shells...)),
	run: func(s session, c *cli.Context) error {
		hint := "one of " + strings.Join(complete.Shells, ", ")
		name := c.Args().First()
		script, ok := complete.Script(name)
		switch {
		case c.NArg() == 0:
			return usage(hint, "completion needs the name of a shell")
		case !ok:
			return usage(hint, "unknown shell %q", name)
		}
		_, err := s.stdout.Write(script)
		return err
	},
}
