package checkout

import (
	"os"
	"path/filepath"
)

// MainDirectory returns the directory of the project in the main checkout, which
// may not exist: in the repository's own working tree or, for a bare repository,
// in the worktree of its default branch. It is "" outside git, and if a bare
// repository has no such worktree.
func (c Checkout) MainDirectory() string {
	switch {
	case c.Repository == "":
		return ""
	case c.Worktree == "":
		return c.Directory
	case filepath.Base(c.Repository) == ".git" && !(repository{common: c.Repository}).config().bare:
		return filepath.Join(filepath.Dir(c.Repository), filepath.FromSlash(c.Path))
	}
	ref := func(gitdir string) string {
		ref, _ := parseHead(readText(filepath.Join(gitdir, "HEAD")))
		return ref
	}
	branch := ref(c.Repository)
	if branch == "" {
		return ""
	}
	worktrees, _ := os.ReadDir(filepath.Join(c.Repository, "worktrees"))
	for _, w := range worktrees {
		gitdir := filepath.Join(c.Repository, "worktrees", w.Name())
		if dot, found := readLink(filepath.Join(gitdir, "gitdir"), ""); found && ref(gitdir) == branch {
			return filepath.Join(filepath.Dir(dot), filepath.FromSlash(c.Path))
		}
	}
	return ""
}
