package main

import (
	"embed"

	"github.com/urfave/cli/v2"
)

// The scripts ask completeCommand, and hand on what it says as their shell wants
// to be told.
//
//go:embed completions
var completionScripts embed.FS

// completionFiles are the scripts of the shells.
var completionFiles = map[string]string{
	"bash":       "completions/devports.bash",
	"zsh":        "completions/devports.zsh",
	"fish":       "completions/devports.fish",
	"powershell": "completions/devports.ps1",
}

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
	completes: one(words("bash", "zsh", "fish", "powershell")),
	run: func(s session, c *cli.Context) error {
		const hint = "one of bash, zsh, fish, powershell"
		name := c.Args().First()
		file, ok := completionFiles[name]
		switch {
		case c.NArg() == 0:
			return usage(hint, "completion needs the name of a shell")
		case c.NArg() > 1:
			return usage("devports completion "+name, "completion takes one shell")
		case !ok:
			return usage(hint, "unknown shell %q", name)
		}
		script, err := completionScripts.ReadFile(file)
		if err != nil {
			return err
		}
		_, err = s.stdout.Write(script)
		return err
	},
}
