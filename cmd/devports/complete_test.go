package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// completed is the output of the hidden command without descriptions, on one
// line.
func completed(t *testing.T, args ...string) string {
	t.Helper()
	var out, said bytes.Buffer
	if status := run(append([]string{"devports", "complete"}, args...), strings.NewReader(""), &out, &said); status != 0 || said.Len() > 0 {
		t.Errorf("%q: status %d, %s", args, status, &said)
	}
	var words []string
	for line := range strings.Lines(out.String()) {
		word, _, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

// completionProject creates a project with a registry, and changes to its
// directory.
func completionProject(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("DEVPORTS_HOME", filepath.Join(dir, "state"))
	t.Setenv("HOME", dir)
	for name, text := range map[string]string{
		"Portfile":   "project = 'shop'\n[services]\nweb = 'npm start'\n[services.auth]\ncommand = 'x'\nports = ['metrics']\nreplicas = 2\n[services.job]\ncommand = 'x'\nport = false\n",
		"other.toml": "[services]\nother = 'x'\n",
		"steps":      "[setup]\ndeps = 'x'\nmigrate = 'x'\n[services]\nweb = 'x'\n",
		"broken":     "[services]\nweb = 'x'\nwbe = 5\n",
		"state/registry.json": `{"version": 1, "scopes": [
			{"leases": [{"name": "a b", "port": 20001, "since": "2026-08-17T10:00:00Z"}, {"name": "it's", "port": 20002, "since": "2026-08-17T10:00:00Z"}]},
			{"directory": "` + dir + `", "project": "shop", "leases": [
				{"name": "auth", "port": 20003, "since": "2026-08-17T10:00:00Z"}, {"name": "auth:metrics", "port": 20004, "since": "2026-08-17T10:00:00Z"}]}]}`,
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
}

func TestComplete(t *testing.T) {
	completionProject(t)
	for _, test := range []struct{ line, want string }{
		{"up ", "auth auth.2 job web"},
		{"up web ", "auth auth.2 job"},
		{"up -f other.toml ", "other"},
		{"up -f=other.toml ", "other"},
		{"up --file other.toml --no-watch ", "other"},
		{"up --file=~/other.toml ", ""}, // which no shell expands
		{"up -f ~/other.toml ", "other"},
		{"up -f broken ", ""},
		{"up -f nosuch ", ""},
		{"up -f - ", ""},
		{"up -f ", ":files"},
		{"up --file=ot", ":files"},
		{"up --log ", ":files"},
		{"up --color ", "auto always never"},
		{"up --color=a", "--color=auto --color=always --color=never"},
		{"up --timeout ", ""},
		{"up --nosuch ", ""},
		{"up --nosuch=", ""},
		{"up --timeout nonsense ", ""},
		{"up -m ", "auth= job= web="},
		{"up -m web=2,", "web=2,auth= web=2,job="},
		{"up --replicas=", "--replicas=auth= --replicas=job= --replicas=web="},
		{"up -- ", "auth auth.2 job web"},
		{"up web -- ", "auth auth.2 job"},
		{"up web -f ", ":files"},
		{"up web --file=", ":files"},
		{"up web -f other.toml ", "other"},
		{"up web -f=other.toml --color ", "auto always never"},
		{"up web --color=a", "--color=auto --color=always --color=never"},
		{"up web --no-watch --no-s", completed(t, "--", "up", "--no-watch", "--no-s")},
		{"up web --nosuch ", ""},
		{"up web --help ", ""},
		{"up -- web -f ", "auth auth.2 job"},
		{"up web -- -f ", "auth auth.2 job"},
		{"logs web --since ", ""},
		{"port web --f", completed(t, "--", "port", "--f")},
		{"exec web --in", ":command 3"},
		{"run -s web go --file ", ":command 4"},
		{"completion zsh --", "--help"},
		{"env ", "auth auth.2 job web"},
		{"env web ", ""},
		{"env --shell ", "sh bash zsh fish powershell dotenv json"},
		{"run -s ", "auth auth.2 job web"},
		{"run ", ":command 2"},
		{"run -- ", ":command 3"},
		{"run -s web -- go te", ":command 5"},
		{"run -s web go ", ":command 4"},
		{"logs -f ", "devports auth auth.2 job web"}, // here -f is --follow
		{"restart --timeout 10s ", "auth auth.2 job web"},
		{"setup ", ""},
		{"setup -f steps ", "deps migrate"},
		{"setup -f steps deps ", "migrate"},
		{"setup --force --file=steps m", "deps migrate"},
		{"setup --", "--force --timeout --no-pins --file --registry --help"},
		{"logs --file steps ", "devports deps migrate web"},
		{"restart --file steps ", "deps migrate web"},
		{"up -f steps -m ", "web="},
		{"port ", "auth auth:metrics auth.2 auth.2:metrics web"},
		{"port auth:", "auth auth:metrics auth.2 auth.2:metrics web"},
		{"rm ", "auth auth:metrics"},
		{"who auth ", "auth:metrics"},
		{"rm --registry nosuch.json ", ""},
		{"export --format ", "compose kubernetes systemd port-for plut json dotenv"},
		{"import ", ":files"},
		{"completion ", "bash zsh fish powershell"},
		{"completion zsh ", ""},
		{"portserver ", "status ls"},
		{"portserver status ", "--address --portserver_address --portserver_unix_socket_address --json --help"},
		{"check ", "auth auth.2 job web"},
		{"check -", "--explain --file -f --json --help -h"},
		{"check --j", "--explain --file --json --help"},
		{"check --json -", "--explain --file -f --help -h"},
		{"check -f x --", "--explain --json --help"},
		{"-", "--version -v --help -h"},
		{"nosuch ", ""},
		{"help por", completed(t, "--", "") + " portfile environment registry front shared json"},
	} {
		if got := completed(t, append([]string{"--"}, strings.Split(test.line, " ")...)...); got != test.want {
			t.Errorf("%q completes to\n%s, want\n%s", test.line, got, test.want)
		}
	}
	if got, want := completed(t, "--", "rm", "-g", ""), "a b it's"; got != want {
		t.Errorf("user-wide names are %q, want %q", got, want)
	}
	if got, want := completed(t, "--new", "--", "rm", "-g"), "a b it's"; got != want {
		t.Errorf("user-wide names are %q, want %q", got, want)
	}
}

// TestCompleteOptionValues compares the choices of completion with the values
// that the commands accept.
func TestCompleteOptionValues(t *testing.T) {
	completionProject(t)
	for _, test := range []struct{ option, command string }{
		{"--shell", "env"}, {"--format", "export"}, {"--color", "up"},
	} {
		for value := range strings.FieldsSeq(completed(t, "--", test.command, test.option, "")) {
			var out, said bytes.Buffer
			run([]string{"devports", test.command, test.option, value, "-f", "nosuch"}, strings.NewReader(""), &out, &said)
			if strings.Contains(said.String(), value) {
				t.Errorf("%s %s is offered, but: %s", test.option, value, &said)
			}
		}
	}
}

// TestCompleteBash passes words as bash splits them.
func TestCompleteBash(t *testing.T) {
	completionProject(t)
	for _, test := range []struct{ line, want string }{
		{"up we", "web"},
		{"port auth : m", "metrics"},
		{"port auth :", "metrics"},
		{"port auth:m", "auth:metrics"}, // if COMP_WORDBREAKS has no colon
		{"up --color = al", "always"},
		{"up --color =", "auto always never"},
		{"up --color=al", "--color=always"},
		{"up --file = other.toml o", "other"},
		{"up -f \"other.toml\" ", "other"},
		{"run --service = web -- ", ":command 6"},
		{"rm -g a", `a\ b`},
		{"rm -g 'a", `a b`},
		{"rm -g it", `it\'s`},
		{"rm -g 'it", `it'\''s`},
		{"rm -g \"it", `it's`},
		{"rm -g i't", `t'\''s`},
		{`rm -g it\'`, `it\'s`},
		{"up nosuch", ""},
		{"up --", completed(t, "--", "up", "--")},
	} {
		if got := completed(t, append([]string{"--bash", "--"}, strings.Split(test.line, " ")...)...); got != test.want {
			t.Errorf("%q completes to %q, want %q", test.line, got, test.want)
		}
	}
}

// TestCompleteWaitsForNothing has a Portfile that is a pipe without a writer.
func TestCompleteWaitsForNothing(t *testing.T) {
	completionProject(t)
	if err := exec.Command("mkfifo", "never").Run(); err != nil {
		t.Skip("no named pipes here")
	}
	start := time.Now()
	if got := completed(t, "--", "up", "-f", "never", ""); got != "" || time.Since(start) > 10*time.Second {
		t.Errorf("after %v: %q", time.Since(start), got)
	}
	if err := os.WriteFile("never", []byte("[services]\n"), 0); err != nil { // unblocks the reader
		t.Error(err)
	}
}

func BenchmarkComplete(b *testing.B) {
	b.Chdir(b.TempDir())
	b.Setenv("DEVPORTS_HOME", b.TempDir())
	if err := os.WriteFile("Portfile", []byte("[services]\nweb = 'x'\napi = 'x'\n"), 0o600); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if run([]string{"devports", "complete", "--", "up", ""}, nil, &bytes.Buffer{}, os.Stderr) != 0 {
			b.Fatal("it fails")
		}
	}
}
