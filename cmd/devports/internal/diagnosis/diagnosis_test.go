package diagnosis

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/devports/devports/launcher"
	"github.com/devports/devports/procfile"
)

func TestExplain(t *testing.T) {
	const manifest = `package.json={"dependencies":{"vite":"7"}}`
	const noDjango = "  import django\nModuleNotFoundError: No module named 'django.conf'\n"
	for _, test := range []struct {
		name, files, command string
		status               int
		output, want         string
	}{
		{"npm", manifest + " package-lock.json .git/", "npm run dev", 127, "", "node_modules is missing: npm ci"},
		{"another failure of node", manifest + " .git/", "node server.js", 1, "TypeError", ""},
		{"no lock", manifest + " .git/", "node server.js", 1, "Error [ERR_MODULE_NOT_FOUND]: Cannot find package 'vite'", "node_modules is missing: npm install"},
		{"pnpm", manifest + " pnpm-lock.yaml", "pnpm dev", 1, "", "node_modules is missing: pnpm install"},
		{"yarn", manifest + " yarn.lock", "yarn dev", 1, "", "node_modules is missing: yarn install"},
		{"bun", manifest + " bun.lock", "bun dev", 1, "", "node_modules is missing: bun install"},
		{"a folder", "web/" + manifest + " web/package-lock.json", "cd web && npm run dev", 127, "", "web/node_modules is missing: cd web && npm ci"},
		{"a workspace", manifest + " pnpm-lock.yaml web/" + manifest, "cd web && pnpm dev", 1, "", "node_modules is missing: pnpm install"},
		{"a workspace that is installed", manifest + " pnpm-lock.yaml node_modules/x web/" + manifest, "cd web && pnpm dev", 1, "", ""},
		{"Plug'n'Play", manifest + " yarn.lock .pnp.cjs", "yarn dev", 1, "", ""},
		{"installed", manifest + " package-lock.json node_modules/x", "npm run dev", 1, "", ""},
		{"installs itself", manifest + " package-lock.json", "npm install && npm run dev", 1, "", ""},
		{"no dependencies", "package.json={} package-lock.json", "npm run dev", 1, "", ""},
		{"another language", manifest + " package-lock.json go.mod=x", "go run .", 1, "", ""},
		{"a signal", manifest, "npm run dev", -1, "", ""},
		{"uv", "uv.lock", "python manage.py runserver", 1, noDjango, ".venv is missing: uv sync"},
		{"uv itself", "uv.lock", "uv run x", 1, "", ""},
		{"a program of the environment", "uv.lock", ".venv/bin/uvicorn app", 127, "", ".venv is missing: uv sync"},
		{"bundle", "Gemfile.lock", "bin/rails server", 7, "", "gems are missing: bundle install"},
		{"another failure of Rails", "Gemfile.lock", "bin/rails server", 1, "", ""},
		{"composer", "composer.lock", "php artisan serve", 255, "", "vendor is missing: composer install"},
		{"mix", "mix.lock", "mix phx.server", 1, "", "deps is missing: mix deps.get"},
		{"go", "go.mod=require", "go run .", 1, "", "go.sum is missing: go mod tidy"},
		{"cargo", "Cargo.toml", "target/release/api", 127, "", "target/release/api is missing: cargo build --release"},
		{"no program", "x", "no-such-program --x", 127, "", "no-such-program is not on PATH"},
		{"no path", "x", "./bin/api", 127, "", "./bin/api does not exist"},
		{"a program of a package", "node_modules/.bin/vitest", "vitest", 127, "", "vitest is not on PATH: use npx vitest"},
		{"no x bit", "bin/dev", "bin/dev", 126, "", "bin/dev is not executable: chmod +x bin/dev"},
		{"uv, another failure", "uv.lock", "python manage.py runserver", 1, "OperationalError", ""},
		{"uv, elsewhere", "uv.lock ENV=UV_PROJECT_ENVIRONMENT", "python manage.py runserver", 1, noDjango, ""},
		{"poetry", "poetry.lock .git/", "poetry run python manage.py runserver", 1, noDjango, "module django is missing: poetry install"},
		{"pipenv", "Pipfile .git/", "pipenv run python app.py", 1, noDjango, "module django is missing: pipenv install"},
		{"pip", "requirements.txt=django .git/", "python3 manage.py runserver", 1, noDjango, "module django is missing: python3 -m venv .venv && . .venv/bin/activate && pip install -r requirements.txt"},
		{"pip, environment", "requirements.txt=django .venv/bin/python .git/", "python3 manage.py runserver", 1, noDjango, "module django is missing: . .venv/bin/activate && pip install -r requirements.txt"},
		{"pip, its python", "requirements.txt=django venv/bin/python .git/", "venv/bin/python manage.py runserver", 1, noDjango, "module django is missing: . venv/bin/activate && pip install -r requirements.txt"},
		{"pip, active", "requirements.txt=django .git/ ENV=CONDA_PREFIX", "python3 manage.py runserver", 1, noDjango, "module django is missing: pip install -r requirements.txt"},
		{"pip, program", "requirements.txt=Celery>=5 .git/", "exec celery -A x worker", 127, "", "celery is not on PATH: python3 -m venv .venv && . .venv/bin/activate && pip install -r requirements.txt"},
		{"pip, another program", "requirements.txt=celeryx .git/", "celery -A x worker", 127, "", "celery is not on PATH"},
		{"pip, a folder", "api/requirements.txt=django .git/", "cd api && python3 manage.py runserver", 1, noDjango, "module django is missing: cd api && python3 -m venv .venv && . .venv/bin/activate && pip install -r requirements.txt"},
		{"a module of its own", "requirements.txt=django django/__init__.py .git/", "python3 manage.py runserver", 1, noDjango, ""},
		{"another failure of Python", "requirements.txt=django .git/", "python3 manage.py runserver", 1, "OperationalError", ""},
		{"no installer", manifest + " yarn.lock .git/ WITHOUT=yarn", "npm run dev", 127, "", "node_modules is missing, and yarn is not on PATH"},
		{"no installer, which is the program", "mix.lock .git/ WITHOUT=mix", "mix phx.server", 127, "", "mix is not on PATH"},
		{"compose", "x", "echo x | docker compose -f - up db", 125, "", "docker compose is not installed: see https://docs.docker.com/compose/install"},
		{"no daemon", "x", "docker compose up db", 1, "Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?", "Docker is not running"},
		{"a failure of compose", "x", "docker compose up db", 1, "no such service: db", ""},
		{"127 from inside", "x", "sh -c nothing", 127, "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			environ := []string{"PATH=" + filepath.Join(dir, "path")}
			programs := []string{"npm", "pnpm", "yarn", "bun", "uv", "poetry", "pipenv", "bundle", "composer", "mix", "go", "cargo", "python3", "pip", "sh", "docker"}
			for file := range strings.FieldsSeq(test.files) {
				name, contents, _ := strings.Cut(file, "=")
				switch name {
				case "ENV":
					environ = append(environ, contents+"=/somewhere")
					continue
				case "WITHOUT":
					programs = slices.DeleteFunc(programs, func(p string) bool { return p == contents })
					continue
				}
				path := filepath.Join(dir, name)
				if strings.HasSuffix(name, "/") {
					path = filepath.Join(path, "x")
				}
				if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(contents), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.Mkdir(filepath.Join(dir, "path"), 0o700); err != nil {
				t.Fatal(err)
			}
			for _, program := range programs {
				if err := os.WriteFile(filepath.Join(dir, "path", program), nil, 0o700); err != nil {
					t.Fatal(err)
				}
			}
			exit := launcher.Exit{Status: test.status}
			if test.status < 0 {
				exit = launcher.Exit{Status: 143, Signal: "TERM"}
			}
			f, err := procfile.Parse("Procfile", []byte("web: "+test.command))
			if err != nil {
				t.Fatal(err)
			}
			f.Dir = dir
			plan, err := f.Resolve(procfile.Context{Environ: environ})
			if err != nil {
				t.Fatal(err)
			}
			if got := Explain(dir, plan.Services[0], exit, func() string { return test.output }); got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}
