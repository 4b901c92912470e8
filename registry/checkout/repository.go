package checkout

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/devports/devports/allocator/ownership"
)

// repository is what the .git of a checkout says of it. Outside git it is the directory itself.
type repository struct {
	root     string // the checkout's own top directory
	name     string // the base name of the main checkout's directory, or of a bare repository's
	worktree string // git's name for a linked worktree; "" for a main checkout
	gitdir   string // where this checkout's HEAD is; "" outside git
	common   string // where the branches of all checkouts are
}

// config is what the configuration of the repository says. Git moves core.bare to
// a file of its own once worktrees have settings of theirs.
func (r repository) config() config {
	c := parseConfig(readText(filepath.Join(r.common, "config")))
	return c.with(parseConfig(readText(filepath.Join(r.common, "config.worktree"))))
}

// whereabouts says which worktree has a branch checked out.
type whereabouts int

const (
	nowhere whereabouts = iota
	here
	elsewhere
)

// defaultBranch finds the worktree of a bare repository that has checked out the
// branch which the repository's own HEAD names.
func (r repository) defaultBranch() whereabouts {
	head := func(gitdir string) string {
		ref, _ := parseHead(readText(filepath.Join(gitdir, "HEAD")))
		return ref
	}
	branch := head(r.common)
	if branch == "" || branch == "refs/heads/.invalid" { // what a reftable has in place of it
		return nowhere
	}
	if head(r.gitdir) == branch {
		return here
	}
	worktrees, _ := os.ReadDir(filepath.Join(r.common, "worktrees"))
	for _, w := range worktrees {
		if head(filepath.Join(r.common, "worktrees", w.Name())) == branch {
			return elsewhere
		}
	}
	return nowhere
}

// findRepository walks up from dir, which is absolute, to a .git. Above dir one
// counts that [ownership] takes, as with Portfiles: a stranger's does not decide
// what is one project.
func findRepository(dir string, getenv func(string) string) repository {
	trust := ownership.From(dir, getenv)
	for root := dir; ; root = filepath.Dir(root) {
		if root == dir || trust.File(filepath.Join(root, ".git")) == nil {
			if repo, found := openRepository(root); found {
				return repo
			}
		}
		if root == filepath.Dir(root) || root != dir && trust.Closed(root) {
			return repository{root: dir, name: filepath.Base(dir)}
		}
	}
}

// openRepository reads root/.git, if it is there: the git directory itself, or a
// file that says where that is.
func openRepository(root string) (repository, bool) {
	dot := filepath.Join(root, ".git")
	main := repository{root: root, name: filepath.Base(root), gitdir: dot, common: dot}
	info, err := os.Stat(dot)
	if err != nil {
		return repository{}, false
	}
	if info.IsDir() {
		_, err := os.Lstat(filepath.Join(dot, "HEAD")) // git, too, passes by a .git that is none
		return main, err == nil
	}
	gitdir, found := readLink(dot, "gitdir: ")
	if !found {
		return repository{}, false
	}
	// Only the git directory of a linked worktree has a commondir. That of a
	// submodule, and one set apart by git init --separate-git-dir, belongs to this
	// very checkout.
	common, found := readLink(filepath.Join(gitdir, "commondir"), "")
	if !found {
		// The main checkout has moved without git worktree repair: the path still
		// shows which worktree this is.
		if list := filepath.Dir(gitdir); filepath.Base(list) == "worktrees" {
			common, found = filepath.Dir(list), true
		}
	}
	if !found {
		if real, err := filepath.EvalSymlinks(gitdir); err == nil {
			gitdir = real
		}
		main.gitdir, main.common = gitdir, gitdir
		return main, true
	}
	if real, err := filepath.EvalSymlinks(common); err == nil {
		common = real
	}
	return repository{
		root: root, name: repositoryName(common), worktree: filepath.Base(gitdir),
		gitdir: gitdir, common: common,
	}, true
}

// repositoryName is the name of the project whose git directory is common: shop
// for /x/shop/.git, bare or not, for a bare /x/shop.git, and for /x/shop/.bare
// with the worktrees beside it.
func repositoryName(common string) string {
	name := filepath.Base(common)
	if strings.HasPrefix(name, ".") {
		return filepath.Base(filepath.Dir(common))
	}
	return strings.TrimSuffix(name, ".git")
}

// readLink reads a file that holds one path after a prefix, as git writes them.
func readLink(file, prefix string) (path string, found bool) {
	content, err := os.ReadFile(file)
	if err != nil {
		return "", false
	}
	return parseLink(string(content), prefix, filepath.Dir(file))
}

// parseLink makes the path absolute that follows prefix, which may be relative to
// the folder of its file.
func parseLink(content, prefix, folder string) (path string, found bool) {
	path, found = strings.CutPrefix(strings.TrimRight(content, "\r\n"), prefix)
	if !found || path == "" {
		return "", false
	}
	path = filepath.FromSlash(path)
	if !filepath.IsAbs(path) {
		path = filepath.Join(folder, path)
	}
	return filepath.Clean(path), true
}

// missing reports whether an error says that a path is not there.
func missing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}
