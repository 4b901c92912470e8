package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

func printManual(t *testing.T) string {
	t.Helper()
	var page bytes.Buffer
	if status := run([]string{"devports", "help", "--man"}, strings.NewReader(""), &page, os.Stderr); status != 0 {
		t.Fatal(status)
	}
	return page.String()
}

// TestManual checks that the manual page has every command, option and topic.
func TestManual(t *testing.T) {
	page := printManual(t)
	a := app(session{stdout: &bytes.Buffer{}, stderr: &bytes.Buffer{}, getenv: os.Getenv})
	count := 0
	var check func(commands []*cli.Command)
	check = func(commands []*cli.Command) {
		for _, c := range commands {
			if c.Hidden {
				if strings.Contains(page, escapeRoff(c.UsageText)) {
					t.Errorf("hidden: %s", c.UsageText)
				}
				continue
			}
			_, section, found := strings.Cut(page, `.SS "`+escapeRoff(c.UsageText)+"\"\n")
			if section, _, _ = strings.Cut(section, "\n.S"); !found {
				t.Errorf("missing: %s", c.UsageText)
			}
			for _, f := range c.Flags {
				for _, name := range f.Names() {
					if count++; !strings.Contains(section, `\fB`+escapeRoff(dashed(name))+`\fR`) {
						t.Errorf("%s: missing %s", c.Name, dashed(name))
					}
				}
			}
			check(c.Subcommands)
		}
	}
	check(a.Commands)
	if count < 50 {
		t.Errorf("only %d options", count)
	}
	for _, topic := range topics {
		if !strings.Contains(page, escapeRoff(topic.Title)) {
			t.Errorf("missing: %s", topic.Name)
		}
	}
}

// TestManualFormat formats the manual page with several programs, which report
// mistakes, and checks that the text is unchanged.
func TestManualFormat(t *testing.T) {
	path := filepath.Join(t.TempDir(), "devports.1")
	if err := os.WriteFile(path, []byte(printManual(t)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, command := range [][]string{
		{"groff", "-man", "-ww", "-z", path},
		{"groff", "-man", "-ww", "-z", "-Tascii", path},
		{"mandoc", "-T", "lint", "-W", "warning", path},
		{"man", "--warnings", "-l", path},
	} {
		t.Run(strings.Join(slices.Delete(command, len(command)-1, len(command)), " "), func(t *testing.T) {
			program, err := exec.LookPath(command[0])
			if err != nil {
				t.Skip("not installed")
			}
			var out, said bytes.Buffer
			cmd := exec.Command(program, append(command[1:len(command)-1], path)...)
			cmd.Stdout, cmd.Stderr = &out, &said
			cmd.Env = append(os.Environ(), "MANWIDTH=80", "LC_ALL=C.UTF-8")
			err = cmd.Run()
			for complaint := range strings.Lines(said.String() + out.String()) {
				if command[0] != "man" && !strings.Contains(complaint, "missing date") { // the page is reproducible
					t.Error(complaint)
				}
			}
			if command[0] != "man" {
				return
			}
			if err != nil || said.Len() > 0 {
				t.Errorf("%v: %s", err, &said)
			}
			for _, text := range []string{`eval "$(devports env auth)"`, `"**/*.go", "!vendor/**"`, `\$ is a dollar`, "--stop-on-exit", "'curl localhost:$PORT/healthz'", "~/.local/share"} {
				if !strings.Contains(strings.Join(strings.Fields(out.String()), " "), text) { // wherever lines are broken
					t.Errorf("%s is not in the page", text)
				}
			}
		})
	}
}

func TestEscapeRoff(t *testing.T) {
	for text, want := range map[string]string{
		".env":       `\&.env`,
		"'tis":       `\(aqtis`,
		`a\b "c" -d`: `a\eb \(dqc\(dq \-d`,
		"`^~`":       "\\(ga\\(ha\\(ti\\(ga",
		"a…é":        `a...\[u00E9]`,
	} {
		if got := escapeRoff(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}
