package complete

import "embed"

// The scripts run `devports complete`, and hand on what that prints as their
// shell wants it.
//
//go:embed scripts
var scripts embed.FS

// Shells are those that [Script] has a script for.
var Shells = []string{"bash", "zsh", "fish", "powershell"}

var files = map[string]string{
	"bash":       "scripts/devports.bash",
	"zsh":        "scripts/devports.zsh",
	"fish":       "scripts/devports.fish",
	"powershell": "scripts/devports.ps1",
}

// Script lets a shell complete command lines of devports. ok is false for a
// shell that is none of [Shells].
func Script(shell string) (script []byte, ok bool) {
	script, err := scripts.ReadFile(files[shell])
	return script, err == nil
}
