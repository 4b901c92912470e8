package registry

import (
	"fmt"
	"hash/fnv"
	"strings"
)

// maxName is the maximum length of a label of a host name (RFC 1035).
const maxName = 63

// Name returns the scope's unique name on this machine, for addresses,
// containers, volumes and databases. It consists of at most 63 lower-case
// letters, digits and single hyphens. No two existing directories have the same
// name: the registry adds numbers to their labels if necessary. It is "" for
// the user-wide scope.
func (s Scope) Name() string {
	if s.UserWide() {
		return ""
	}
	return uniqueName(s.Project, s.Worktree)
}

// Slug is [Scope.Name] with underscores instead of hyphens, for names of
// databases and the like. It is unique, too.
func (s Scope) Slug() string { return strings.ReplaceAll(s.Name(), "-", "_") }

// uniqueName makes a name from labels. A hash replaces other characters and
// excess length. "devports" is reserved for devports itself.
func uniqueName(project, worktree string) string {
	text := project
	if worktree != "" {
		text += "-" + worktree
	}
	var b strings.Builder
	lossy, hyphen := false, false
	for _, r := range strings.ToLower(text) {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			if hyphen && b.Len() > 0 {
				b.WriteByte('-')
			}
			b.WriteRune(r)
			hyphen = false
			continue
		}
		hyphen = true
		lossy = lossy || r > 0x7f
	}
	name := b.String()
	switch {
	case name == "devports":
		return "devports-project"
	case name == "":
		return "project-" + shortHash(text)
	case lossy || len(name) > maxName:
		name = strings.TrimSuffix(name[:min(len(name), maxName-7)], "-")
		return name + "-" + shortHash(text)
	}
	return name
}

// shortHash returns six hexadecimal digits.
func shortHash(text string) string {
	h := fnv.New32a()
	h.Write([]byte(text))
	return fmt.Sprintf("%06x", h.Sum32()>>8)
}
