package scaffold

import (
	"path"
	"regexp"
	"strings"
	"sync"
)

// phoenix finds Phoenix and other Elixir applications.
func phoenix(t tree, dir string) (f findings) {
	mix := t.text(path.Join(dir, "mix.exs"))
	if mix == "" {
		return f
	}
	if !strings.Contains(mix, ":phoenix,") {
		f.leaveOut(path.Join(dir, "mix.exs"), "it does not use Phoenix: init does not know what starts it")
		return f
	}
	s := serviceIn(dir, "mix.exs")
	s.Command, s.Note = "mix phx.server", "Phoenix"
	config := t.text(path.Join(dir, "config/dev.exs"))
	if !strings.Contains(config+t.text(path.Join(dir, "config/runtime.exs"))+t.text(path.Join(dir, "config/config.exs")), `"PORT"`) || fixedEndpoint().MatchString(config) {
		s.Remarks = append(s.Remarks, `config/dev.exs does not read PORT: write port: String.to_integer(System.get_env("PORT") || "4000") there.`)
		s.Ready = "none"
	}
	f.add(s, names(dir, "web")...)
	return f
}

// fixedEndpoint matches the endpoint's port as a number.
var fixedEndpoint = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`http:\s*\[[^\]]*port:\s*\d+`)
})
