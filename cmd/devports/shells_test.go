package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/devports/devports/procfile"
)

// readers make a shell read the file that is the first argument, and print the
// variables.
var readers = map[string][]string{
	"sh":         {"sh", "-c", `eval "$(cat "$1")" && printf '%s|%s' "$A" "$B"`, "sh"},
	"bash":       {"bash", "--norc", "-c", `eval "$(cat "$1")" && printf '%s|%s' "$A" "$B"`, "bash"},
	"zsh":        {"zsh", "-f", "-c", `eval "$(cat "$1")" && printf '%s|%s' "$A" "$B"`, "zsh"},
	"fish":       {"fish", "--no-config", "-c", `source $argv[1]; and printf '%s|%s' $A $B`},
	"powershell": {"pwsh", "-NoProfile", "-NonInteractive", "-Command", `& { . $args[0]; [Console]::Write("$env:A|$env:B") }`},
}

// FuzzQuotes checks that any value survives the evaluation of env's output in
// shells.
func FuzzQuotes(f *testing.F) {
	for _, value := range []string{
		"", "x", " x ", "'", "''", `\`, `\\`, `'\''`, `"$HOME"`, "$(false)`false`", "a\nb\n", "\r\t\x1b", "é‘’‚‛", "!!", "~", "-n", "%s", "*?[x]{a,b}", "#", "=",
		"\xff", `\x41\n\c`, "(;&|)<>",
	} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		if strings.ContainsRune(value, 0) {
			t.Skip("no variable has a zero byte")
		}
		for name, reader := range readers {
			program, err := exec.LookPath(reader[0])
			if err != nil {
				continue
			}
			var text bytes.Buffer
			if err := writerFor(name)(&text, []procfile.Var{{Name: "A", Value: value}, {Name: "B", Value: "end"}}, []string{"A"}); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(t.TempDir(), "printed."+name)
			if err := os.WriteFile(file, text.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(program, append(reader[1:len(reader):len(reader)], file)...)
			cmd.Env = append(os.Environ(), "A=before")
			out, err := cmd.CombinedOutput()
			if want := value + "|end"; err != nil || string(out) != want {
				t.Errorf("%s: %v, %q, want %q, from %q", name, err, out, want, &text)
			}
		}
	})
}

// Any name that a shell does not let anyone assign is reserved, and what is
// reserved in one shell is in sh.
func TestReserves(t *testing.T) {
	for shell, unassignable := range map[string][]string{
		"bash": {"bash", "--norc", "-c", `for n in $(compgen -v); do (export $n=xx) 2>/dev/null || echo $n; done`},
		"zsh":  {"zsh", "-f", "-c", `for n in ${(k)parameters}; do (export $n=xx) 2>/dev/null || echo $n; done`},
		"fish": {"fish", "--no-config", "-c", `for n in (set -n); set -gx $n xx 2>/dev/null; or echo $n; end`},
	} {
		t.Run(shell, func(t *testing.T) {
			program, err := exec.LookPath(unassignable[0])
			if err != nil {
				t.Skip(err)
			}
			out, err := exec.Command(program, unassignable[1:]...).Output()
			names := strings.Fields(string(out))
			if err != nil || len(names) < 5 {
				t.Fatalf("%v: %q", err, names)
			}
			for _, name := range names {
				if strings.ContainsAny(name, "!#$*-0?@") {
					continue // not the name of a variable
				}
				if !reserves(shell, name) || shell != "fish" && !reserves("sh", name) {
					t.Errorf("%s can be set", name)
				}
			}
		})
	}
	if reserves("dotenv", "UID") || reserves("json", "UID") || reserves("sh", "UIDS") {
		t.Error("reserved without a reason")
	}
}
