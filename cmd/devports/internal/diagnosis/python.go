package diagnosis

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/devports/devports/procfile"
	"github.com/devports/devports/procfile/shell"
)

// pythonLocks are files that list what a Python project depends on, except
// requirements.txt, which needs an environment.
var pythonLocks = []lock{
	{"uv.lock", "uv sync"},
	{"poetry.lock", "poetry install"},
	{"pdm.lock", "pdm install"},
	{"Pipfile.lock", "pipenv install"},
	{"Pipfile", "pipenv install"},
}

var (
	pythonPrograms = []string{
		"python", "python3", "uvicorn", "gunicorn", "hypercorn", "flask", "django-admin", "celery", "fastapi", "streamlit",
		"manage.py", "pytest",
	}
	noModule = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`ModuleNotFoundError: No module named '(\w+)`) })
)

// python finds what a Python process that has failed lacks: a module that its
// output names, or a program that the project's requirements list. Nothing else
// shows whether its dependencies are installed, and where.
func python(base string, p procfile.Process, programs []shell.Program, status int, output func() string) Missing {
	for _, program := range programs {
		dir := in(p.Dir, program.Dir)
		if status == 127 && !found(p, program) {
			if m := noEnvironment(base, p, []shell.Program{program}); m != (Missing{}) {
				return m
			}
			if directory := pythonDirectory(dir); directory != "" && lists(directory, program.Name) {
				return Missing{program.Name + " is not on PATH", pythonInstall(base, directory, p)}.installable(p, programs)
			}
		}
	}
	module := noModule().FindStringSubmatch(output())
	if module == nil || len(programs) == 0 {
		return Missing{}
	}
	if m := noEnvironment(base, p, programs); m != (Missing{}) {
		return m
	}
	dir := in(p.Dir, programs[0].Dir)
	directory := pythonDirectory(dir)
	if directory == "" || exists(filepath.Join(dir, module[1])) || exists(filepath.Join(dir, module[1]+".py")) {
		return Missing{}
	}
	if _, elsewhere := p.Env.Lookup("UV_PROJECT_ENVIRONMENT"); elsewhere {
		return Missing{}
	}
	return Missing{"module " + module[1] + " is missing", pythonInstall(base, directory, p)}.installable(p, programs)
}

// noEnvironment finds a project of uv whose environment is not there.
func noEnvironment(base string, p procfile.Process, programs []shell.Program) Missing {
	for _, name := range []string{"VIRTUAL_ENV", "CONDA_PREFIX", "UV_PROJECT_ENVIRONMENT"} {
		if _, active := p.Env.Lookup(name); active {
			return Missing{}
		}
	}
	for _, program := range programs {
		if !slices.Contains(pythonPrograms, path.Base(program.Name)) && !strings.HasPrefix(strings.TrimPrefix(program.Name, "./"), ".venv/") {
			continue
		}
		directory := pythonDirectory(in(p.Dir, program.Dir))
		if directory == "" || !exists(filepath.Join(directory, "uv.lock")) || isFilled(filepath.Join(directory, ".venv")) {
			continue
		}
		missing := Missing{relative(base, filepath.Join(directory, ".venv")) + " is missing", inDirectory(base, directory, "uv sync")}
		return missing.installable(p, programs)
	}
	return Missing{}
}

// pythonDirectory is the directory that lists what a Python program in dir
// depends on: dir, or one above it in the repository; "" for none.
func pythonDirectory(dir string) string {
	for directory := dir; ; directory = filepath.Dir(directory) {
		listed := func(l lock) bool { return exists(filepath.Join(directory, l.file)) }
		if slices.ContainsFunc(pythonLocks, listed) || listed(lock{file: "requirements.txt"}) {
			return directory
		}
		if exists(filepath.Join(directory, ".git")) || directory == filepath.Dir(directory) {
			return ""
		}
	}
}

// pythonInstall is the command that installs the dependencies of a directory.
func pythonInstall(base, directory string, p procfile.Process) string {
	if i := slices.IndexFunc(pythonLocks, func(l lock) bool { return exists(filepath.Join(directory, l.file)) }); i >= 0 {
		return inDirectory(base, directory, pythonLocks[i].install)
	}
	install := "pip install -r requirements.txt"
	for _, name := range []string{"VIRTUAL_ENV", "CONDA_PREFIX"} {
		if _, active := p.Env.Lookup(name); active {
			return inDirectory(base, directory, install)
		}
	}
	for _, environment := range []string{".venv", "venv"} {
		if exists(filepath.Join(directory, environment)) {
			return inDirectory(base, directory, ". "+environment+"/bin/activate && "+install)
		}
	}
	return inDirectory(base, directory, "python3 -m venv .venv && . .venv/bin/activate && "+install)
}

// lists reports whether the requirements of a directory name a program's package.
func lists(directory, program string) bool {
	src, err := os.ReadFile(filepath.Join(directory, "requirements.txt"))
	return err == nil && regexp.MustCompile(`(?im)^`+regexp.QuoteMeta(program)+`\s*($|[^\w\s-])`).Match(src)
}
