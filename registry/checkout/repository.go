package checkout

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// repository is what the .git of a checkout says of it. Outside git it is the directory itself.
type repository struct {
	root     string // the checkout's own top directory
	name     string // the base name of the main checkout's directory, or of a bare repository's
	worktree string // git's name for a linked worktree; "" for a main checkout
	gitdir   string // where this checkout's HEAD is; "" outside git
	common   string // where the branches of all checkouts are
}

// IsBare reports whether dir lies in a worktree of a bare repository. That has no
// main checkout, so no pin binds in its worktrees.
func IsBare(dir string) bool {
	dir, err := resolve(dir)
	if err != nil {
		return false
	}
	repo := findRepository(dir)
	if repo.worktree == "" {
		return false
	}
	config, err := os.ReadFile(filepath.Join(repo.common, "config"))
	return err == nil && parseBare(string(config))
}

// parseBare reads core.bare of git's config, see git-config(1).
func parseBare(config string) bool {
	section := ""
	for line := range strings.Lines(strings.ToLower(config)) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			section = line
		}
		key, value, _ := strings.Cut(line, "=")
		if section == "[core]" && strings.TrimSpace(key) == "bare" {
			return strings.TrimSpace(value) == "true"
		}
	}
	return false
}

// findRepository walks up from dir, which is absolute, to a .git.
func findRepository(dir string) repository {
	for root := dir; ; root = filepath.Dir(root) {
		if repo, found := openRepository(root); found {
			return repo
		}
		if root == filepath.Dir(root) {
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
		main.gitdir, main.common = gitdir, gitdir
		return main, true
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
	if real, err := filepath.EvalSymlinks(common); err == nil {
		common = real
	}
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
