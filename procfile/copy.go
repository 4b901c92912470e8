package procfile

import (
	"path/filepath"
	"slices"
	"strings"
)

// copies reads names of files below the file's directory.
func (d *decoder) copies(v *value) []Text {
	list := d.texts(v)
	return slices.DeleteFunc(list, func(t Text) bool {
		switch name := filepath.FromSlash(t.Value); {
		case t.Pos.Line == 0: // a problem already
			return true
		case !filepath.IsLocal(name), filepath.Clean(name) == ".", strings.HasSuffix(t.Value, "/"):
			d.fail(t.Pos, `copy = [".env", "config/master.key"]`, "copy takes files below the directory of the Portfile, not %s", quote(t.Value))
			return true
		}
		return false
	})
}

// copiedFrom returns the file of the main checkout that up would copy to path;
// "" for none.
func (r *resolver) copiedFrom(path string) string {
	if r.context.Main == "" {
		return ""
	}
	name, err := filepath.Rel(r.file.Dir, path)
	if err != nil || !slices.ContainsFunc(r.file.Copy, func(t Text) bool { return filepath.Clean(filepath.FromSlash(t.Value)) == name }) {
		return ""
	}
	from := filepath.Join(r.context.Main, name)
	if !within(r.context.Main, from) {
		return ""
	}
	return from
}

// within reports whether a path, with its links followed, is below a directory.
func within(dir, path string) bool {
	realDir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return false
	}
	realPath, err := filepath.EvalSymlinks(path)
	if err != nil {
		return false
	}
	name, err := filepath.Rel(realDir, realPath)
	return err == nil && filepath.IsLocal(name)
}
