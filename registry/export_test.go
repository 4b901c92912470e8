package registry

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/devports/devports/allocator"
)

// exported returns the output of Export, or its error.
func exported(f Format, leases []Lease) string {
	var b bytes.Buffer
	if err := Export(&b, f, leases); err != nil {
		return strings.TrimSpace(b.String() + err.Error())
	}
	return b.String()
}

func TestExport(t *testing.T) {
	user := func(name string, port int) Lease { return Lease{Name: want(name).Name, Port: port} }
	shop := Lease{Scope: Scope{Directory: "/shop", Project: "shop"}, Name: allocator.PortName{Service: "a.b"}, Port: 3}
	for _, tt := range []struct {
		format Format
		leases []Lease
		want   string
	}{
		{PortFor, nil, "[DEFAULT]\n"},
		{PortFor, []Lease{user("auth", 1), user("a b/%#;é", 2)}, "[DEFAULT]\nauth = 1\na b/%#;é = 2\n"},
		{
			PortFor,
			[]Lease{user("ok", 1), user("#a", 2), user(";a", 3), user("[a", 4), user("a:b", 5), user("Foo", 6), user("a.b", 7), shop},
			`the user-wide name #a cannot be exported as port-for: port-for would read it as a comment
the user-wide name ;a cannot be exported as port-for: port-for would read it as a comment
the user-wide name [a cannot be exported as port-for: port-for would read it as a section
the user-wide name a:b cannot be exported as port-for: port-for ends a name at a colon
the user-wide name Foo cannot be exported as port-for: port-for would lowercase it to foo
a.b of shop cannot be exported as port-for: its name there, a.b, clashes with the user-wide name a.b`,
		},
		{Plut, nil, "{\n}\n"},
		{Plut, []Lease{user(`a"\:b`, 1), user("Foo", 2)}, "{\n  \"a\\\"\\\\:b\": 1,\n  \"Foo\": 2\n}\n"},
		{Plut, []Lease{user("a.b", 1), shop}, `a.b of shop cannot be exported as plut: its name there, "a.b", clashes with the user-wide name a.b`},
		{Dotenv, nil, ""},
		{Dotenv, []Lease{user("my-web_2", 1), user("auth:metrics", 2), shop}, "PORT_MY_WEB_2=1\nPORT_AUTH_METRICS=2\nPORT_A_B=3\n"},
		{
			Dotenv,
			[]Lease{user("a-b", 1), user("A:b", 2), shop},
			`the user-wide name A:b cannot be exported as dotenv: its name there, PORT_A_B, clashes with the user-wide name a-b
a.b of shop cannot be exported as dotenv: its name there, PORT_A_B, clashes with the user-wide name a-b`,
		},
		{PlutRC, nil, `registry: cannot export the format "plutrc"`},
		{"x", nil, `registry: cannot export the format "x"`},
	} {
		if got := exported(tt.format, tt.leases); got != tt.want {
			t.Errorf("as %s: %s\nwant %s", tt.format, got, tt.want)
		}
	}
}

// TestExportIsRead reads the output of Export with port-for's, plut's and our
// reader.
func TestExportIsRead(t *testing.T) {
	var leases []Lease
	want := map[string]any{}
	for i, name := range []string{"a", "web.2", "a/b", "a_b-c", "100%", "a#b;c", "in side", "é ß", "x[1]", "default", "rem x", "true", "x\u2028y\u00adz", "日本"} {
		leases = append(leases, Lease{Name: allocator.PortName{Service: name}, Port: 1000 + i})
		want[name] = float64(1000 + i)
	}
	for format, program := range map[Format]string{PortFor: likePortFor, Plut: likePlut} {
		content := []byte(exported(format, leases))
		f := ParseForeign(content)
		if f.Format != format || !slices.EqualFunc(f.Claims, leases, isClaimOf) || len(f.Problems) > 0 {
			t.Errorf("%s read back: %v", content, f)
		}
		if got := python(t, program, content); !maps.Equal(got, want) {
			t.Errorf("%s read by Python: %v", content, got)
		}
	}
}

type brokenPipe struct{ error }

func (w brokenPipe) Write([]byte) (int, error) { return 0, w.error }

func TestExportError(t *testing.T) {
	mine := errors.New("mine")
	for _, f := range ExportFormats() {
		if err := Export(brokenPipe{mine}, f, nil); !errors.Is(err, mine) {
			t.Errorf("%s: %v", f, err)
		}
	}
}
