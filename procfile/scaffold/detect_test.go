package scaffold

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/devports/devports/procfile"
)

// valid checks that a project's Portfile passes devports check in a directory
// with the project's subdirectories.
func valid(t *testing.T, dir string, p Project) {
	t.Helper()
	for _, s := range p.Services {
		if err := os.MkdirAll(filepath.Join(dir, filepath.FromSlash(s.Dir)), 0o755); err != nil {
			t.Skip(err)
		}
	}
	f, err := procfile.Parse("Portfile", p.Portfile())
	if f.Dir = dir; err == nil {
		_, err = f.Resolve(procfile.Context{Project: "p"})
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, p.Portfile())
	}
	if want := max(len(p.Services), 1) + len(p.Steps); len(f.Services) != want {
		t.Fatalf("%d services, want %d:\n%s", len(f.Services), want, p.Portfile())
	}
	f = f.WithoutSteps()
	for i, s := range p.Services {
		if f.Services[i].Command.Shell != s.Command {
			t.Fatalf("the command %q is read as %q", s.Command, f.Services[i].Command.Shell)
		}
		if f.Services[i].Build.Shell != s.Build {
			t.Fatalf("the build %q is read as %q", s.Build, f.Services[i].Build.Shell)
		}
	}
}

func filesystem(files map[string]string) fs.FS {
	fsys := fstest.MapFS{}
	for name, content := range files {
		if fs.ValidPath(name) {
			fsys[name] = &fstest.MapFile{Data: []byte(content), Mode: 0o644}
		}
	}
	return fsys
}

func (s Service) summary() string {
	command := s.Command
	if s.Compose != "" {
		command = "compose " + s.Compose
		if s.ComposeFile != "" {
			command += " of " + s.ComposeFile
		}
		if s.ContainerPort != 0 {
			command += fmt.Sprintf(" port %d", s.ContainerPort)
		}
	}
	text := fmt.Sprintf("%s[%s] %s", s.Name, s.Dir, command)
	if s.Build != "" {
		text += " (" + s.Build + ", " + strings.Join(s.Watch, " ") + ")"
	}
	if s.NoPort {
		text += " -"
	}
	if s.Pin != 0 {
		text += fmt.Sprintf(" :%d", s.Pin)
	}
	for _, p := range s.Ports {
		text += " " + p.Name
	}
	if len(s.DependsOn) > 0 {
		text += " after " + strings.Join(s.DependsOn, ",")
	}
	if s.Ready != "" {
		text += " ready=" + s.Ready
	}
	for _, v := range s.Env {
		text += " " + v.Name + "=" + v.Value
	}
	return text
}

func TestDetect(t *testing.T) {
	type files = map[string]string
	for _, c := range []struct {
		name  string
		files files
		want  string // services, then what is left out
	}{
		{"nothing", nil, ""},
		{"a Procfile", files{"Procfile": "web: npm start\nworker: sidekiq\napi: ./api\nrelease: x\n2x: y $PORT\n"}, `
web[] npm start
worker[] sidekiq -
api[] ./api ready=none
x[] y $PORT
- Procfile, release`},
		{"a Procfile with ports", files{"Procfile": "web: PORT=4000 node .\na: vite --port 4000\n", "go.mod": "module x", "main.go": "package main"}, `
web[] PORT=$PORT node . :4000
a[] vite --port $PORT
- main.go`},
		{"npm", files{"package.json": `{"scripts": {"dev": "vite", "dev:x": "y", "build": "vite build"}}`}, `
web[] npm run dev -- --port $PORT --strictPort
- package.json, script dev:x`},
		{"yarn", files{"package.json": `{"scripts": {"start": "react-scripts start"}}`, "yarn.lock": ""}, `
web[] yarn run start`},
		{"bun", files{"package.json": `{"scripts": {"dev": "astro dev"}, "packageManager": "bun@1.2"}`, "yarn.lock": ""}, `
web[] bun run dev --port $PORT`},
		{"variants", files{"package.json": `{"scripts": {"dev:api": "tsx watch api.ts", "dev:css": "tailwindcss -w", "dev:build": "x", "start": "y"}}`}, `
api[] npm run dev:api
css[] npm run dev:css -`},
		{"a script with a number", files{"package.json": `{"scripts": {"dev": "next dev -p 4000"}}`}, `
web[] npm run dev :4000`},
		{"concurrently", files{
			"package.json":        `{"scripts": {"dev": "concurrently \"npm run server\" \"npm run client\"", "server": "node s.js", "client": "npm start --prefix client"}}`,
			"client/package.json": `{"scripts": {"start": "react-scripts start"}}`,
		}, `
server[] npm run server
client[client] npm run start
- package.json, script client`},
		{"directories at once", files{
			"package.json":     `{"scripts": {"dev": "concurrently \"cd api && npm start\" \"npm --prefix web start\""}}`,
			"api/package.json": `{"scripts": {"start": "node ."}}`, "web/package.json": `{"scripts": {"start": "next dev"}}`,
		}, `
api[api] npm run start
web[web] npm run start
- package.json, script dev`},
		{"run-p", files{"package.json": `{"scripts": {"dev": "run-p dev:*", "dev:a": "vite", "dev:b": "vite --port 3000"}}`}, `
a[] npm run dev:a -- --port $PORT --strictPort
b[] npm run dev:b :3000`},
		{"only builds", files{"package.json": `{"scripts": {"build": "x", "test": "y"}}`}, `
- package.json`},
		{"broken", files{"package.json": `{`, "Cargo.toml": "[", "compose.yaml": "a: [", "pnpm-workspace.yaml": ":"}, `
- Cargo.toml
- package.json
- compose.yaml`},
		{"workspaces", files{
			"package.json":          `{"workspaces": ["apps/*", "!apps/old"], "scripts": {"dev": "turbo dev"}}`,
			"apps/web/package.json": `{"scripts": {"dev": "next dev"}}`, "apps/old/package.json": `{"scripts": {"dev": "x"}}`,
			"apps/lib/package.json": `{"scripts": {"build": "x"}}`, "yarn.lock": "",
		}, `
web[apps/web] yarn run dev
- apps/lib
- package.json, script dev`},
		{"pnpm", files{
			"package.json": `{}`, "pnpm-workspace.yaml": "packages:\n  - 'packages/**'\n",
			"packages/a/web/package.json": `{"scripts": {"dev": "vite"}}`, "packages/b/web/package.json": `{"scripts": {"dev": "tsup --watch"}}`,
			"packages/node_modules/x/package.json": `{"scripts": {"dev": "x"}}`,
		}, `
web[packages/a/web] pnpm run dev --port $PORT --strictPort
packages-b-web[packages/b/web] pnpm run dev -`},
		{"go", files{"go.mod": "module example.com/shop/v2\n", "main.go": "// x\n\n/*\nfoo\n*/\npackage main\n", "gen.go": "//go:build ignore\n\npackage main"}, `
shop[] .bin/shop (go build -o .bin/ ., **/*.go !**/*_test.go)`},
		{"go cmd", files{
			"go.mod": "module x\n", "cmd/api/main.go": "package main", "cmd/worker/w.go": "package main\n", "cmd/migrate/main.go": "package main",
			"cmd/lib/lib.go": "package lib", "cmd/api/internal/x.go": "package main",
		}, `
api[] .bin/api (go build -o .bin/ ./cmd/api, **/*.go !**/*_test.go !cmd/migrate/** !cmd/worker/**)
worker[] .bin/worker (go build -o .bin/ ./cmd/worker, **/*.go !**/*_test.go !cmd/api/** !cmd/migrate/**) -
- cmd/migrate`},
		{"go below", files{"api/go.mod": "module x\n", "api/main.go": "package main", "api/.gitignore": "/bin/*\n"}, `
api[api] bin/x (go build -o bin/ ., api/**/*.go !api/**/*_test.go)`},
		{"cargo that builds elsewhere", files{"Cargo.toml": "[package]\nname = \"shop\"\n", "src/main.rs": "", ".cargo/config.toml": "[build]\ntarget-dir = '/x'"}, `
shop[] cargo run`},
		{"two halves", files{"frontend/package.json": `{"scripts": {"dev": "vite"}}`, "backend/manage.py": "", "backend/uv.lock": "", "node_modules/x/package.json": `{"scripts": {"dev": "x"}}`}, `
backend[backend] uv run python manage.py runserver $PORT
frontend[frontend] npm run dev -- --port $PORT --strictPort`},
		{"django", files{"manage.py": ""}, `
web[] python3 manage.py runserver $PORT`},
		{"flask", files{"app.py": "", "requirements.txt": "# flask\nFlask>=3 # x\n", ".venv/bin/python": ""}, `
web[] .venv/bin/flask run --port $PORT`},
		{"no flask", files{"app.py": "", "requirements.txt": "flask-login\n"}, ``},
		{"fastapi", files{"main.py": "api = FastAPI()\n", "pyproject.toml": "dependencies = [\"fastapi[standard]>=0.1\"]", "poetry.lock": ""}, `
web[] poetry run uvicorn main:api --reload --port $PORT`},
		{"rails", files{"bin/rails": "", "config.ru": "", "package.json": `{"scripts": {"build": "x"}}`}, `
web[] bin/rails server -p $PORT
- package.json`},
		{"rack", files{"config.ru": "", "Gemfile": "gem 'puma'"}, `
web[] bundle exec puma -p $PORT`},
		{"laravel", files{"artisan": "", "package.json": `{"scripts": {"dev": "vite"}}`}, `
web[] php artisan serve --port $PORT
frontend[] npm run dev -- --port $PORT --strictPort`},
		{"cargo", files{"Cargo.toml": "[package]\nname = \"shop\"\n", "src/main.rs": ""}, `
shop[] ${CARGO_TARGET_DIR:-target}/debug/shop (cargo build, **/*.rs **/Cargo.toml !target/**)`},
		{"cargo binaries", files{"Cargo.toml": "[package]\nname = \"shop\"\n[[bin]]\nname = \"api\"\npath = \"src/api.rs\"\n", "src/bin/worker.rs": "", "src/bin/b/main.rs": "", "src/lib.rs": ""}, `
api[] ${CARGO_TARGET_DIR:-target}/debug/api (cargo build --bin api, **/*.rs **/Cargo.toml !target/**)
b[] ${CARGO_TARGET_DIR:-target}/debug/b (cargo build --bin b, **/*.rs **/Cargo.toml !target/**)
worker[] ${CARGO_TARGET_DIR:-target}/debug/worker (cargo build --bin worker, **/*.rs **/Cargo.toml !target/**) -`},
		{"cargo workspace", files{"Cargo.toml": "[workspace]\nmembers = [\"crates/*\", \"xtask\"]\n", "crates/api/Cargo.toml": "[package]\nname = \"api\"\n", "crates/api/src/main.rs": "", "crates/lib/Cargo.toml": "[package]\nname = \"lib\"\n", "crates/lib/src/lib.rs": "", "xtask/Cargo.toml": "[package]\nname = \"xtask\"", "xtask/src/main.rs": ""}, `
api[] ${CARGO_TARGET_DIR:-target}/debug/api (cargo build -p api, **/*.rs **/Cargo.toml !target/**)
- xtask/Cargo.toml, binary xtask`},
		{"a page", files{"index.html": ""}, `
web[] python3 -m http.server $PORT`},
		{"compose", files{".env": "export MQ_PORT='5673'\n", "compose.yaml": `
services:
  my.db:
    image: postgres
    ports: ["127.0.0.1:5432:5432"]
  mq:
    ports:
      - "${MQ_PORT:-5672}:5672"
      - target: 15672
        published: "15672"
      - "53:53/udp"
      - 6000-6002:7000-7002
  none: {expose: ["80"]}
  random: {ports: ["80"], depends_on: {my.db: {condition: service_healthy}, nosuch: {}}}
  tool: {profiles: [tools]}
  app: {build: ., depends_on: [mq]}
`}, `
my-db[] compose my.db ready=exec:docker compose exec -T my.db sh -c 'pg_isready -q -h 127.0.0.1'
mq[] compose mq management p7000 p7001 p7002
none[] compose none -
random[] compose random
app[] compose app -
- compose.yaml, service tool`},
		{"compose beside an application", files{
			"bin/rails": "", "docker-compose.yml": "services:\n  db: {image: x, ports: ['5432:5432']}\n  web: {build: {context: .}, ports: ['3000:3000'], depends_on: [db]}\n",
			"compose.dev.yaml": "", "docker-compose.override.yml": "services: {db: {ports: ['5433:5433']}, mail: {ports: ['8025:8025']}}",
		}, `
web[] bin/rails server -p $PORT after db
db[] compose db p5433
mail[] compose mail
- compose.dev.yaml
- docker-compose.yml, service web`},
		{"compose for development", files{"docker-compose.dev.yml": "services: {db: {ports: ['5432:5432']}}"}, `
db[] compose db of docker-compose.dev.yml`},
		{"names that only one checkout can use", files{
			"compose.yaml": "name: acme\nservices: {db: {container_name: acme-db, ports: ['5432:5432']}, mq: {container_name: x, ports: ['${PORT_MQ:-5}:1']}}",
		}, `
db[] compose db
mq[] compose mq`},
		{"databases without a health check", files{
			"compose.yaml": "services: {db: {image: 'registry.example:5000/postgres:18'}, my: {image: mysql}, maria: {image: 'mariadb:${V}'}, rest: {image: postgrest/postgrest}, own: {image: postgres, build: .}}",
		}, `
db[] compose db - ready=exec:docker compose exec -T db sh -c 'pg_isready -q -h 127.0.0.1'
my[] compose my - ready=exec:docker compose exec -T my sh -c 'mysqladmin ping --silent -h 127.0.0.1'
maria[] compose maria - ready=exec:docker compose exec -T maria sh -c 'mariadb-admin ping --silent -h 127.0.0.1'
rest[] compose rest -
own[] compose own -`},
		{"a project's name in .env", files{"compose.yaml": "services: {db: {image: x}}", ".env": "COMPOSE_PROJECT_NAME=acme\n"}, `
db[] compose db -`},
		{"started by a command", files{"Procfile": "db: docker compose up db\n", "compose.yaml": "services: {db: {ports: ['1:1']}, mq: {ports: ['5672:5672']}}"}, `
db[] docker compose up db ready=none
mq[] compose mq
- compose.yaml, service db`},
		{"cycles and duplicate ports", files{"compose.yaml": "services: {a: {depends_on: [b, a], ports: ['80:80']}, b: {depends_on: [a, a], ports: ['80:80']}}"}, `
a[] compose a
b[] compose b`},
	} {
		check(t, c.name, c.files, c.want)
	}
}

// check compares the services that Detect finds, and what it leaves out.
func check(t *testing.T, name string, files map[string]string, want string) {
	t.Helper()
	p := Detect(filesystem(files))
	var got []string
	for _, s := range p.Services {
		got = append(got, s.summary())
	}
	for _, v := range p.Env {
		if !strings.HasPrefix(v.Name, "DB_") && !strings.HasPrefix(v.Name, "MQ_") {
			got = append(got, "env "+v.Name+"="+v.Value)
		}
	}
	for _, l := range p.LeftOut {
		if got = append(got, "- "+l.Name); l.Reason == "" {
			t.Errorf("%s: no reason for %s", name, l.Name)
		}
	}
	if got, want := strings.Join(got, "\n"), strings.TrimSpace(want); got != want {
		t.Errorf("%s:\n%s\nwant\n%s\n%v", name, got, want, p.LeftOut)
	}
	valid(t, t.TempDir(), p)
}

// weird are parts of names and commands that have to be quoted, cleaned or
// distinguished.
var weird = []string{
	"web", "web", "web_api", "web-api", "api", "dev", "dev:", "a.b", "A-B", "PORT", "port", "db", ".", "..", "-", "_", "2", "--x", "é", "日本", "\U0001f600",
	"'", `"`, `\`, "\\u", "$", "$$", "$PORT", "${PORT_WEB}", "`x`", "%PORT%", "\n", "\r", "\t", "\x00", "\x7f", "\u0085", "\u2028", "\xff", " ", "#", "=", "[", "]", "{", "}", "/", ";", "&", "|", "*", "!", "'''", `"""`,
	"vite", "next dev -p 3000", "--port 3000", "PORT=80 ", "npm run ", "concurrently ", "docker compose up ", "cd web && ", "sidekiq",
}

// generator generates the files of a project.
type generator struct{ *rand.Rand }

func (g generator) text() string {
	var b strings.Builder
	for range 1 + g.IntN(3) {
		b.WriteString(weird[g.IntN(len(weird))])
	}
	return b.String()
}

func (g generator) list(item func() any) []any {
	list := []any{}
	for range g.IntN(4) {
		list = append(list, item())
	}
	return list
}

func (g generator) object(value func() any) map[string]any {
	object := map[string]any{}
	for range g.IntN(5) {
		object[g.text()] = value()
	}
	return object
}

func (g generator) packageJSON() string {
	scripts := g.object(func() any { return g.text() })
	if g.IntN(2) == 0 {
		scripts["dev"] = g.text()
	}
	for range g.IntN(4) {
		scripts["dev:"+g.text()] = g.text()
	}
	src, _ := json.Marshal(map[string]any{"scripts": scripts, "workspaces": []string{"apps/*", g.text()}, "packageManager": g.text()})
	return string(src)
}

func (g generator) compose() string {
	port := func() any {
		return []any{
			fmt.Sprintf("%d:%d", g.IntN(70000), g.IntN(70000)), fmt.Sprintf("${%s:-%d}:80", g.text(), g.IntN(9)), fmt.Sprintf("${PORT_%s:-5}:%d", g.text(), g.IntN(9)),
			"${PORT_WEB:-7}:7", "${DB_PORT:-7}:7", g.IntN(90), fmt.Sprintf("%d-%d:80", g.IntN(90), g.IntN(90)), g.text(),
			map[string]any{"target": g.IntN(90), "published": g.text(), "name": g.text()},
			nil,
		}[g.IntN(10)]
	}
	var names []string
	for range 4 {
		names = append(names, g.text())
	}
	services := map[string]any{}
	for _, n := range names {
		services[n] = map[string]any{
			"ports":      g.list(port),
			"depends_on": g.list(func() any { return names[g.IntN(len(names))] }),
			"build":      []any{nil, ".", g.text(), map[string]any{"context": ".", "dockerfile": g.text()}}[g.IntN(4)],
			"image":      []any{nil, "postgres", g.text()}[g.IntN(3)],
			"command":    []any{nil, g.text(), g.list(func() any { return g.text() }), "celery -A x worker"}[g.IntN(4)],
			"environment": []any{
				g.object(func() any { return g.text() + names[g.IntN(len(names))] + ":5432" }),
				g.list(func() any { return g.text() + "=" + g.text() + "@" + names[g.IntN(len(names))] + "/x" }),
				map[string]any{"DB_HOST": names[0], "DB_PORT": 5432, "URL": "http://" + names[1] + ":80/${" + g.text() + ":-" + g.text() + "}"},
			}[g.IntN(3)],
			"healthcheck": map[string]any{"test": []any{g.text(), []any{"CMD", g.text(), g.text()}, []any{"CMD-SHELL", "curl http://localhost:80/" + g.text()}}[g.IntN(3)]},
		}
	}
	src, _ := json.Marshal(map[string]any{"services": services}) // JSON is YAML
	return string(src)
}

func jsonOf(v any) string {
	src, _ := json.Marshal(v)
	return string(src)
}

// The Portfile is valid, whatever the directory contains.
func TestPortfileIsValid(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	g := generator{rand.New(rand.NewPCG(seed, 0))}
	dir := t.TempDir()
	services, pinned := 0, 0
	for range 1000 {
		files := map[string]string{}
		some := map[string]func() string{
			"Procfile":              func() string { return g.text() + ": " + g.text() + "\nweb: " + g.text() + "\n" + g.text() },
			"package.json":          g.packageJSON,
			"apps/web/package.json": g.packageJSON,
			"compose.yaml":          g.compose,
			"go.mod":                func() string { return "module " + g.text() },
			"main.go":               func() string { return "package main" },
			"Cargo.toml":            func() string { return "[package]\nname = " + quoteTOML(strings.ToValidUTF8(g.text(), "")) },
			"src/main.rs":           g.text,
			"bin/rails":             g.text,
			"bin/dev":               func() string { return "#!/bin/sh\nexport A='" + g.text() + "'\nexport A=1\n# Procfile\n" },
			".env.example":          func() string { return "A=http://localhost:80/" + g.text() + "\n" + g.text() + "=" + g.text() },
			"Makefile":              func() string { return "dev: " + g.text() + "\n\t" + g.text() + "\n" },
			"composer.json": func() string {
				return jsonOf(map[string]any{"name": g.text(), "scripts": map[string]any{"dev": g.list(func() any { return g.text() })}})
			},
			"deno.json": func() string {
				return jsonOf(map[string]any{"tasks": map[string]any{"dev": g.text()}, "workspace": g.list(func() any { return g.text() })})
			},
			"process-compose.yaml": func() string {
				return jsonOf(map[string]any{"environment": g.object(func() any { return g.text() }), "processes": g.object(func() any {
					return map[string]any{
						"command": g.text(), "working_dir": g.text(), "environment": g.list(func() any { return g.text() + "=" + g.text() }),
						"ready_log_line": g.text(), "depends_on": g.object(func() any { return map[string]any{"condition": "process_completed"} }),
					}
				})})
			},
			"mprocs.yaml": func() string {
				return jsonOf(map[string]any{"procs": g.object(func() any { return map[string]any{"shell": g.text(), "cwd": g.text()} })})
			},
		}
		for name, content := range some {
			if g.IntN(4) == 0 {
				files[name] = content()
			}
		}
		files["cmd/"+g.text()+"/main.go"] = "package main"
		files["apps/"+g.text()+"/package.json"] = g.packageJSON()
		files[g.text()+"/package.json"] = g.packageJSON()
		p := Detect(filesystem(files))
		services += len(p.Services)
		for _, s := range p.Services {
			if s.Pin != 0 {
				pinned++
			}
		}
		valid(t, dir, p)
		if t.Failed() {
			t.Fatalf("%q", files)
		}
	}
	if services < 1000 || pinned < 20 {
		t.Errorf("%d services, %d of them pinned: the test covers too little", services, pinned)
	}
}

func FuzzDetect(f *testing.F) {
	f.Add("web: vite\n", `{"scripts": {"dev": "vite"}}`, "services: {db: {ports: ['5432:5432']}}", "[package]\nname = 'x'\n")
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, procfile, packageJSON, compose, cargo string) {
		valid(t, dir, Detect(filesystem(map[string]string{
			"Procfile": procfile, "package.json": packageJSON, "compose.yaml": compose, "Cargo.toml": cargo, "src/main.rs": "",
		})))
		valid(t, dir, Detect(filesystem(map[string]string{"package.json": packageJSON, "compose.yaml": compose, "Cargo.toml": cargo, "src/main.rs": ""})))
	})
}

// No service gets the name of devports' own lines.
func TestReservedName(t *testing.T) {
	if name := (&Project{}).freeName([]string{"devports"}); name != "devports-2" {
		t.Errorf("%s, want devports-2", name)
	}
}
