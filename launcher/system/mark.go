package system

import (
	"slices"
	"strings"

	"github.com/devports/devports/allocator/envvar"
	"github.com/devports/devports/allocator/process"
	"github.com/devports/devports/launcher/proctree"
)

// MarkOf returns the mark of the processes of a run.
func MarkOf(instance string) proctree.Mark {
	return proctree.Mark{Variable: envvar.Instance + "=" + instance, Run: process.RunTag(instance)}
}

// environ returns an environment with this run's mark instead of another's. It
// overwrites env.
func (s *processSet) environ(env []string) []string {
	if s.mark.Variable == "" {
		return env
	}
	env = slices.DeleteFunc(env, func(entry string) bool {
		return strings.HasPrefix(entry, envvar.Instance+"=") || strings.HasPrefix(entry, envvar.Outside+"=")
	})
	return append(env, s.mark.Variable)
}
