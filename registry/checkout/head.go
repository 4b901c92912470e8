package checkout

import (
	"os"
	"path/filepath"
	"strings"
)

// Head is the branch and commit of a checkout. Branch is "" for a detached
// HEAD. Both are "" outside git. Commit is also "" if the branch has no commit
// yet, or if the repository does not use git's default ref storage.
type Head struct{ Branch, Commit string }

// HeadOf returns the HEAD of the repository that contains dir, an absolute
// path. "" is in no repository. [ownership] needs getenv.
func HeadOf(dir string, getenv func(string) string) Head {
	if dir == "" {
		return Head{}
	}
	repo := findRepository(dir, getenv)
	if repo.gitdir == "" {
		return Head{}
	}
	ref, head := parseHead(readText(filepath.Join(repo.gitdir, "HEAD")))
	if ref == "" {
		return head
	}
	// Ignore a ref that leads out of the repository.
	if name := filepath.FromSlash(ref); filepath.IsLocal(name) {
		_, stored := parseHead(readText(filepath.Join(repo.common, name)))
		head.Commit = stored.Commit
	}
	if head.Commit == "" {
		head.Commit = parsePacked(readText(filepath.Join(repo.common, "packed-refs")), ref)
	}
	return head
}

// parseHead parses the first line of HEAD or of a ref: a ref as in
// "ref: refs/heads/main", or a commit.
func parseHead(content string) (ref string, head Head) {
	line, _, _ := strings.Cut(content, "\n")
	line = strings.TrimSpace(line)
	ref, symbolic := strings.CutPrefix(line, "ref: ")
	if !symbolic {
		return "", Head{Commit: line}
	}
	return ref, Head{Branch: strings.TrimPrefix(ref, "refs/heads/")}
}

// parsePacked returns the commit of a ref in packed-refs, or "".
func parsePacked(content, ref string) string {
	for line := range strings.Lines(content) {
		if commit, name, ok := strings.Cut(strings.TrimSpace(line), " "); ok && name == ref {
			return commit
		}
	}
	return ""
}

// readText returns the content of a file, or "" if it cannot be read.
func readText(file string) string {
	content, _ := os.ReadFile(file)
	return string(content)
}
