package scaffold

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/devports/devports/allocator/text"
)

// manager returns the package manager of the package in dir: the value of
// packageManager, or else the one whose lock file is there or in the root.
func (t tree) manager(dir string, m manifest) string {
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
			if t.exists(path.Join(at, lock.file)) {
				return lock.manager
			}
		}
	}
	if root, exists, err := readManifest(t.fs, "."); dir != "." && exists && err == nil {
		return t.manager(".", root)
	}
	return "npm"
}

// workspaces returns the directories of the workspaces that the package in dir
// declares in its package.json or pnpm-workspace.yaml.
func workspaces(t tree, dir string, m manifest, f *findings) []string {
	patterns := texts(m.Workspaces)
	if object, ok := m.Workspaces.(map[string]any); ok {
		patterns = texts(object["packages"])
	}
	file := path.Join(dir, "pnpm-workspace.yaml")
	if src, ok := t.read(file); ok {
		var w struct{ Packages []string }
		if err := yaml.Unmarshal(src, &w); err != nil {
			f.leaveOut(file, "cannot parse it: %s", firstLine(err))
		}
		patterns = append(patterns, w.Packages...)
	}
	return t.match(dir, patterns, "package.json")
}

// hasWorkspaces reports whether the root declares which directories are its
// packages.
func (t tree) hasWorkspaces() bool {
	root, _, err := readManifest(t.fs, ".")
	return err == nil && root.Workspaces != nil || t.exists("pnpm-workspace.yaml")
}

// match finds the directories below dir that match the patterns of a workspace
// and contain file. "**" matches any directories, and "!" excludes matches.
func (t tree) match(dir string, patterns []string, file string) []string {
	if len(patterns) == 0 {
		return nil
	}
	var found []string
	_ = fs.WalkDir(t.fs, dir, func(p string, e fs.DirEntry, err error) error {
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
		if p != dir && printable(p) && matchAny(patterns, below) && t.exists(path.Join(p, file)) {
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
