package complete

import "embed"

// The scripts run `devports complete`, and pass its output to their shell.
//
//go:embed scripts
var scripts embed.FS

// Shells are the shells that [Script] supports.
var Shells = []string{"bash", "zsh", "fish", "powershell"}

var files = map[string]string{
	"bash":       "scripts/devports.bash",
	"zsh":        "scripts/devports.zsh",
	"fish":       "scripts/devports.fish",
	"powershell": "scripts/devports.ps1",
}

// Script returns the completion script for a shell. ok is false for a shell
// that is not in [Shells].
func Script(shell string) (script []byte, ok bool) {
	script, err := scripts.ReadFile(files[shell])
	return script, err == nil
}
