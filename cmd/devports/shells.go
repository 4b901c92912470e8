package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/devports/devports/allocator/text"
	"github.com/devports/devports/procfile"
)

// writeVars writes variables that are set, and names of those that are unset.
type writeVars func(w io.Writer, set []procfile.Var, unset []string) error

// writerFor returns what writes variables in the syntax of a shell, quoted so that
// any value survives; nil for an unknown shell.
func writerFor(shell string) writeVars {
	switch shell {
	case "sh", "bash", "zsh":
		return script("export %s=%s\n", text.QuoteSh, "unset %s\n")
	case "fish":
		return script("set -gx %s %s\n", quoteFish, "set -e %s\n")
	case "powershell":
		return script("$env:%s = %s\n", quotePowerShell, "Remove-Item Env:%s\n")
	case "dotenv":
		return script("%s=%s\n", quoteDotenv, "")
	case "json":
		return jsonVars
	}
	return nil
}

func script(assign string, quote func(string) string, remove string) writeVars {
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

func jsonVars(w io.Writer, set []procfile.Var, unset []string) error {
	values := make(map[string]*string, len(set)+len(unset))
	for _, name := range unset {
		values[name] = nil
	}
	for _, v := range set {
		values[v.Name] = &v.Value
	}
	return session{stdout: w}.json(variablesOutput{Variables: values})
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
