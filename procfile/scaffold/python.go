package scaffold

import (
	"path"
	"slices"
	"strings"
)

// python adds Django, Flask and FastAPI applications.
func (d *detector) python(dir string) {
	if d.exists(path.Join(dir, "manage.py")) {
		d.pythonServer(dir, "manage.py", d.interpreter(dir)+"python manage.py runserver")
		return
	}
	if d.requires(dir, "flask") {
		for _, file := range []string{"app.py", "wsgi.py"} { // the defaults of flask run
			if d.exists(path.Join(dir, file)) {
				d.pythonServer(dir, file, d.interpreter(dir)+"flask run")
				return
			}
		}
		d.project.leaveOut(path.Join(dir, "Flask"), "no app.py or wsgi.py found: flask run needs FLASK_APP or --app")
	}
	if d.requires(dir, "fastapi") {
		for _, module := range []string{"main", "app", "app.main", "api"} {
			file := strings.ReplaceAll(module, ".", "/") + ".py"
			if src, ok := d.read(path.Join(dir, file)); ok && strings.Contains(string(src), "FastAPI(") {
				d.pythonServer(dir, file, d.interpreter(dir)+"uvicorn "+module+":"+applicationName(string(src))+" --reload")
				return
			}
		}
	}
}

func (d *detector) pythonServer(dir, file, command string) {
	if rest, ok := strings.CutPrefix(command, "python "); ok {
		command = "python3 " + rest // outside an environment, python may not exist
	}
	s := d.service(dir, file)
	s.Command = command
	s.adopt(PortFlag(command), s.Origin)
	d.project.add(s, names(dir, "web")...)
}

// interpreter returns the prefix that runs a Python program in the project's
// environment.
func (d *detector) interpreter(dir string) string {
	for _, environment := range []struct{ file, prefix string }{
		{"uv.lock", "uv run "},
		{"poetry.lock", "poetry run "},
		{"pdm.lock", "pdm run "},
		{"Pipfile", "pipenv run "},
		{".venv/bin/python", ".venv/bin/"},
		{"venv/bin/python", "venv/bin/"},
	} {
		if d.exists(path.Join(dir, environment.file)) {
			return environment.prefix
		}
	}
	return ""
}

// requires reports whether a Python project depends on a distribution.
func (d *detector) requires(dir, distribution string) bool {
	for _, file := range []string{"requirements.txt", "requirements-dev.txt", "requirements/base.txt", "requirements/dev.txt", "requirements.in", "pyproject.toml", "Pipfile", "setup.cfg", "setup.py"} {
		src, _ := d.read(path.Join(dir, file))
		for line := range strings.Lines(strings.ToLower(string(src))) {
			line, _, _ = strings.Cut(line, "#")
			if slices.Contains(strings.FieldsFunc(line, func(r rune) bool { return !isNameByte(byte(r)) && r != '-' && r != '.' }), distribution) {
				return true
			}
		}
	}
	return false
}

// applicationName returns the variable that holds the FastAPI application.
func applicationName(src string) string {
	for line := range strings.Lines(src) {
		if name, value, ok := strings.Cut(line, "="); ok && strings.HasPrefix(strings.TrimSpace(value), "FastAPI(") {
			name, _, _ = strings.Cut(name, ":")
			if name = strings.TrimSpace(name); name != "" && serviceName(name) == name {
				return name
			}
		}
	}
	return "app"
}
