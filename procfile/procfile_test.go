package procfile

import (
	"regexp"
	"strings"
	"testing"
)

// foreman's grammar for a line of a Procfile.
var foremanEntry = regexp.MustCompile(`^([A-Za-z0-9_-]+):\s*(.+)$`)

func FuzzEntry(f *testing.F) {
	for _, line := range []string{
		"web: x", "web:x", "web:\t\f x y:z ", "web:", "web: ", "web: \t", ":x", "web x", " web: x", "w b: x", "wéb: x", "web\xff: x", "web: \xff",
		"web:\v", "web:\u00a0", "w_e-b2: x", "web: x\r", "::", "a::",
	} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		line = strings.ReplaceAll(line, "\n", "")
		var want [2]string
		m := foremanEntry.FindStringSubmatch(line)
		if m != nil {
			want = [2]string(m[1:])
		}
		name, command, ok := splitEntry(line)
		if got := [2]string{name, command}; ok != (m != nil) || got != want {
			t.Errorf("%q is %q %v, want %q %v", line, got, ok, want, m != nil)
		}
	})
}
