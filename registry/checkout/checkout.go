// Package checkout says what checkout of which project a folder is, and what git
// has checked out there, without running git: it reads a few small files. See
// gitrepository-layout(5). Of git's configuration it reads the repository's own
// file alone: what that includes, and the user's (url.*.insteadOf), do not count.
package checkout

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/devports/devports/allocator/envvar"
)

// Checkout is what the file system and the environment alone say of a project's
// directory. The zero Checkout stands for no project: names that are the user's.
type Checkout struct {
	Directory string // of the Portfile: absolute, symlinks resolved
	Project   string
	Unnamed   bool   // the Portfile names no project: it is called after a folder
	Worktree  string // git's own name for the worktree, less a leading project name; "" in a main checkout

	// Repository is the git directory that all worktrees have in common, with
	// symlinks resolved as far as it is there; "" outside git. Path leads from the
	// top of the checkout to Directory, with slashes; "" at the top. Remote is
	// where the repository was cloned from: see [NormalizeRemote].
	Repository, Path, Remote string

	// ID identifies the checkout wherever it is moved: it is the [FileID] of its
	// git directory, outside git of Directory. It is "" where that is not there.
	ID string

	// Vacant is whether this is a worktree of a bare repository whose default
	// branch no worktree has checked out now. The one that had it last is still the
	// main checkout: it may be in the middle of a rebase.
	Vacant bool

	// Root is the base name of the checkout's top directory, by which a second clone
	// of the project differs from the first.
	Root string
	// Override is DEVPORTS_WORKTREE, another label for a scope beside the
	// directory's own. Inherited is whether it may come from a process that
	// devports started, which sets it together with DEVPORTS_PROJECT: a shell may
	// have gone elsewhere since.
	Override  string
	Inherited bool
}

// Find looks at dir, the folder of a Portfile. project is the Portfile's own name
// for it. "" takes the default: the name of the main checkout's directory, if the
// Portfile lies at the root of its repository, so that all worktrees agree; else
// the name of dir.
//
// The repository is found by its .git, in dir or above it, where another user's
// does not count: see [ownership]; getenv is for that, too. In a linked worktree that is a file, and
// leads to git's name for the worktree; every other checkout is a main one, a
// submodule included. Of the worktrees of a bare repository, the one with the
// default branch, which the repository's own HEAD names, is the main checkout.
//
// Errors are *fs.PathError: dir is missing, unreadable, or not valid UTF-8.
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
		case here:
			c.Worktree = ""
		case nowhere:
			c.Vacant = true
		}
	}
	return c, nil
}

// valid makes a string one that JSON can hold.
func valid(s string) string { return strings.ToValidUTF8(s, "?") }

// label is what a git worktree is called within its project: git's name for it,
// less a leading "<project>-".
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
