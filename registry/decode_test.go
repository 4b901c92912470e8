package registry

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/devports/devports/allocator"
)

// sample is a file that a user has edited: unordered, with a time zone, escapes
// and unusual white space.
const sample = `{"scopes": [
  {"directory": "/b", "project": "b\u002fc", "worktree": "w", "override": true, "leases": [{"name": "x", "port": 1, "since": "2026-08-17T12:00:00+02:00"}]},
  {"leases": [
	{"name": "b", "port": 20000, "pinned": false, "since": "2026-08-17T10:00:00Z"},
	{"name": "a:c", "port": 65535, "pinned": true, "since": "2026-08-17T10:00:00Z"},
	{"since": "2026-08-17T10:00:00Z", "port": 65535, "pinned": true, "name": "a"}
  ]},
  {"directory": "/b", "project": "é<&>\"\\\n", "leases": [{"name": "x", "port": 2, "since": "2026-08-17T10:00:00Z"}]}
], "version": 1}`

const sampleAsWritten = `{
  "version": 2,
  "scopes": [
    {"leases": [
      {"name": "a", "port": 65535, "pinned": true, "since": "2026-08-17T10:00:00Z"},
      {"name": "a:c", "port": 65535, "pinned": true, "since": "2026-08-17T10:00:00Z"},
      {"name": "b", "port": 20000, "since": "2026-08-17T10:00:00Z"}
    ]},
    {"directory": "/b", "project": "é\u003c\u0026\u003e\"\\\n", "leases": [
      {"name": "x", "port": 2, "since": "2026-08-17T10:00:00Z"}
    ]},
    {"directory": "/b", "project": "b/c", "worktree": "w", "override": true, "leases": [
      {"name": "x", "port": 1, "since": "2026-08-17T10:00:00Z"}
    ]}
  ]
}
`

func TestDecode(t *testing.T) {
	s, err := decode([]byte(sample))
	if err != nil {
		t.Fatal(err)
	}
	if got := string(encode(s)); got != sampleAsWritten {
		t.Errorf("written as\n%s", got)
	}
	if marked, err := decode([]byte("\ufeff" + sample)); err != nil || string(encode(marked)) != sampleAsWritten {
		t.Errorf("with a byte-order mark: %v", err)
	}
	if s, err := decode(encode(state{})); err != nil || len(s.records) != 0 {
		t.Errorf("an empty state: %v %v", s, err)
	}
}

func TestDamaged(t *testing.T) {
	lease := func(s string) string {
		return "{\"version\": 1, \"scopes\": [{\"leases\": [\n{\"name\": \"first\", \"port\": 99, \"since\": \"2026-08-17T10:00:00Z\"},\n" + s + "\n]}]}"
	}
	scope := func(s string) string {
		return `{"version": 1, "scopes": [` + "\n\n" + s + "\n]}"
	}
	one := `[{"name": "x", "port": 20000, "since": "2026-08-17T10:00:00Z"}]`
	for _, tt := range []struct {
		line    int
		content string
		text    string // part of the error
	}{
		{1, "", "the end of the file"},
		{3, "\n\n", "the end of the file"},
		{1, "\xef\xbb\xbf\xef\xbb\xbf{}", "expected '{'"},
		{1, "null", "expected '{'"},
		{1, "[]", "expected '{'"},
		{1, "{}", "missing version"},
		{1, `{"version": 0, "scopes": []}`, "unsupported version 0"},
		{1, `{"version": 1.5}`, `expected a comma or '}', found '.'`},
		{1, `{"version": "1"}`, "expected a number"},
		{1, `{"version": 99999999999999999999}`, "invalid number"},
		{1, `{"version": 01}`, "invalid number"},
		{1, `{"version": -1}`, "expected a number"},
		{2, "{\"version\": 1,\n\"version\": 1}", `duplicate key "version"`},
		{2, "{\"version\": 1,\n\"Scopes\": []}", `unknown key "Scopes"`},
		{3, "{\"version\": 1}\n\n{}", "expected the end of the file"},
		{1, "{\"version\": 1}\x00", "expected the end of the file"},
		{1, `{"version": 1,}`, "expected a string"},
		{2, "{\"version\": 1,\n\"scopes\": null}", "expected '['"},
		{2, "{\"version\": 1,\n\"scopes\": [", "the end of the file"},
		{3, lease(`{"name": "x", "port": 20000, "since": "2026-08-17T10:00:00Z", "pid": 1}`), `unknown key "pid"`},
		{3, lease(`{"name": "x", "port": 20000}`), "has no name, port or time"},
		{3, lease(`{"name": "x", "since": "2026-08-17T10:00:00Z"}`), "has no name, port or time"},
		{3, lease(`{"port": 20000, "since": "2026-08-17T10:00:00Z"}`), "has no name, port or time"},
		{3, lease(`{"name": "x", "port": 0, "since": "2026-08-17T10:00:00Z"}`), "0 is not a port"},
		{3, lease(`{"name": "x", "port": 65536, "since": "2026-08-17T10:00:00Z"}`), "65536 is not a port"},
		{3, lease(`{"name": "x", "port": 20000, "since": "yesterday"}`), "invalid time"},
		{3, lease(`{"name": "x", "port": 20000, "pinned": "yes", "since": "2026-08-17T10:00:00Z"}`), "expected true or false"},
		{3, lease(`{"name": " x", "port": 20000, "since": "2026-08-17T10:00:00Z"}`), "starts or ends with white space"},
		{3, lease(`{"name": "x:", "port": 20000, "since": "2026-08-17T10:00:00Z"}`), "no port name after the colon"},
		{3, lease(`{"name": "a=b", "port": 20000, "since": "2026-08-17T10:00:00Z"}`), "contains = or :"},
		{3, lease(`{"name": "a\u0007", "port": 20000, "since": "2026-08-17T10:00:00Z"}`), "control character"},
		{3, lease(`{"name": "a\x", "port": 20000, "since": "2026-08-17T10:00:00Z"}`), "invalid escape"},
		{3, lease("{\"name\": \"a\xff\", \"port\": 20000}"), "not valid UTF-8"},
		{3, lease("{\"name\": \"a\n\", \"port\": 20000}"), "unterminated string"},
		{3, lease(`{"name": "x", "port": 99, "since": "2026-08-17T10:00:00Z"}`), "port 99 has two leases"},
		{3, lease(`{"name": "x", "port": 99, "pinned": true, "since": "2026-08-17T10:00:00Z"}`), "port 99 has two leases"},
		{3, lease(`{"name": "first", "port": 98, "since": "2026-08-17T10:00:00Z"}`), "first has two leases"},
		{3, scope(`{"directory": "/a", "leases": ` + one + `}`), "has no project"},
		{3, scope(`{"project": "a", "leases": ` + one + `}`), "has no directory"},
		{3, scope(`{"directory": "/a", "project": "a", "override": true, "leases": ` + one + `}`), "has no directory or worktree"},
		{3, scope(`{"directory": "/a", "project": "a", "leases": []}`), "no leases"},
		{3, scope(`{"directory": "/a", "project": "a"}`), "no leases"},
		{4, scope(`{"leases": ` + one + "},\n" + strings.Replace(`{"leases": `+one, "20000", "3", 1) + "}"), "duplicate scope user-wide"},
	} {
		_, err := decode([]byte(tt.content))
		var damaged *DamagedError
		if !errors.As(err, &damaged) || damaged.Line != tt.line || !strings.Contains(damaged.Error(), tt.text) {
			t.Errorf("%s\n%v, want line %d: … %s", tt.content, err, tt.line, tt.text)
		}
	}
}

func TestNewer(t *testing.T) {
	for content, want := range map[string]int{
		`{"version": 3, "scopes": []}`:                  3,
		`{"leases": {"a": [null, -1.5]}, "version": 7}`: 7,
	} {
		var newer *NewerError
		if _, err := decode([]byte(content)); !errors.As(err, &newer) || newer.Version != want {
			t.Errorf("%s: %v", content, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(sample))
	f.Add([]byte(sampleAsWritten))
	f.Add([]byte(`{"version": 3, "scopes": []}`))
	f.Add([]byte(sampleAsWritten[:len(sampleAsWritten)/2]))
	f.Fuzz(func(t *testing.T, content []byte) {
		s, err := decode(content)
		var damaged *DamagedError
		var newer *NewerError
		switch {
		case errors.As(err, &damaged):
			if lines := 1 + strings.Count(string(content), "\n"); damaged.Line < 1 || damaged.Line > lines {
				t.Errorf("line %d of %d", damaged.Line, lines)
			}
		case errors.As(err, &newer):
			if newer.Version <= version {
				t.Errorf("version %d is not newer", newer.Version)
			}
		case err != nil:
			t.Errorf("%T: %v", err, err)
		default:
			if !json.Valid(content) {
				t.Error("encoding/json would not read this")
			}
			again, err := decode(encode(s))
			if err != nil || !slices.Equal(again.all(), s.all()) {
				t.Errorf("read back: %v", err)
			}
		}
	})
}

func TestParseName(t *testing.T) {
	for text, want := range map[string]allocator.PortName{
		"auth":         {Service: "auth"},
		"auth:metrics": {Service: "auth", Port: "metrics"},
		"web.2":        {Service: "web.2"},
		"a/b % ; #-é":  {Service: "a/b % ; #-é"},
		"[x]":          {Service: "[x]"},
	} {
		if n, err := ParseName(text); n != want || err != nil || n.String() != text {
			t.Errorf("%q: %#v %v", text, n, err)
		}
	}
	for _, text := range []string{"", ":", "a:", ":a", "a:b:c", "a=b", " a", "a ", "a\t", "\u00a0a", "a\nb", "a\x7f", "a\xff", "a: b"} {
		var bad *NameError
		if n, err := ParseName(text); !errors.As(err, &bad) || bad.Name != text {
			t.Errorf("%q: %#v %v", text, n, err)
		}
	}
}

func TestTimesRoundTrip(t *testing.T) {
	l := entry{allocator.PortName{Service: "a"}, 1, false, time.Unix(1, 0).UTC(), false}
	s, err := decode(encode(state{[]record{{leases: []entry{l}}}}))
	if err != nil || s.records[0].leases[0] != l {
		t.Errorf("%v %v", s, err)
	}
}
