package main

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

// TestSurplusArguments passes every command more arguments than its synopsis
// has. Each refuses them and does nothing.
func TestSurplusArguments(t *testing.T) {
	t.Setenv("DEVPORTS_HOME", t.TempDir())
	t.Chdir(t.TempDir())
	a := app(session{stdout: &bytes.Buffer{}, stderr: &bytes.Buffer{}, getenv: os.Getenv})
	refused := 0
	var check func(words []string, commands []*cli.Command)
	check = func(words []string, commands []*cli.Command) {
		for _, c := range commands {
			words := append(words[:len(words):len(words)], c.Name)
			check(words, c.Subcommands)
			_, args, _ := strings.Cut(c.UsageText, "[OPTION…]")
			if strings.Contains(args, "…") {
				continue
			}
			refused++
			name, args := strings.Join(words[1:], " "), strings.Repeat(" web", len(strings.Fields(args)))
			t.Run(name, func(t *testing.T) {
				var stdout, stderr bytes.Buffer
				status := run(append(append(words, strings.Fields(args)...), "surplus"), strings.NewReader(""), &stdout, &stderr)
				lines := strings.Split(strings.TrimSpace(stderr.String()), "\n")
				if status != exitUsage || stdout.Len() > 0 || len(lines) != 2 || !strings.Contains(lines[0], `surplus"`) {
					t.Errorf("status %d, stdout %q, stderr %q", status, stdout.String(), stderr.String())
				}
				if hint := lines[len(lines)-1]; !regexp.MustCompile(`hint: (.*: )?devports \S`).MatchString(hint) {
					t.Errorf("no command in the hint: %q", hint)
				}
			})
		}
	}
	check([]string{"devports"}, a.Commands)
	if refused < 15 {
		t.Errorf("only %d commands", refused)
	}
}
