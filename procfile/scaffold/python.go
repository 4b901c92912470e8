package scaffold

import (
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// python finds Django, Flask, FastAPI and Streamlit applications, and their
// Celery workers.
func python(t tree, dir string) (f findings) {
	server := func(file, command string) {
		s := serviceIn(dir, file)
		s.Command = t.python(dir, command)
		s.adopt(PortFlag(s.Command), s.Origin)
		f.add(s, names(dir, "web")...)
	}
	switch {
	case t.exists(path.Join(dir, "manage.py")):
		server("manage.py", "python manage.py runserver")
	case flask(t, dir, server, &f) || fastAPI(t, dir, server):
	case t.requires(dir, "streamlit"):
		for _, file := range append([]string{"streamlit_app.py", "app.py", "main.py", "Home.py"}, t.files(dir, "*.py")...) {
			if strings.Contains(t.text(path.Join(dir, file)), "import streamlit") {
				server(file, "streamlit run "+quoteSh(file))
				break
			}
		}
	}
	celery(t, dir, &f)
	return f
}

// flask finds a Flask application: where flask run looks, or in a module that
// creates one.
func flask(t tree, dir string, server func(file, command string), f *findings) bool {
	if !t.requires(dir, "flask") {
		return false
	}
	if strings.Contains(t.text(path.Join(dir, ".flaskenv"))+t.text(path.Join(dir, ".env")), "FLASK_APP=") {
		server(".flaskenv", "flask run")
		return true
	}
	for _, file := range []string{"app.py", "wsgi.py"} { // the defaults of flask run
		if t.exists(path.Join(dir, file)) {
			server(file, "flask run")
			return true
		}
	}
	for _, file := range t.files(dir, "*.py") {
		module := strings.TrimSuffix(file, ".py")
		if text := t.text(path.Join(dir, file)); strings.Contains(text, "Flask(__name__") || strings.Contains(text, "app = create_app(") {
			server(file, "flask --app "+quoteSh(module)+" run")
			return true
		}
	}
	f.leaveOut(path.Join(dir, "Flask"), "no app.py or wsgi.py found: flask run needs FLASK_APP or --app")
	return false
}

// fastAPI finds the module of a FastAPI application.
func fastAPI(t tree, dir string, server func(file, command string)) bool {
	if !t.requires(dir, "fastapi") {
		return false
	}
	files := []string{"main.py", "app.py", "app/main.py", "api.py", "src/main.py"}
	for _, below := range t.subdirectories(dir) {
		files = append(files, path.Join(strings.TrimPrefix(strings.TrimPrefix(below, dir), "/"), "main.py"))
	}
	for _, file := range files {
		text := t.text(path.Join(dir, file))
		if !strings.Contains(text, "FastAPI(") {
			continue
		}
		module, option := strings.ReplaceAll(strings.TrimSuffix(file, ".py"), "/", "."), ""
		if file == "src/main.py" {
			module, option = "main", " --app-dir src"
		}
		server(file, "uvicorn "+quoteSh(module+":"+applicationName(text))+option+" --reload")
		return true
	}
	return false
}

// celeryApp matches the creation of a Celery application.
var celeryApp = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?m)^(\w+)\s*(?::[^=\n]*)?=\s*(?:celery\.)?Celery\(`)
})

// celery finds a Celery application: proj/celery.py, or a module that creates
// one.
func celery(t tree, dir string, f *findings) {
	add := func(file, app, text string) {
		s := serviceIn(dir, file)
		s.Command, s.NoPort, s.Worker = t.python(dir, "celery -A "+app+" worker --loglevel=INFO"), true, true
		f.add(s, partNames(dir, "worker")...)
		if strings.Contains(text, "beat_schedule") || strings.Contains(text, "BEAT_SCHEDULE") || t.requires(dir, "django-celery-beat") {
			s.Command = t.python(dir, "celery -A "+app+" beat --loglevel=INFO")
			f.add(s, partNames(dir, "beat")...)
		}
	}
	for _, below := range t.subdirectories(dir) {
		file := path.Join(below, "celery.py")
		if text := t.text(file); strings.Contains(text, "Celery(") {
			module := strings.TrimPrefix(strings.TrimPrefix(below, dir), "/")
			if module = strings.ReplaceAll(module, "/", "."); quoteSh(module) == module {
				add(strings.TrimPrefix(strings.TrimPrefix(file, dir), "/"), module, text)
				return
			}
		}
	}
	for _, file := range t.files(dir, "*.py") {
		text := t.text(path.Join(dir, file))
		m := celeryApp().FindStringSubmatch(text)
		module := strings.TrimSuffix(file, ".py")
		if m == nil || quoteSh(module) != module || file == "celery.py" { // the latter is of a package
			continue
		}
		if m[1] != "app" && m[1] != "celery" { // what celery looks for by itself
			module += "." + m[1]
		}
		add(file, module, text)
		return
	}
}

// python returns a command in the project's environment.
func (t tree) python(dir, command string) string {
	prefix := t.interpreter(dir)
	if rest, ok := strings.CutPrefix(command, "python "); ok && prefix == "" {
		return "python3 " + rest // outside an environment, python may not exist
	}
	return prefix + command
}

// interpreter returns the prefix that runs a Python program in the project's
// environment: that of its directory, or else the nearest one above. A member
// of a uv workspace uses that of the root; Poetry, PDM and Pipenv find theirs
// above unless the directory is a project of its own.
func (t tree) interpreter(dir string) string {
	up, own := "", false
	for _, at := range upward(dir) {
		for _, environment := range []struct {
			file, prefix string
			above        bool // also above a project of its own
		}{
			{"uv.lock", "uv run ", true},
			{"poetry.lock", "poetry run ", false},
			{"pdm.lock", "pdm run ", false},
			{"Pipfile", "pipenv run ", false},
			{".venv/bin/python", up + ".venv/bin/", true},
			{"venv/bin/python", up + "venv/bin/", true},
		} {
			if t.exists(path.Join(at, environment.file)) && (environment.above || !own) {
				return environment.prefix
			}
		}
		up, own = "../"+up, own || t.exists(path.Join(at, "pyproject.toml"))
	}
	return ""
}

// requires reports whether a Python project depends on a distribution.
func (t tree) requires(dir, distribution string) bool {
	for _, file := range []string{"requirements.txt", "requirements-dev.txt", "requirements/base.txt", "requirements/dev.txt", "requirements/local.txt", "requirements.in", "pyproject.toml", "Pipfile", "setup.cfg", "setup.py"} {
		for line := range strings.Lines(strings.ToLower(t.text(path.Join(dir, file)))) {
			line, _, _ = strings.Cut(line, "#")
			if slices.Contains(strings.FieldsFunc(line, func(r rune) bool { return r >= 0x80 || !isNameByte(byte(r)) && r != '-' && r != '.' }), distribution) {
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
