package checkout

import (
	"os"
	"path/filepath"
	"strings"
)

// Head is what a checkout has checked out. Branch is "" for a detached HEAD. Both
// are "" outside git, and Commit also where the branch has none yet or its place
// is not one that git has used by default so far.
type Head struct{ Branch, Commit string }

// HeadOf looks up the HEAD of the repository that holds dir. dir is absolute; "",
// which is no project's, is in none. getenv is for [ownership].
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
	// A ref that leads out of the repository is none of git's.
	if name := filepath.FromSlash(ref); filepath.IsLocal(name) {
		_, stored := parseHead(readText(filepath.Join(repo.common, name)))
		head.Commit = stored.Commit
	}
	if head.Commit == "" {
		head.Commit = parsePacked(readText(filepath.Join(repo.common, "packed-refs")), ref)
	}
	return head
}

// parseHead reads the first line of a HEAD, or of a ref: "ref: refs/heads/main",
// of which it returns the ref, or a commit.
func parseHead(content string) (ref string, head Head) {
	line, _, _ := strings.Cut(content, "\n")
	line = strings.TrimSpace(line)
	ref, symbolic := strings.CutPrefix(line, "ref: ")
	if !symbolic {
		return "", Head{Commit: line}
	}
	return ref, Head{Branch: strings.TrimPrefix(ref, "refs/heads/")}
}

// parsePacked returns the commit of a ref among those that git gc has packed, or
// "".
func parsePacked(content, ref string) string {
	for line := range strings.Lines(content) {
		if commit, name, ok := strings.Cut(strings.TrimSpace(line), " "); ok && name == ref {
			return commit
		}
	}
	return ""
}

// readText is "" where the file cannot be read.
func readText(file string) string {
	content, _ := os.ReadFile(file)
	return string(content)
}
