package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/devports/devports/allocator/text"
	"github.com/devports/devports/procfile"
)

// shells write variables in the syntax of a shell, quoted so that any value
// survives.
var shells = map[string]func(w io.Writer, set []procfile.Var, unset []string) error{
	"sh":         posix,
	"bash":       posix,
	"zsh":        posix,
	"fish":       script("set -gx %s %s\n", quoteFish, "set -e %s\n"),
	"powershell": script("$env:%s = %s\n", quotePowerShell, "Remove-Item Env:%s\n"),
	"dotenv":     script("%s=%s\n", quoteDotenv, ""),
	"json": func(w io.Writer, set []procfile.Var, unset []string) error {
		values := make(map[string]*string, len(set)+len(unset))
		for _, name := range unset {
			values[name] = nil
		}
		for _, v := range set {
			values[v.Name] = &v.Value
		}
		return session{stdout: w}.json(variablesOutput{Variables: values})
	},
}

var posix = script("export %s=%s\n", text.QuoteSh, "unset %s\n")

func script(assign string, quote func(string) string, remove string) func(io.Writer, []procfile.Var, []string) error {
	return func(w io.Writer, set []procfile.Var, unset []string) error {
		var b strings.Builder
		for _, name := range unset {
			if remove != "" {
				fmt.Fprintf(&b, remove, name)
			}
		}
		for _, v := range set {
			fmt.Fprintf(&b, assign, v.Name, quote(v.Value))
		}
		_, err := io.WriteString(w, b.String())
		return err
	}
}

// quoteFish quotes for fish: between single quotes, \' and \\ are special.
func quoteFish(value string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value) + "'"
}

// quotePowerShell quotes for PowerShell: single quotes are doubled, and so are
// the typographic quotes that PowerShell treats as such.
func quotePowerShell(value string) string {
	return "'" + strings.NewReplacer("'", "''", "‘", "‘‘", "’", "’’", "‚", "‚‚", "‛", "‛‛").Replace(value) + "'"
}

// quoteDotenv quotes for env files, as devports and most other readers parse
// them.
func quoteDotenv(value string) string {
	if text.IsPlain(value) {
		return value
	}
	if !strings.ContainsAny(value, "'") && !strings.HasSuffix(value, `\`) {
		return "'" + value + "'"
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "$", `\$`, "\n", `\n`, "\r", `\r`).Replace(value) + `"`
}
