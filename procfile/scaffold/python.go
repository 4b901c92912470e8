package scaffold

import (
	"path"
	"slices"
	"strings"
)

// python takes what Django, Flask and FastAPI leave in a folder.
func (d *detector) python(dir string) {
	if d.exists(path.Join(dir, "manage.py")) {
		d.pythonServer(dir, "manage.py", d.interpreter(dir)+"python manage.py runserver")
		return
	}
	if d.requires(dir, "flask") {
		for _, file := range []string{"app.py", "wsgi.py"} { // what flask run looks for
			if d.exists(path.Join(dir, file)) {
				d.pythonServer(dir, file, d.interpreter(dir)+"flask run")
				return
			}
		}
		d.project.leaveOut(path.Join(dir, "Flask"), "there is no app.py or wsgi.py: flask run has to be told where the application is")
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
		command = "python3 " + rest // outside of an environment there may be no other
	}
	s := d.service(dir, file)
	s.Command = command
	s.adopt(PortFlag(command), s.Origin)
	d.project.add(s, names(dir, "web")...)
}

// interpreter is what to put before a Python program so that it runs in the
// project's environment.
func (d *detector) interpreter(dir string) string {
	for _, sign := range []struct{ file, prefix string }{
		{"uv.lock", "uv run "},
		{"poetry.lock", "poetry run "},
		{"pdm.lock", "pdm run "},
		{"Pipfile", "pipenv run "},
		{".venv/bin/python", ".venv/bin/"},
		{"venv/bin/python", "venv/bin/"},
	} {
		if d.exists(path.Join(dir, sign.file)) {
			return sign.prefix
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

// applicationName is the variable that a FastAPI application is in.
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
