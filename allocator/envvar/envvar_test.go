package envvar_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// Other packages use the constants, since a literal may be misspelled. Names in
// messages do not count, and the examples are programs of users.
func TestOneHome(t *testing.T) {
	const root = "../.."
	name := regexp.MustCompile(`^DEVPORTS_[A-Z_]*(=\d*)?$`)
	files := 0
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir():
			hidden := strings.HasPrefix(entry.Name(), ".") && path != root
			if hidden || path == filepath.Join(root, "examples") || path == filepath.Join(root, "allocator", "envvar") {
				return filepath.SkipDir
			}
			return nil
		case !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		files++
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for node := range ast.Preorder(file) {
			literal, ok := node.(*ast.BasicLit)
			if !ok || literal.Kind != token.STRING {
				continue
			}
			if text, err := strconv.Unquote(literal.Value); err == nil && name.MatchString(text) {
				t.Errorf("%v: %q has a name in package envvar", set.Position(literal.Pos()), text)
			}
		}
		return nil
	})
	if err != nil || files < 100 {
		t.Errorf("%d files, %v", files, err)
	}
}
