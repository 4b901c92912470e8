package registry

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"

	"github.com/devports/devports/internal/wording"
)

// Head is what a checkout has checked out. Branch is "" for a detached HEAD. Both are "" outside git, and Commit also where the
// branch has none yet or its place is not one that git has used by default so far (gitrepository-layout(5)).
type Head struct{ Branch, Commit string }

// FindHead looks up the HEAD of the repository that holds dir, without running git. dir is absolute; "", the directory of the
// user-wide scope, is in none.
func FindHead(dir string) Head {
	if dir == "" {
		return Head{}
	}
	repo := findRepository(dir)
	if repo.gitdir == "" {
		return Head{}
	}
	head := readFirstLine(filepath.Join(repo.gitdir, "HEAD"))
	ref, symbolic := strings.CutPrefix(head, "ref: ")
	if !symbolic {
		return Head{Commit: head}
	}
	h := Head{Branch: strings.TrimPrefix(ref, "refs/heads/"), Commit: readFirstLine(filepath.Join(repo.common, filepath.FromSlash(ref)))}
	if h.Commit == "" {
		h.Commit = packed(repo.common, ref)
	}
	return h
}

// packed looks a ref up among those that git gc has packed.
func packed(common, ref string) string {
	content, _ := os.ReadFile(filepath.Join(common, "packed-refs"))
	for line := range bytes.Lines(content) {
		if commit, name, ok := strings.Cut(strings.TrimSpace(string(line)), " "); ok && name == ref {
			return commit
		}
	}
	return ""
}

// readFirstLine returns "" where the file cannot be read.
func readFirstLine(file string) string {
	content, _ := os.ReadFile(file)
	return strings.TrimSpace(wording.FirstLine(string(content)))
}
