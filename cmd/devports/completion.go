package main

import (
	"github.com/urfave/cli/v2"

	"github.com/devports/devports/allocator/text"
	"github.com/devports/devports/cmd/devports/internal/complete"
)

var completionCommand = command{
	name:  "completion",
	usage: "print a completion script for a shell",
	args:  "SHELL",
	help: `
Prints a completion script for SHELL: bash, zsh, fish or powershell. It
completes commands, options, files, and the names of services and ports. To load
it in every new shell:

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
		hint := "use " + text.Join(complete.Shells, "or")
		name := c.Args().First()
		script, ok := complete.Script(name)
		switch {
		case c.NArg() == 0:
			return usage(hint, "completion requires a shell")
		case !ok:
			return usage(hint, "unknown shell %q", name)
		}
		_, err := s.stdout.Write(script)
		return err
	},
}
