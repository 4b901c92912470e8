package export

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/devports/devports/procfile"
)

// systemdAnalyze is systemd-analyze verify for units, which prints what it
// dislikes about them, and with the level debug all that it has read.
func systemdAnalyze(t *testing.T, level string, units ...string) string {
	t.Helper()
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Skip("systemd is not installed")
	}
	cmd := exec.Command("systemd-analyze", append([]string{"--user", "--man=no", "--generators=no", "--recursive-errors=no", "verify"}, units...)...)
	home := t.TempDir()
	cmd.Env = append(os.Environ(), "HOME="+home, "XDG_RUNTIME_DIR="+home, "SYSTEMD_LOG_LEVEL="+level, "SYSTEMD_UNIT_PATH="+filepath.Dir(units[0])+":", "LANG=C.UTF-8")
	var printed, logged bytes.Buffer
	cmd.Stdout, cmd.Stderr = &printed, &logged
	if err := cmd.Run(); err != nil && logged.Len() == 0 {
		t.Fatalf("systemd-analyze: %v", err)
	}
	return logged.String() + printed.String()
}

// write writes files into a new directory, and returns their paths.
func write(t *testing.T, files []File) []string {
	t.Helper()
	dir := t.TempDir()
	var paths []string
	for _, f := range files {
		path := filepath.Join(dir, f.Name)
		if err := os.WriteFile(path, []byte(f.Text), 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	return paths
}

// systemd accepts the units of the exports without a warning.
func TestVerify(t *testing.T) {
	for _, project := range []string{"team", "monorepo", "../../../examples/shop", "../../../examples/stack"} {
		if out := systemdAnalyze(t, "info", write(t, Systemd(input(t, filepath.Join("testdata", project))).Files)...); out != "" {
			t.Errorf("%s: %s", project, out)
		}
	}
	bad := write(t, []File{{"bad.service", "[Service]\nExecStart=/bin/true\nRestrat=no\n"}})
	if out := systemdAnalyze(t, "info", bad...); !strings.Contains(out, "Restrat") {
		t.Errorf("systemd-analyze accepts a key that systemd does not have: %s", out)
	}
}

// oddPieces are what strings of the tests are made of.
var oddPieces = []string{
	"a", "B", "7", " ", "  ", "\t", "\n", "\"", "'", "\\", "%", "%%", "%h", "%n", "$", "$$", "$HOME", "${HOME}", "\\n", "\\x41", ";", " ; ", "#", "=",
	"é", "☃", "\U0001f600", "\x01", "\x1b", "\x7f", "~", "*", "`", "&", "|", "@", "-", ":", "+", "!", "{", "}", "[", "]", ",", "?", "<", ">", "\u0085", "\u2028",
}

func odd(r *rand.Rand) string {
	var b strings.Builder
	for range 1 + r.IntN(12) {
		b.WriteString(oddPieces[r.IntN(len(oddPieces))])
	}
	return b.String()
}

// systemd reads what was written: any string is one argument of a command, and
// the value of a variable.
func TestSystemdRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(rand.Uint64(), 0))
	const n = 300
	var lines strings.Builder
	want := make([]string, n)
	lines.WriteString("[Service]\nType=oneshot\n")
	for i := range n {
		want[i] = odd(r)
		fmt.Fprintf(&lines, "ExecStart=%s\n", arguments([]string{"/bin/true", "begin", want[i], "end"}))
		fmt.Fprintf(&lines, "Environment=%s\n", quoted(fmt.Sprintf("V%d=%s<end>", i, want[i])))
	}
	out := systemdAnalyze(t, "debug", write(t, []File{{"odd.service", lines.String()}})...)
	whole := out
	_, out, found := strings.Cut(out, "-> Unit odd.service:")
	if !found {
		t.Fatal("systemd does not print the unit")
	}
	var commands []string
	for rest := out; ; {
		_, after, more := strings.Cut(rest, "Command Line: /bin/true begin ")
		if !more {
			break
		}
		line, after, _ := strings.Cut(after, " end\n")
		commands = append(commands, line)
		rest = after
	}
	if len(commands) != n {
		t.Fatalf("systemd has read %d commands, not %d:\n%s", len(commands), n, grep(whole, "odd.service:"))
	}
	for i, s := range want {
		if got := unquote(t, commands[i]); got != strings.ReplaceAll(s, "$", "$$") { // it expands variables later
			t.Errorf("argument %q: systemd reads %q", s, got)
		}
		_, value, _ := strings.Cut(out, fmt.Sprintf("Environment: V%d=", i))
		if value, _, _ = strings.Cut(value, "<end>"); value != s {
			t.Errorf("variable %q: systemd reads %q", s, value)
		}
	}
}

// grep returns the lines that contain a text.
func grep(lines, text string) string {
	var b strings.Builder
	for line := range strings.Lines(lines) {
		if strings.Contains(line, text) {
			b.WriteString(line)
		}
	}
	return b.String()
}

// unquote returns an argument as systemd prints it, without the quotes and
// escapes.
func unquote(t *testing.T, s string) string {
	t.Helper()
	inner, quotes := strings.CutPrefix(s, `"`)
	if !quotes {
		return s
	}
	inner = strings.TrimSuffix(inner, `"`)
	inner = strings.NewReplacer(`\"`, `"`, `\\`, `\\`, `\$`, `$`, "\\`", "`", "'", `\'`).Replace(inner)
	out, err := exec.Command("bash", "-c", "printf %s $'"+inner+"'.").Output()
	if err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	return string(bytes.TrimSuffix(out, []byte(".")))
}

// A unit of a project on one line, whatever its service is called.
func TestUnitNames(t *testing.T) {
	f, err := procfile.Parse("Portfile", []byte("project = \"x\"\n[services]\nA_b-c = \"true\"\n"))
	if err != nil {
		t.Fatal(err)
	}
	f.Dir = t.TempDir()
	in, err := resolved(f)
	if err != nil {
		t.Fatal(err)
	}
	files := Systemd(in).Files
	if files[1].Name != "x-A_b-c.service" {
		t.Error(files[1].Name)
	}
}
