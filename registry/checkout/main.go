package checkout

import (
	"os"
	"path/filepath"
)

// Main returns the directory that corresponds to c.Directory in the main
// checkout of its git repository. It is "" if c is in that checkout, outside
// git, or if there is none.
func (c Checkout) Main() string {
	if c.Repository == "" {
		return ""
	}
	root := filepath.Dir(c.Repository)
	if filepath.Base(c.Repository) != ".git" {
		root = bareMain(c.Repository)
	}
	if root == "" {
		return ""
	}
	dir := filepath.Join(root, filepath.FromSlash(c.Path))
	if real, err := filepath.EvalSymlinks(dir); err != nil || real == c.Directory {
		return ""
	}
	return dir
}

// bareMain returns the worktree of a bare repository that has its default
// branch; "" for none.
func bareMain(common string) string {
	if !(repository{common: common}).config().bare {
		return ""
	}
	branch, _ := parseHead(readText(filepath.Join(common, "HEAD")))
	worktrees, _ := os.ReadDir(filepath.Join(common, "worktrees"))
	for _, w := range worktrees {
		gitdir := filepath.Join(common, "worktrees", w.Name())
		if ref, _ := parseHead(readText(filepath.Join(gitdir, "HEAD"))); ref != branch || ref == "" {
			continue
		}
		if dot, found := readLink(filepath.Join(gitdir, "gitdir"), ""); found {
			return filepath.Dir(dot)
		}
	}
	return ""
}
