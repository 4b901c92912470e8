package scaffold

import (
	"path"
	"strings"
)

// mark is a file that identifies a framework, and the command that serves it.
type mark struct {
	file    string
	needs   string // a string that the Gemfile must contain
	command string
}

// marksOf are the marks in groups; only the first match in a group counts.
var marksOf = [][]mark{
	{
		{file: "bin/rails", command: "bin/rails server -p $PORT"},
		{file: "config.ru", needs: "puma", command: "bundle exec puma -p $PORT"},
		{file: "config.ru", needs: "rack", command: "bundle exec rackup -p $PORT"},
		{file: "config.ru", command: "rackup -p $PORT"},
		{file: "_config.yml", needs: "jekyll", command: "bundle exec jekyll serve --port $PORT"},
	},
	{{file: "artisan", command: "php artisan serve --port $PORT"}},
	{{file: "mkdocs.yml", command: "mkdocs serve -a 127.0.0.1:$PORT"}},
	{{file: "hugo.toml", command: "hugo server --port $PORT"}, {file: "hugo.yaml", command: "hugo server --port $PORT"}},
}

// marks adds the frameworks that a single file identifies.
func (d *detector) marks(dir string) {
	gemfile, _ := d.read(path.Join(dir, "Gemfile"))
	for _, group := range marksOf {
		for _, m := range group {
			if !d.exists(path.Join(dir, m.file)) || !strings.Contains(string(gemfile), m.needs) {
				continue
			}
			s := d.service(dir, m.file)
			s.Command = m.command
			s.Note = PortFlag(m.command).Framework
			d.project.add(s, names(dir, "web", "docs")...)
			break
		}
	}
}
