package system

import (
	"strings"

	"github.com/devports/devports/allocator/envvar"
	"github.com/devports/devports/allocator/process"
	"github.com/devports/devports/launcher/proctree"
)

// MarkOf returns the mark of the processes of a run.
func MarkOf(instance string) proctree.Mark {
	return proctree.Mark{Variable: envvar.Instance + "=" + instance, Run: process.RunTag(instance)}
}

// environ returns an environment with this run's mark instead of another's.
func (s *processSet) environ(env []string) []string {
	if s.mark.Variable == "" {
		return env
	}
	marked := make([]string, 0, len(env)+1)
	for _, entry := range env {
		if !strings.HasPrefix(entry, envvar.Instance+"=") && !strings.HasPrefix(entry, envvar.Outside+"=") {
			marked = append(marked, entry)
		}
	}
	return append(marked, s.mark.Variable)
}
