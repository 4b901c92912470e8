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

// repository describes a checkout by its .git. Outside git it is the directory.
type repository struct {
	root     string // the checkout's own top directory
	name     string // the base name of the main checkout's directory, or of a bare repository's
	worktree string // git's name for a linked worktree; "" for a main checkout
	gitdir   string // where this checkout's HEAD is; "" outside git
	common   string // where the branches of all worktrees are
}

// config returns the configuration of the repository. Git moves core.bare to
// another file when worktrees have their own settings.
func (r repository) config() config {
	c := parseConfig(readText(filepath.Join(r.common, "config")))
	return c.with(parseConfig(readText(filepath.Join(r.common, "config.worktree"))))
}

// branchLocation is where a branch is checked out.
type branchLocation int

const (
	notCheckedOut branchLocation = iota
	thisWorktree
	otherWorktree
)

// defaultBranch finds the worktree of a bare repository that has the branch of
// the repository's own HEAD checked out.
func (r repository) defaultBranch() branchLocation {
	head := func(gitdir string) string {
		ref, _ := parseHead(readText(filepath.Join(gitdir, "HEAD")))
		return ref
	}
	branch := head(r.common)
	if branch == "" || branch == "refs/heads/.invalid" { // a repository with reftables
		return notCheckedOut
	}
	if head(r.gitdir) == branch {
		return thisWorktree
	}
	worktrees, _ := os.ReadDir(filepath.Join(r.common, "worktrees"))
	for _, w := range worktrees {
		if head(filepath.Join(r.common, "worktrees", w.Name())) == branch {
			return otherWorktree
		}
	}
	return notCheckedOut
}

// findRepository walks up from dir, an absolute path, to a .git. Above dir, only
// one that [ownership] trusts counts, as with Portfiles: another user's .git does
// not decide which directories are one project.
func findRepository(dir string, getenv func(string) string) repository {
	trust := ownership.NewTrust(dir, getenv)
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

// openRepository reads root/.git, if it exists: the git directory, or a file
// that points to it.
func openRepository(root string) (repository, bool) {
	dot := filepath.Join(root, ".git")
	main := repository{root: root, name: filepath.Base(root), gitdir: dot, common: dot}
	info, err := os.Stat(dot)
	if err != nil {
		return repository{}, false
	}
	if info.IsDir() {
		_, err := os.Lstat(filepath.Join(dot, "HEAD")) // like git, ignore a .git without HEAD
		return main, err == nil
	}
	gitdir, found := readLink(dot, "gitdir: ")
	if !found {
		return repository{}, false
	}
	// Only the git directory of a linked worktree has a commondir. The git
	// directory of a submodule, or of git init --separate-git-dir, belongs to
	// this checkout alone.
	common, found := readLink(filepath.Join(gitdir, "commondir"), "")
	if !found {
		// The main checkout has moved without git worktree repair: the path
		// still contains the name of the worktree.
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

// repositoryName returns the name of the project whose git directory is common:
// shop for /x/shop/.git, for a bare /x/shop.git, and for /x/shop/.bare with the
// worktrees beside it.
func repositoryName(common string) string {
	name := filepath.Base(common)
	if strings.HasPrefix(name, ".") {
		return filepath.Base(filepath.Dir(common))
	}
	return strings.TrimSuffix(name, ".git")
}

// readLink reads a file of git that contains one path after a prefix.
func readLink(file, prefix string) (path string, found bool) {
	content, err := os.ReadFile(file)
	if err != nil {
		return "", false
	}
	return parseLink(string(content), prefix, filepath.Dir(file))
}

// parseLink returns the path after prefix as an absolute path. It may be
// relative to dir, the directory of its file.
func parseLink(content, prefix, dir string) (path string, found bool) {
	path, found = strings.CutPrefix(strings.TrimRight(content, "\r\n"), prefix)
	if !found || path == "" {
		return "", false
	}
	path = filepath.FromSlash(path)
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	return filepath.Clean(path), true
}

// missing reports whether an error means that a path does not exist.
func missing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}
