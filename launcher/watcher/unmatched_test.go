package watcher

import (
	"strings"
	"testing"
)

func TestFindUnmatched(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	files(t, dir, map[string]string{
		".git/HEAD": "", ".gitignore": "dist/\n*.log\n", "go.mod": "", "a.log": "", "dist/app.js": "", "dist/deep/x.js": "",
		"api/main.go": "", "api/store/store.go": "", "web/src/ui/button.ts": "", "node_modules/x/index.js": "", "empty/": "",
	})
	for _, test := range []struct {
		pattern, directory string
		want               string // "" if it matches, otherwise the alternative, or "-"
	}{
		{"go.mod", "", ""},
		{"**/*.go", "", ""},
		{"**", "", ""},
		{"api/*.go", "", ""},
		{"!api/store/**", "", ""},
		{"dist/app.js", "", ""}, // named literally
		{"!dist/**", "", ""},    // exclusions may match ignored files
		{"!node_modules/**", "", ""},
		{"!**/*.log", "", ""},
		{"*.go", "", "**/*.go"},
		{"*.go", "api", "api/*.go"},
		{"!*.go", "", "!**/*.go"},
		{"store/*.go", "api", "api/store/*.go"},
		{"*.go", "api/store", "api/store/*.go"},
		{"api", "", "api/**"},
		{"web/*.ts", "", "web/**/*.ts"},
		{"web/src/*.ts", "", "web/src/**/*.ts"},
		{"src/**/*.ts", "", "**/src/**/*.ts"},
		{"src/ui/*.ts", "web", "web/src/ui/*.ts"},
		{"lib/*.ts", "", "**/*.ts"},
		{"**/*.py", "", "-"},
		{"!vendor/**", "", "-"},
		{"empty/**", "", "-"},
		{"main.go", "", "**/main.go"},
		{"*.log", "", "ignored"},
		{"dist/**", "", "ignored"},
		{"dist/**/*.js", "", "ignored"},
		{"dist/none.js", "", "-"},
	} {
		got := ""
		for _, u := range FindUnmatched(dir, []Pattern{{Text: "go.mod"}, {test.pattern, test.directory}}) {
			switch got += u.Instead; {
			case u.Ignored:
				got += "ignored"
			case u.Instead == "":
				got += "-"
			}
		}
		if got != test.want {
			t.Errorf("%s: %q, want %q", strings.TrimSpace(test.pattern+" "+test.directory), got, test.want)
		}
	}
	if got := FindUnmatched(dir+"/missing", []Pattern{{Text: "*"}}); got != nil {
		t.Errorf("in a folder that is missing: %v", got)
	}
}

// One of the patterns matches no file of the tree.
func BenchmarkFindUnmatched(b *testing.B) {
	dir := b.TempDir()
	makeLarge(b, dir)
	patterns := []Pattern{{Text: "**/*.go"}, {Text: "!**/*_test.go"}}
	for b.Loop() {
		if got := FindUnmatched(dir, patterns); len(got) != 1 {
			b.Fatal(got)
		}
	}
}
