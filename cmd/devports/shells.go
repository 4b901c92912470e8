package main

import (
	"fmt"
	"io"
	"slices"
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

// The variables that a shell does not let anyone assign, or that change the shell
// itself: one of them would end the evaluation, or worse.
const (
	// The read-only ones of bash(1), "Shell Variables". In POSIX mode, as sh, bash
	// exits at the first.
	bashReserves = `BASHOPTS BASH_VERSINFO EUID PPID SHELLOPTS UID`

	// zshparam(1), "Parameters Set By The Shell": the IDs of the process, which a
	// privileged shell changes, then the read-only parameters, and then the
	// arrays, which cannot be exported.
	zshReserves = `EGID EUID GID UID USERNAME ` +
		`ARGC HISTCMD LINENO PPID TTYIDLE ZSH_EVAL_CONTEXT ZSH_SUBSHELL status zsh_eval_context ` +
		`argv cdpath fignore fpath mailpath manpath module_path path pipestatus psvar signals watch ` + zshModules

	// The parameters of modules that zsh loads when they are used: see "The
	// zsh/parameter Module" and others of zshmodules(1).
	zshModules = `aliases builtins commands dirstack dis_aliases dis_builtins dis_functions dis_functions_source ` +
		`dis_galiases dis_patchars dis_reswords dis_saliases funcfiletrace funcsourcetrace funcstack functions ` +
		`functions_source functrace galiases history historywords jobdirs jobstates jobtexts keymaps modules ` +
		`nameddirs options parameters patchars reswords saliases termcap terminfo userdirs usergroups widgets ` +
		`zsh_scheduled_events`

	// ELECTRIC_VARIABLES below src/env in the source of fish: electric_variables of
	// src/env.cpp before fish 4.
	fishReserves = `FISH_VERSION PWD SHLVL _ fish_kill_signal fish_killring fish_pid history hostname pipestatus ` +
		`status status_generation umask version`
)

// reserves reports whether a shell reserves a variable for itself. Any of the
// others may evaluate what is for sh.
func reserves(shell, name string) bool {
	list := map[string]string{
		"sh": bashReserves + " " + zshReserves, "bash": bashReserves, "zsh": zshReserves, "fish": fishReserves,
	}[shell]
	return slices.Contains(strings.Fields(list), name)
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
