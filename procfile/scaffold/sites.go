package scaffold

import "path"

// sites finds the generators of static sites that a single file identifies.
func sites(t tree, dir string) (f findings) {
	for _, site := range []struct {
		files   []string
		command string
	}{
		{[]string{"mkdocs.yml"}, "mkdocs serve -a 127.0.0.1:$PORT"},
		{[]string{"hugo.toml", "hugo.yaml"}, "hugo server --port $PORT"},
	} {
		for _, file := range site.files {
			if t.exists(path.Join(dir, file)) {
				s := serviceIn(dir, file)
				s.Command, s.Note = site.command, PortFlag(site.command).Framework
				f.add(s, names(dir, "web", "docs")...)
				break
			}
		}
	}
	return f
}
