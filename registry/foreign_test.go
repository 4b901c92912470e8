package registry

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/devports/devports/allocator"
)

// showClaims formats claims as "name=port@line".
func showClaims(claims []Claim) string {
	var words []string
	for _, c := range claims {
		words = append(words, fmt.Sprintf("%s=%d@%d", c.Name, c.Port, c.Line))
	}
	return strings.Join(words, " ")
}

func TestParseForeign(t *testing.T) {
	for name, tt := range map[string]struct {
		content  string
		format   Format
		claims   string
		problems []string // the line and a part of each
	}{
		"nothing":        {"", PortFor, "", nil},
		"port-for":       {"[DEFAULT]\nfoo = 23029\nbar=23030\nbaz: 23031\nweb/a.b_c-d%e#f;g h = 80\n\n", PortFor, "foo=23029@2 bar=23030@3 baz=23031@4 web/a.b_c-d%e#f;g h=80@5", nil},
		"comments":       {"# all\n[DEFAULT]\n  # foo = 1\n;bar = 2\nbaz = 3\n", PortFor, "baz=3@5", nil},
		"other sections": {"[a]\nx = 1\nnonsense\n[DEFAULT]\nx = 2\n[b]\nx = what\n  more\n[DEFAULT]\ny = 3", PortFor, "x=2@5 y=3@10", nil},
		"no section":     {"foo = 23029", PortFor, "foo=23029@1", nil},
		"case":           {"[DEFAULT]\nFoo = 1\nfoo = 2\nÄ = 3\n", PortFor, "foo=1@2 ä=3@4", []string{`3 "foo" already has a port, on line 2`}},
		"CRLF":           {"\ufeff[DEFAULT]\r\nfoo = 1\r\n\r\nbar = 2\r\n", PortFor, "foo=1@2 bar=2@4", nil},
		"old Mac":        {"[DEFAULT]\rfoo = 1\rbar = x\r", PortFor, "foo=1@2", []string{`3 "x"`}},
		"indented":       {"[DEFAULT]\n  foo = 1\n  bar = 2\n baz = 3\n", PortFor, "foo=1@2 bar=2@3 baz=3@4", nil},
		"continued": {
			"[DEFAULT]\nfoo = 1\n  bar = 2\n\n  x\nbaz = 3\n", PortFor, "baz=3@6",
			[]string{
				`2 "foo" has an invalid port`,
				`3 "bar = 2" is indented, so it continues line 2`,
				`5 "x" is indented`,
			},
		},
		"no numbers": {
			"[DEFAULT]\na = abc\nb =\nc = 1.5\nd = 0x50\ne = 80 ; web\n", PortFor, "",
			[]string{
				`2 "a" has an invalid port: "abc"`,
				`3 "b"`,
				`4 "c"`,
				`5 "d"`,
				`6 "80 ; web"`,
			},
		},
		"out of range": {
			"[DEFAULT]\na = 0\nb = -1\nc = 65536\nd = 65535\ne = 99999999999999999999\n", PortFor, "d=65535@5",
			[]string{
				`2 "a"`,
				`3 "b"`,
				`4 "c"`,
				`6 "e"`,
			},
		},
		"one port": {"[DEFAULT]\na = 80\nb = 80\n", PortFor, "a=80@2 b=80@3", nil},
		"bad names": {
			"[DEFAULT]\n= 1\na\x07b = 2\n: 3\n", PortFor, "",
			[]string{
				`2 invalid name "": it is empty`,
				`3 invalid name "a\ab": it contains a control character`,
				`4 it is empty`,
			},
		},
		"name in brackets": {"[DEFAULT]\n[x] = 1\n[y = 2\nz = 3\n", PortFor, "[y=2@3 z=3@4", []string{`2 "[x] = 1" has text after`}},
		"no entry":         {"[DEFAULT]\nfoo\n[]\nbar = 1\n", PortFor, "bar=1@4", []string{`2 "foo" is neither`, `3 "[]" is neither`}},
		"another language": {"<html>\n<p>" + strings.Repeat("é", 100) + "\n</html>", PortFor, "", []string{`1 "<html>"`, `2 éé"…`, `3 "</html>"`}},
		"not UTF-8":        {"[DEFAULT]\na = 1\nb\xff = 2\n", PortFor, "", []string{`3 not valid UTF-8`}},
		"plutfile": {
			`{"auth": 1234, "Dash:x": 1235,` + "\n\"a\\u0062\\/%=\": 1}", Plut, "auth=1234@1 Dash:x=1235@1",
			[]string{
				`2 invalid name "ab/%=": it contains = or :`,
			},
		},
		"empty plutfile": {" {}\n", Plut, "", nil},
		"values": {
			"{\n\"a\": \"80\",\n\"b\": 80.0,\n\"c\": null,\n\"d\": {\"e\": 1},\n\"f\": 1e3,\n\"g\": 70000,\n\"h\": 1}", Plut, "h=1@8",
			[]string{
				`2 "a"`,
				`3 "b"`,
				`4 "c"`,
				`5 "d"`,
				`6 "f"`,
				`7 "g"`,
			},
		},
		"twice":            {"{\"a\": 1,\n\"b\": 2,\n\"a\": 3}", Plut, "a=1@1 b=2@2", []string{`3 "a" already has a port, on line 1`}},
		"half":             {"{\"a\": 1,\n\"b\": 12", Plut, "", []string{`2 ends inside`}},
		"half a name":      {"{\"a\": 1,\n\"b", Plut, "", []string{`2 ends inside`}},
		"unquoted":         {"{\"a\": 1,\n\nb: 2}", Plut, "", []string{`3 invalid JSON`}},
		"comma at the end": {"{\"a\": 1,\n}", Plut, "", []string{`2 `}},
		"two objects":      {"{\"a\": 1}\n{\"b\": 2}", Plut, "", []string{`2 unexpected text`}},
		"rubbish after":    {"{\"a\": 1}\n}", Plut, "", []string{`2 `}},
		"array":            {`[{"name": "a", "port": 1}]`, Plut, "", []string{`1 JSON object of ports by name`}},
		"plutrc":           {"export PLUT_AUTH=1234\n\n# mine\n  export PLUT_DASH=1235  \r\n", PlutRC, "auth=1234@1 dash=1235@4", nil},
		"plutrc's mistakes": {
			"PATH=/bin\nexport PLUT_A=1\nexport PLUT_A=2\nexport PLUT_B\nexport PLUT_C='3'\nexport PLUT_=4\n", PlutRC, "a=1@2",
			[]string{
				`1 expected export PLUT_NAME=1234, found "PATH=/bin"`,
				`3 "a" already has a port`,
				`4 expected`,
				`5 "'3'"`,
				`6 it is empty`,
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := ParseForeign([]byte(tt.content))
			if got := showClaims(f.Claims); f.Format != tt.format || got != tt.claims {
				t.Errorf("%s: %s, want %s: %s", f.Format, got, tt.format, tt.claims)
			}
			ok := func(p Problem, want string) bool {
				line, words, _ := strings.Cut(want, " ")
				return fmt.Sprint(p.Line) == line && strings.Contains(p.Reason, words) && strings.Contains(p.String(), p.Reason)
			}
			if !slices.EqualFunc(f.Problems, tt.problems, ok) {
				t.Errorf("problems: %v, want %q", f.Problems, tt.problems)
			}
		})
	}
}

// python runs a Python program with an input and decodes the JSON that it
// prints.
func python(t *testing.T, program string, input []byte) (result map[string]any) {
	t.Helper()
	path, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("Python is not installed")
	}
	cmd := exec.Command(path, "-c", program)
	cmd.Stdin = bytes.NewReader(input)
	cmd.Env = append(cmd.Environ(), "PYTHONUTF8=1")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("python: %v\n%s", err, input)
	}
	if err := json.Unmarshal(out, &result); err != nil {
		t.Fatal(err)
	}
	return result
}

// Programs that print how port-for and plut themselves read a file.
const (
	likePortFor = `
import configparser, json, sys
c = configparser.ConfigParser()
c.read_file(sys.stdin)
print(json.dumps({k: int(v) for k, v in c.defaults().items()}))`
	likePlut = `
import json, sys
print(json.dumps(json.load(sys.stdin)))`
)

func TestParsesLikePython(t *testing.T) {
	for _, content := range []string{
		"[DEFAULT]\nfoo = 23029\nBar: 2\n\n# x = 1\n ; y = 2\n",
		"[DEFAULT]\n  foo = 1\n  bar = 2\n baz = 3\n",
		"[x]\nfoo = 1\n[DEFAULT]\nbar = 2\n[y]\nbaz = 3\n  4\n[DEFAULT]\nqux : 5\n",
		"[DEFAULT]\r\nfoo = 1\r\n\r\na b%c#d;e[f] = 2\r\n[g = 3\r\n",
		"[DEFAULT]\nfoo = 1\n\n# bar = 2\n\n[DEFAULT]\nÄ/é.-_ = 4\n",
	} {
		f := ParseForeign([]byte(content))
		ours := map[string]any{}
		for _, c := range f.Claims {
			ours[c.Name.String()] = float64(c.Port)
		}
		if theirs := python(t, likePortFor, []byte(content)); !maps.Equal(ours, theirs) || len(f.Problems) > 0 {
			t.Errorf("%s\n%v %v, configparser: %v", content, ours, f.Problems, theirs)
		}
	}
}

func FuzzParseForeign(f *testing.F) {
	f.Add([]byte("[DEFAULT]\nfoo = 23029\n  bar: 1\n[x]\n#c\n"))
	f.Add([]byte("{\"a\": 1, \"b:c\": 2}"))
	f.Add([]byte("export PLUT_A=1\nx\n"))
	f.Add([]byte("]=0"))
	f.Fuzz(func(t *testing.T, content []byte) {
		parsed := ParseForeign(content)
		lines := 1 + bytes.Count(content, []byte("\n")) + bytes.Count(content, []byte("\r"))
		names := map[allocator.PortName]bool{}
		var leases []Lease
		for _, c := range parsed.Claims {
			if checkName(c.Name) != nil || !validPort(c.Port) || c.Line < 1 || c.Line > lines || names[c.Name] {
				t.Errorf("claim %v", c)
			}
			names[c.Name] = true
			leases = append(leases, Lease{Name: c.Name, Port: c.Port})
		}
		for _, p := range parsed.Problems {
			if p.Line < 1 || p.Line > lines {
				t.Errorf("line %d of %d", p.Line, lines)
			}
		}
		for _, format := range []Format{PortFor, Plut} {
			var b bytes.Buffer
			var unfit *UnfitError
			if err := Export(&b, format, leases); errors.As(err, &unfit) && b.Len() == 0 {
				continue
			} else if err != nil {
				t.Error(err)
			}
			again := ParseForeign(b.Bytes())
			if !slices.EqualFunc(again.Claims, leases, isClaimOf) || len(again.Problems) > 0 || again.Format != format {
				t.Errorf("%s\nread back: %v", b.Bytes(), again)
			}
		}
	})
}

func isClaimOf(c Claim, l Lease) bool { return c.Name == l.Name && c.Port == l.Port }
