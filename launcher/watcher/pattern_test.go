package watcher

import (
	"strings"
	"testing"
)

func TestValidate(t *testing.T) {
	for _, test := range []struct{ pattern, want string }{ // want is part of the error, "" for none
		{"**/*.go", ""},
		{"!**/*_test.go", ""},
		{"main.go", ""},
		{"**", ""},
		{"{api,web}/**/*.{go,html}", ""},
		{"[!a-z]*", ""},
		{`\!important`, ""},
		{"..a/b..", ""},
		{"!node_modules/**", ""},
		{"!**/.git/**", ""},
		{".gitignore", ""},
		{"", "is empty"},
		{"!", "is empty"},
		{"/etc/passwd", "is absolute"},
		{"!/etc/*", "is absolute"},
		{"C:/x", "is absolute"},
		{`c:\x`, "is absolute"},
		{"../*.go", `has ".."`},
		{"!api/../*.go", `has ".."`},
		{"api/..", `has ".."`},
		{"./*.go", `has "." between slashes`},
		{"api//*.go", `has "" between slashes`},
		{"api/", `"api/**" matches`},
		{"!api/", `"!api/**" matches`},
		{"[a", "is not a glob"},
		{"{a", "is not a glob"},
		{"a}", "is not a glob"},
		{`a\`, "is not a glob"},
		{"web/node_modules/*.js", "node_modules are always skipped"},
		{".git/HEAD", ".git are always skipped"},
	} {
		err := ValidatePattern(test.pattern)
		if test.want == "" && err != nil {
			t.Errorf("%q: %v", test.pattern, err)
		}
		if test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%q: error is %v, want %s", test.pattern, err, test.want)
		}
	}
}

func TestContains(t *testing.T) {
	for _, test := range []struct {
		patterns string
		file     string
		ignored  bool
		want     bool
	}{
		{"**/*.go", "main.go", false, true},
		{"**/*.go", "a/b/main.go", false, true},
		{"**/*.go", "main.go", true, false},
		{"*.go", "a/main.go", false, false},
		{"**/*.go !**/*_test.go", "a/x_test.go", false, false},
		{"!**/*_test.go **/*.go", "a/x_test.go", false, false},
		{"!**/*_test.go", "a/x", false, true},
		{"!**/*_test.go", "a/x", true, false},
		{"!**/*_test.go", "a/x_test.go", false, false},
		{"", "a", false, false},
		{".env", ".env", true, true},
		{".env !.env", ".env", true, false},
		{".env*", ".env", true, false},
		{"build/x", "build/x", true, true},
		{`\.env`, ".env", true, false},
		{"{a,b}/x.{go,mod}", "b/x.mod", false, true},
		{"api", "api/x.go", false, false},
	} {
		s, err := newSet("s", strings.Fields(test.patterns))
		must(t, err)
		if got := s.contains(test.file, test.ignored); got != test.want {
			t.Errorf("%q, %s, ignored %v: %v", test.patterns, test.file, test.ignored, got)
		}
		// The directories of a file in the set are reached.
		for i := range test.file {
			if test.file[i] == '/' && test.want && !s.reaches(test.file[:i], test.ignored) {
				t.Errorf("%q does not reach %s", test.patterns, test.file[:i])
			}
		}
	}
}

func TestLeads(t *testing.T) {
	for _, test := range []struct {
		glob, directory string
		want            bool
	}{
		{"api/*.go", "api", true},
		{"api/*.go", "api/v1", false},
		{"api/*.go", "ap", false},
		{"api/*.go", "web", false},
		{"api/**/*.go", "api/v1/v2", true},
		{"**/*.go", "api", true},
		{"*/x/*.go", "api", true},
		{"*/x/*.go", "api/x", true},
		{"*/x/*.go", "api/y", false},
		{"main.go", "api", false},
		{"main.go", "main.go", false},
		{"{a,b/c}/x", "b", true},
		{"{a,b/c}/x", "b/c", true},
		{"[a-c]/x", "b", true},
		{"[a-c]/x", "d", false},
		{`a\*/x`, "a*", true},
		{`a\*/x`, "ab", false},
		{"a**/x/y", "ab", true},
	} {
		if got := leads(test.glob, test.directory); got != test.want {
			t.Errorf("%s, %s: %v", test.glob, test.directory, got)
		}
	}
}

func TestCovers(t *testing.T) {
	for _, test := range []struct {
		glob, directory string
		want            bool
	}{
		{"vendor/**", "vendor", true},
		{"vendor/**", "vendor/a/b", true},
		{"vendor/**", "vendors", false},
		{"vendor/**/*", "vendor", true},
		{"vendor/*", "vendor", false},
		{"vendor/**/*.go", "vendor", false},
		{"**/testdata/**", "a/testdata/b", true},
		{"**/testdata/**", "a", false},
		{"**/*", "a", false}, // true would be correct, but is of no use
	} {
		if got := covers(test.glob, test.directory); got != test.want {
			t.Errorf("%s, %s: %v", test.glob, test.directory, got)
		}
	}
}
