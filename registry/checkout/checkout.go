// Package checkout identifies the project and checkout of a directory, and
// finds what git has checked out there. It does not run git but reads a few
// small files, see gitrepository-layout(5). It reads only the repository's own
// configuration file, not its includes and not the user's configuration
// (url.*.insteadOf).
package checkout

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/devports/devports/allocator/envvar"
)

// Checkout describes a project's directory, as far as the file system and the
// environment do. The zero Checkout is not a project: it stands for user-wide
// names.
type Checkout struct {
	Directory string // of the Portfile: absolute, symlinks resolved
	Project   string
	Unnamed   bool   // the Portfile names no project: Project is the name of a directory
	Worktree  string // git's own name for the worktree, less a leading project name; "" in a main checkout

	// Repository is the git directory that all worktrees share, with symlinks
	// resolved as far as it exists; "" outside git. Path is the path of
	// Directory in the checkout, with slashes; "" at the top. Remote is the
	// source of the clone: see [NormalizeRemote].
	Repository, Path, Remote string

	// ID identifies the checkout after a move: it is the [FileID] of its git
	// directory, or outside git of Directory. It is "" if that does not exist.
	ID string

	// NoDefaultWorktree reports whether this is a worktree of a bare repository
	// whose default branch is checked out in no worktree now. The worktree that
	// had it last is still the main checkout: it may be in the middle of a
	// rebase.
	NoDefaultWorktree bool

	// Root is the base name of the checkout's top directory, the label of a
	// second clone of the project.
	Root string
	// Override is DEVPORTS_WORKTREE, the label of another scope beside the
	// directory's own. Inherited reports whether it may come from a process
	// that devports started, which also sets DEVPORTS_PROJECT: a shell may have
	// changed its directory since.
	Override  string
	Inherited bool
}

// Find returns the checkout of dir, the directory of a Portfile. project is the
// name in the Portfile, or "" for the default: if the Portfile is in the root
// of its repository, the name of the main checkout's directory, so that all
// worktrees agree; otherwise the name of dir.
//
// Find searches for .git in dir and above it, where it ignores a .git of another
// user: see [ownership], which also needs getenv. In a linked worktree .git is a
// file, which leads to git's name for the worktree; every other checkout is a
// main one, even a submodule. Among the worktrees of a bare repository, the main
// checkout is the one with the default branch, to which the repository's own
// HEAD points.
//
// The error is a *fs.PathError: dir is missing, unreadable, or not valid UTF-8.
func Find(dir, project string, getenv func(string) string) (Checkout, error) {
	dir, err := resolve(dir)
	if err != nil {
		return Checkout{}, err
	}
	if !utf8.ValidString(dir) {
		return Checkout{}, &fs.PathError{Op: "checkout", Path: dir, Err: errors.New("the path is not valid UTF-8")}
	}
	repo := findRepository(dir, getenv)
	unnamed := project == ""
	if unnamed {
		project = filepath.Base(dir)
		if repo.root == dir {
			project = repo.name
		}
	}
	c := Checkout{
		Directory: dir,
		Project:   project,
		Unnamed:   unnamed,
		Worktree:  label(repo.worktree, project),
		Root:      filepath.Base(repo.root),
		Override:  strings.ToValidUTF8(getenv(envvar.Worktree), "?"),
		Inherited: envvar.LabelInherited(getenv),
	}
	if repo.gitdir == "" {
		c.ID = FileID(dir)
		return c, nil
	}
	if below, err := filepath.Rel(repo.root, dir); err == nil && below != "." {
		c.Path = filepath.ToSlash(below)
	}
	config := repo.config()
	c.Repository, c.ID = valid(repo.common), FileID(repo.gitdir)
	c.Remote = valid(remote(config, repo.root, 0))
	if repo.worktree != "" && config.bare {
		switch repo.defaultBranch() {
		case thisWorktree:
			c.Worktree = ""
		case notCheckedOut:
			c.NoDefaultWorktree = true
		}
	}
	return c, nil
}

// valid replaces invalid UTF-8, which JSON cannot represent.
func valid(s string) string { return strings.ToValidUTF8(s, "?") }

// label returns the label of a git worktree in its project: git's name for it,
// without a leading "<project>-".
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
