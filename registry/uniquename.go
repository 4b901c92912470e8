package registry

import (
	"fmt"
	"hash/fnv"
	"strings"
)

// maxName is how long a label of a host name may be (RFC 1035).
const maxName = 63

// Name is what the scope is called wherever a name has to be unique on this machine: in addresses, for containers, volumes and
// databases. It has lower-case letters, digits and single hyphens, at most 63. No two living directories have the same: the registry
// gives their labels numbers where they would. It is "" for the user-wide scope.
func (s Scope) Name() string {
	if s.UserWide() {
		return ""
	}
	return uniqueName(s.Project, s.Worktree)
}

// uniqueName makes a name of labels. A hash stands for what it cannot hold. "devports" is the name of devports itself.
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

// shortHash is six hexadecimal digits.
func shortHash(text string) string {
	h := fnv.New32a()
	h.Write([]byte(text))
	return fmt.Sprintf("%06x", h.Sum32()>>8)
}
