package export

import (
	"encoding/json"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
)

// Any string is the same string for the parsers of YAML 1.1 and 1.2, as a value
// and in a list, and any name of a variable as a key.
func TestYAMLRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(rand.Uint64(), 0))
	values := []string{"yes", "on", "22:22", "1e3", "0x1", "~", "null", "2001-01-01", "=", "<<", "? x", "- x", "&a", "*a", "!x", "", ".inf", "1_000", "x\n", "\n x", "a: b", "a #b", "'", "%x", "@x", "\ufeff"}
	for range 500 {
		values = append(values, odd(r))
	}
	names := []string{"NO", "n", "Y", "ON", "OFF", "NULL", "TRUE", "yes", "A_1", "_"}
	var m mapping
	var list []any
	want := map[string]any{}
	for i, name := range names {
		m = append(m, yaml.MapItem{Key: name, Value: text(values[i])})
		want[name] = values[i]
	}
	var wanted []any
	for _, v := range values {
		list = append(list, text(v))
		wanted = append(wanted, v)
	}
	m = append(m, yaml.MapItem{Key: "list", Value: list})
	want["list"] = wanted
	src := encode(m)

	var got map[string]any
	if err := yaml.Unmarshal([]byte(src), &got); err != nil {
		t.Fatalf("%v\n%s", err, src)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("go-yaml: %s", diff)
	}

	python := exec.Command("python3", "-c", "import json, sys, yaml; print(json.dumps(yaml.safe_load(sys.stdin)))")
	python.Stdin = strings.NewReader(src)
	out, err := python.Output()
	if err != nil {
		t.Skip("Python has no YAML")
	}
	got = nil
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("PyYAML: %s", diff)
	}
}

// Comments stay comments.
func TestComment(t *testing.T) {
	r := rand.New(rand.NewPCG(rand.Uint64(), 0))
	for range 1000 {
		s := odd(r)
		c := comment(s)
		for line := range strings.Lines(c) {
			if !strings.HasPrefix(line, "#") || strings.HasSuffix(line, "\\\n") {
				t.Fatalf("%q: %q", s, c)
			}
		}
		var got any
		if err := yaml.Unmarshal([]byte(c), &got); err != nil || got != nil {
			t.Fatalf("%q: %v %v", s, got, err)
		}
	}
}
