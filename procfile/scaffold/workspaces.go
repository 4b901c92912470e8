package scaffold

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/devports/devports/allocator/text"
)

// manager returns the package manager of the package in dir: the value of
// packageManager, or else the one whose lock file is there or in the root.
func (d *detector) manager(dir string, m manifest) string {
	if name, _, _ := strings.Cut(m.PackageManager, "@"); isManager(name) {
		return name
	}
	locks := []struct{ file, manager string }{
		{"pnpm-lock.yaml", "pnpm"},
		{"pnpm-workspace.yaml", "pnpm"},
		{"bun.lock", "bun"},
		{"bun.lockb", "bun"},
		{"yarn.lock", "yarn"},
		{"package-lock.json", "npm"},
		{"npm-shrinkwrap.json", "npm"},
	}
	for _, at := range []string{dir, "."} {
		for _, lock := range locks {
			if d.exists(path.Join(at, lock.file)) {
				return lock.manager
			}
		}
	}
	if root, exists, err := readManifest(d.fs, "."); dir != "." && exists && err == nil {
		return d.manager(".", root)
	}
	return "npm"
}

// workspaces returns the directories of the workspaces that the package in dir
// declares in its package.json or pnpm-workspace.yaml.
func (d *detector) workspaces(dir string, m manifest) []string {
	patterns := texts(m.Workspaces)
	if object, ok := m.Workspaces.(map[string]any); ok {
		patterns = texts(object["packages"])
	}
	file := path.Join(dir, "pnpm-workspace.yaml")
	if src, ok := d.read(file); ok {
		var w struct{ Packages []string }
		if err := yaml.Unmarshal(src, &w); err != nil {
			d.project.leaveOut(file, "cannot parse it: %s", firstLine(err))
		}
		patterns = append(patterns, w.Packages...)
	}
	return d.match(dir, patterns, "package.json")
}

// match finds the directories below dir that match the patterns of a workspace
// and contain file. "**" matches any directories, and "!" excludes matches.
func (d *detector) match(dir string, patterns []string, file string) []string {
	if len(patterns) == 0 {
		return nil
	}
	var found []string
	_ = fs.WalkDir(d.fs, dir, func(p string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return fs.SkipDir
		case !e.IsDir():
			return nil
		case p != dir && (e.Name()[0] == '.' || e.Name() == "node_modules" || strings.Count(p, "/") > 5):
			return fs.SkipDir
		}
		below := strings.TrimPrefix(strings.TrimPrefix(p, dir), "/")
		if dir == "." {
			below = p
		}
		if p != dir && printable(p) && matchAny(patterns, below) && d.exists(path.Join(p, file)) {
			found = append(found, p)
		}
		return nil
	})
	return found
}

func matchAny(patterns []string, dir string) bool {
	matched := false
	for _, pattern := range patterns {
		without, not := strings.CutPrefix(pattern, "!")
		if matchPath(strings.Split(path.Clean(without), "/"), strings.Split(dir, "/")) {
			matched = !not
		}
	}
	return matched
}

// matchPath matches the parts of a path.
func matchPath(pattern, parts []string) bool {
	switch {
	case len(pattern) == 0:
		return len(parts) == 0
	case pattern[0] == "**":
		return matchPath(pattern[1:], parts) || len(parts) > 0 && matchPath(pattern, parts[1:])
	case len(parts) == 0:
		return false
	}
	ok, err := path.Match(pattern[0], parts[0])
	return ok && err == nil && matchPath(pattern[1:], parts[1:])
}

// packages adds the dev scripts of workspaces. It reports all workspaces
// without one together, because most libraries have none.
func (d *detector) packages(dirs []string, manager string) {
	var without []string
	for _, dir := range dirs {
		file := path.Join(dir, "package.json")
		m, _, err := readManifest(d.fs, dir)
		switch {
		case err != nil:
			d.project.leaveOut(file, "invalid JSON: %v", err)
		case len(m.devScripts()) == 0:
			without = append(without, dir)
		default:
			d.scripts(dir, m, manager, false)
		}
	}
	switch n := len(without); {
	case n == 1:
		d.project.leaveOut(without[0], "this workspace has no script named dev, start or serve")
	case n > 1:
		d.project.leaveOut(fmt.Sprintf("%s and %d more", without[0], n-1), "these workspaces have no script named dev, start or serve")
	}
}

// texts returns the strings in a list.
func texts(list any) []string {
	var found []string
	items, _ := list.([]any)
	for _, item := range items {
		if s, ok := item.(string); ok {
			found = append(found, s)
		}
	}
	return found
}

// firstLine returns the first line of an error, without the excerpt that some
// parsers add.
func firstLine(err error) string {
	return clean(text.FirstLine(err.Error()))
}

// unique removes duplicates.
func unique(list []string) []string {
	var once []string
	for _, s := range list {
		if !slices.Contains(once, s) {
			once = append(once, s)
		}
	}
	return once
}
