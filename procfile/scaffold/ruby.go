package scaffold

import (
	"path"
	"strings"
)

// ruby finds Rails and Rack applications, their workers and style builds.
func ruby(t tree, dir string) (f findings) {
	gemfile := t.text(path.Join(dir, "Gemfile"))
	has := func(gem string) bool { return gemLine(gemfile, gem) }
	add := func(file, command string) {
		s := serviceIn(dir, file)
		s.Command, s.Note = command, PortFlag(command).Framework
		f.add(s, names(dir, "web")...)
	}
	worker := func(file, name, command string) {
		s := serviceIn(dir, file)
		s.Command, s.NoPort, s.Worker = command, true, true
		f.add(s, partNames(dir, name)...)
	}
	switch {
	case t.exists(path.Join(dir, "bin/rails")):
		add("bin/rails", "bin/rails server -p $PORT")
	case !t.exists(path.Join(dir, "config.ru")):
	case has("puma"):
		add("config.ru", "bundle exec puma -p $PORT")
	case strings.Contains(gemfile, "rack"):
		add("config.ru", "bundle exec rackup -p $PORT")
	default:
		add("config.ru", "rackup -p $PORT")
	}
	if t.exists(path.Join(dir, "_config.yml")) && has("jekyll") {
		s := serviceIn(dir, "_config.yml")
		s.Command, s.Note = "bundle exec jekyll serve --port $PORT", "Jekyll"
		f.add(s, names(dir, "web", "docs")...)
	}
	if len(f.candidates) == 0 {
		return f
	}
	if has("sidekiq") {
		worker("Gemfile", "worker", "bundle exec sidekiq")
	}
	// Rails enables Solid Queue in production only; in development, if this
	// says so.
	if has("solid_queue") && t.exists(path.Join(dir, "bin/jobs")) && strings.Contains(t.text(path.Join(dir, "config/environments/development.rb")), "solid_queue") {
		worker("bin/jobs", "jobs", "bin/jobs")
	}
	if has("tailwindcss-rails") {
		worker("Gemfile", "css", "bin/rails tailwindcss:watch")
	}
	return f
}

// gemLine reports whether a Gemfile lists a gem.
func gemLine(gemfile, gem string) bool {
	for line := range strings.Lines(gemfile) {
		rest, ok := strings.CutPrefix(strings.TrimSpace(line), "gem")
		rest = strings.TrimLeft(rest, " \t(")
		if ok && (strings.HasPrefix(rest, `"`+gem+`"`) || strings.HasPrefix(rest, "'"+gem+"'")) {
			return true
		}
	}
	return false
}
