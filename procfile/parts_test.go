package procfile

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Parts splits a value where expand expands it.
func TestParts(t *testing.T) {
	values := map[string]string{"A": "a", "B": "", "C_1": "$x"}
	get := in(values)
	var join func([]Part) string
	join = func(parts []Part) string {
		var b strings.Builder
		for _, p := range parts {
			value := values[p.Name]
			switch {
			case p.Name == "":
				b.WriteString(p.Text)
			case p.Operator == ":-" && value == "", p.Operator == ":+" && value != "":
				b.WriteString(join(p.Word))
			case p.Operator != ":+":
				b.WriteString(value)
			}
		}
		return b.String()
	}
	pieces := []string{"$", "{", "}", "A", "B", "C_1", ":-", ":+", "x", "$$", "${", "é", " ", "$A", "${B:-", "1"}
	expanded := 0
	for range 20_000 {
		var s string
		for range rand.IntN(8) {
			s += pieces[rand.IntN(len(pieces))]
		}
		want, _, err := expand(s, get)
		if err != nil {
			continue
		}
		if got := join(Parts(s)); got != want {
			t.Fatalf("%q: %q, want %q", s, got, want)
		}
		expanded++
	}
	if expanded < 5000 {
		t.Errorf("only %d values without a mistake", expanded)
	}
}

// Names that are typed below an included file mean its own first.
func TestNamed(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"Portfile": "include = [{ path = 'pay/Portfile', prefix = 'pay-' }]\n[services]\napi = 'x'\nweb = 'x'\n",
		"pay/Portfile": "include = [{ path = 'deep/Portfile', prefix = 'deep-' }]\ngroups = { all = ['api'] }\n" +
			"[services]\napi = { command = 'x', replicas = 2 }\n[setup]\ninstall = 'x'\n",
		"pay/deep/Portfile": "[services]\napi = 'x'\njob = 'x'\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	f, err := Read(filepath.Join(dir, "Portfile"), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ in, name, want string }{
		{".", "api", "api"},
		{"pay", "api", "pay-api"},
		{"pay/src", "api", "pay-api"},
		{"pay", "api.2", "pay-api.2"},
		{"pay", "api:metrics", "pay-api:metrics"},
		{"pay", "pay-api", "pay-api"},
		{"pay", "web", "web"},
		{"pay", "all", "pay-all"},
		{"pay", "install", "pay-install"},
		{"pay", "deep-job", "pay-deep-job"},
		{"pay", "job", "job"},
		{"pay/deep", "api", "pay-deep-api"},
		{"pay/deep", "job", "pay-deep-job"},
		{"other", "api", "api"},
	} {
		in := filepath.Join(dir, test.in)
		if got := f.ResolveNames(in, []string{test.name})[0]; got != test.want {
			t.Errorf("in %s, %s means %s, want %s", test.in, test.name, got, test.want)
		}
		if short := f.Short(in, test.want); f.ResolveNames(in, []string{short})[0] != test.want {
			t.Errorf("in %s, %s is typed %s", test.in, test.want, short)
		}
	}
	if got := f.Short(filepath.Join(dir, "pay"), "api"); got != "" {
		t.Errorf("the hidden api is typed %s", got)
	}
}
