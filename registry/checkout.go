package registry

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/devports/devports/allocator/envvar"
)

// FindCheckout looks at dir, the folder of a Portfile, and says what checkout of which project it is. project is the Portfile's
// own name for it. "" takes the default: the name of the main checkout's directory, if the Portfile lies at the root of its
// repository, so that all worktrees agree; else the name of dir.
//
// The repository is found by its .git, without running git. In a linked worktree that is a file, and leads to git's name for the
// worktree; every other checkout is a main one, a submodule included. getenv gives DEVPORTS_WORKTREE, another label for a scope
// beside the directory's own. devports sets that itself for whatever it starts, together with DEVPORTS_PROJECT: with both set, the
// label counts only if the registry has such a scope of this very directory, for a shell may have gone elsewhere since.
//
// FindCheckout reads a few small files. Errors are *fs.PathError: dir is missing, unreadable, or not valid UTF-8.
func FindCheckout(dir, project string, getenv func(string) string) (Checkout, error) {
	dir, err := resolve(dir)
	if err != nil {
		return Checkout{}, err
	}
	if !utf8.ValidString(dir) {
		return Checkout{}, &fs.PathError{Op: "checkout", Path: dir, Err: errors.New("the path is not valid UTF-8")}
	}
	repo := findRepository(dir)
	if project == "" {
		project = filepath.Base(dir)
		if repo.root == dir {
			project = repo.name
		}
	}
	return Checkout{
		Directory: dir,
		Project:   project,
		Worktree:  label(repo.worktree, project),
		clone:     filepath.Base(repo.root),
		override:  strings.ToValidUTF8(getenv(envvar.Worktree), "?"),
		inherited: getenv(envvar.Project) != "",
	}, nil
}

// label is what a git worktree is called within its project: git's name for it, less a leading "<project>-".
func label(worktree, project string) string {
	if short, cut := strings.CutPrefix(worktree, project+"-"); cut && short != "" {
		return short
	}
	return worktree
}

// resolve makes a path absolute and follows its symlinks.
func resolve(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(path)
}
