package scaffold

import "testing"

// What real projects look like: each case is a fault that init once had.
func TestEcosystems(t *testing.T) {
	type files = map[string]string
	for _, c := range []struct {
		name  string
		files files
		want  string
	}{
		{"a Procfile for deployment", files{
			"Procfile": "release: ./migrate\nweb: gunicorn shop.wsgi\nworker: celery -A shop worker\n", "manage.py": "",
		}, `
web[] python3 manage.py runserver $PORT
worker[] celery -A shop worker -
- Procfile, release
- Procfile, web`},
		{"a Procfile for deployment that is all there is", files{"Procfile": "web: gunicorn shop.wsgi\n"}, `
web[] gunicorn shop.wsgi`},
		{"a Procfile beside app.json", files{"Procfile": "web: npm start\n", "app.json": "{}", "package.json": `{"scripts": {"dev": "vite"}}`}, `
web[] npm run dev -- --port $PORT --strictPort
- Procfile, web`},
		{"composer", files{
			"artisan":       "",
			"composer.json": `{"scripts": {"dev": ["Composer\\Config::disableProcessTimeout", "npx concurrently -c \"#1,#2\" \"php artisan serve\" \"php artisan queue:listen\" \"npm run dev\" --names=server,queue,vite"]}}`,
			"package.json":  `{"scripts": {"dev": "vite"}}`,
		}, `
web[] php artisan serve --port $PORT
queue[] php artisan queue:listen -
vite[] npm run dev -- --port $PORT --strictPort
- package.json, script dev`},
		{"scripts that only print", files{"package.json": `{"scripts": {"dev": "echo 'removed, use start' && exit 1", "start": "next dev"}}`}, `
web[] npm run start
- package.json, script dev`},
		{"scripts that run once", files{
			"package.json": `{"workspaces": ["packages/*"]}`, "packages/a/package.json": `{"scripts": {"dev": "tsc"}}`,
			"packages/b/package.json": `{"scripts": {"dev": "prisma migrate dev"}}`, "packages/c/package.json": `{"scripts": {"dev": "vite build --watch"}}`,
		}, `
c[packages/c] npm run dev -
- packages/a/package.json, script dev
- packages/b/package.json, script dev`},
		{"a root script that selects workspaces", files{
			"package.json":          `{"workspaces": ["apps/*"], "scripts": {"dev": "npm run prepare && turbo run dev --filter=@shop/web", "prepare": "tsc"}}`,
			"apps/web/package.json": `{"name": "@shop/web", "scripts": {"dev": "next dev"}}`, "apps/docs/package.json": `{"name": "@shop/docs", "scripts": {"dev": "astro dev"}}`,
		}, `
web[apps/web] npm run dev
- apps/docs
- package.json, script dev`},
		{"scripts of the root that start one workspace each", files{
			"package.json":          `{"workspaces": ["apps/*", "packages/*"], "scripts": {"dev": "concurrently \"npm:dev:*\"", "dev:web": "npm run dev -w apps/web", "dev:api": "npm run build -w @x/ui && npm run dev --workspace=@x/api", "dev:css": "tailwindcss --watch"}}`,
			"apps/web/package.json": `{"name": "@x/web", "scripts": {"dev": "vite"}}`, "apps/api/package.json": `{"name": "@x/api", "scripts": {"dev": "nodemon i.js"}}`,
			"packages/ui/package.json": `{"name": "@x/ui", "scripts": {"dev": "tsup --watch", "build": "tsup"}}`,
		}, `
api[apps/api] npm run dev
web[apps/web] npm run dev -- --port $PORT --strictPort
css[] npm run dev:css -
- packages/ui
- package.json, script dev:api
- package.json, script dev:web`},
		{"a script of the root and one of a workspace", files{
			"package.json":        `{"workspaces": ["client"], "scripts": {"dev": "concurrently \"npm run server\" \"npm run dev -w client\"", "server": "node s.js"}}`,
			"client/package.json": `{"name": "client", "scripts": {"dev": "vite"}}`,
		}, `
client[client] npm run dev -- --port $PORT --strictPort
server[] npm run server`},
		{"all workspaces", files{
			"package.json":   `{"workspaces": ["a", "b"], "scripts": {"dev": "npm run dev --workspaces"}}`,
			"a/package.json": `{"scripts": {"dev": "vite"}}`, "b/package.json": `{"scripts": {"dev": "nodemon i.js"}}`,
		}, `
a[a] npm run dev -- --port $PORT --strictPort
b[b] npm run dev
- package.json, script dev`},
		{"variants that start workspaces", files{
			"package.json":   `{"workspaces": ["a", "b", "f"], "packageManager": "yarn@4", "scripts": {"dev:a": "yarn workspace a dev", "dev:b": "yarn --cwd=b dev", "dev:f": "yarn workspace f storybook"}}`,
			"a/package.json": `{"name": "a", "scripts": {"dev": "next dev"}}`, "b/package.json": `{"name": "b", "scripts": {"dev": "next dev"}}`,
			"f/package.json": `{"name": "f", "scripts": {"dev": "next dev", "storybook": "storybook dev"}}`,
		}, `
a[a] yarn run dev
b[b] yarn run dev
f[f] yarn run dev
dev-f[] yarn run dev:f
- package.json, script dev:a
- package.json, script dev:b`},
		{"a Procfile that enters directories", files{
			"Procfile.dev": "api: cd api && npm start\nweb: npm start --prefix web\nother: npm start --prefix=other\n",
		}, `
api[] cd api && npm start ready=none
web[] npm start --prefix web
other[] npm start --prefix=other ready=none`},
		{"workspaces in containers", files{
			"package.json": `{"workspaces": ["apps/*"]}`, "pnpm-lock.yaml": "",
			"apps/web/package.json": `{"name": "web", "scripts": {"dev": "vite"}}`, "apps/api/package.json": `{"name": "api", "scripts": {"dev": "nodemon i.js"}}`,
			"compose.yml": "services: {backend: {build: ., command: pnpm --filter api dev, ports: ['80:80']}, web: {build: ., command: pnpm -F web run dev, ports: ['81:81']}}",
		}, `
backend[apps/api] pnpm run dev
web[apps/web] pnpm run dev --port $PORT --strictPort
- compose.yml, service backend
- compose.yml, service web`},
		{"deeper directories", files{
			"services/api/go.mod": "module x/api\n", "services/api/main.go": "package main", "src/web/package.json": `{"scripts": {"dev": "vite"}}`,
			"skaffold.yaml": "", "{{cookiecutter.slug}}/manage.py": "",
		}, `
api[services/api] .bin/api (go build -o .bin/ ., services/api/**/*.go !services/api/**/*_test.go)
web[src/web] npm run dev -- --port $PORT --strictPort
- {{cookiecutter.slug}}
- skaffold.yaml`},
		{"compose files below docker", files{"manage.py": "", "docker/dev/compose.yml": "services: {db: {image: postgres, ports: ['5432:5432']}}"}, `
web[] python3 manage.py runserver $PORT
db[] compose db of docker/dev/compose.yml ready=exec:docker compose -f docker/dev/compose.yml exec -T db sh -c 'pg_isready -q -h 127.0.0.1'`},
		{"compose files for something else", files{"manage.py": "", "docker/compose/docker-compose.yml": "", "docker/compose/docker-compose.mysql.yml": ""}, `
web[] python3 manage.py runserver $PORT
- docker/compose/docker-compose.mysql.yml, docker/compose/docker-compose.yml`},
		{"the environment of a container", files{
			"api/main.py": "app = FastAPI()\n", "api/requirements.txt": "fastapi\n", "compose.yml": `
services:
  web:
    build: ./api
    ports: ["8000:8000"]
    environment: {DATABASE_URL: "postgres://u:${PW:?}@db:5432/shop", CACHE: redis://cache/0, DB_HOST: db, NODE_ENV: production, SITE: "$$5"}
    depends_on: [db, cache]
    healthcheck: {test: ["CMD", "curl", "-f", "http://localhost:8000/health"]}
  jobs:
    build: ./api
    command: celery -A tasks worker
    environment: ["BROKER=redis://cache:6379/1"]
  db: {image: postgres, healthcheck: {test: ["CMD-SHELL", "pg_isready -U $$USER"]}}
  cache: {image: "redis:8", ports: ["6379:6379"]}
`,
		}, `
web[api] uvicorn main:app --reload --port $PORT after db,cache ready=http:/health CACHE=redis://localhost:${PORT_CACHE}/0 DATABASE_URL=postgres://u:${PW:-}@localhost:${PORT_DB}/shop DB_HOST=localhost SITE=$$5 DB_PORT=${PORT_DB}
jobs[api] celery -A tasks worker - BROKER=redis://localhost:${PORT_CACHE}/1
db[] compose db port 5432
cache[] compose cache
- compose.yml, service web`},
		{"a host in the code", files{
			"api/app.py": "r = Redis(host='cache')\n", "api/requirements.txt": "flask\n",
			"compose.yml": "services: {api: {build: ./api, ports: ['80:80'], depends_on: [cache]}, cache: {image: redis}}",
		}, `
api[] compose api
cache[] compose cache -
- api/app.py`},
		{"secrets, and a proxy in front", files{
			"api/go.mod": "module x/api\n", "api/main.go": "package main", "web/package.json": `{"scripts": {"dev": "vite"}}`,
			"compose.yml": "services: {api: {build: api, secrets: [pw]}, web: {build: web}, proxy: {image: nginx, ports: ['80:80'], depends_on: [web]}}",
		}, `
api[] compose api -
web[] compose web -
proxy[] compose proxy
- api/main.go
- web/package.json`},
		{"the project's own image", files{
			"package.json": `{"name": "shop", "scripts": {"dev": "next dev"}}`,
			"compose.yml":  "services: {shop: {image: 'ghcr.io/acme/shop:latest', ports: ['3000:3000'], environment: {DATABASE_URL: 'mysql://db/shop'}}, db: {image: mysql}}",
		}, `
web[] npm run dev DATABASE_URL=mysql://localhost:${PORT_DB}/shop
db[] compose db port 3306 ready=exec:docker compose exec -T db sh -c 'mysqladmin ping --silent -h 127.0.0.1'
- compose.yml, service shop`},
		{"a Dockerfile elsewhere", files{
			"package.json": `{"scripts": {"dev": "vite"}}`, "backend/manage.py": "",
			"compose.yml": "services: {backend: {build: {context: ., dockerfile: backend/Dockerfile}, environment: {DEBUG: '1'}}}",
		}, `
web[] npm run dev -- --port $PORT --strictPort
backend[backend] python3 manage.py runserver $PORT DEBUG=1
- compose.yml, service backend`},
		{"the dev script of a container", files{
			"frontend/package.json": `{"scripts": {"dev": "vite"}}`,
			"compose.yml":           "services: {frontend: {build: ./frontend, command: npm run dev -- --host, ports: ['5173:5173'], environment: {DB_HOST: db}, depends_on: [db]}, db: {image: x, ports: ['5432:5432']}}",
		}, `
frontend[frontend] npm run dev -- --port $PORT --strictPort after db DB_HOST=localhost DB_PORT=${PORT_DB}
db[] compose db
- compose.yml, service frontend`},
		{"another script for development, and a worker", files{
			"package.json": `{"scripts": {"start": "nest start", "start:dev": "nest start --watch", "start:prod": "node dist/main", "start:jobs": "nest start jobs"}}`, "yarn.lock": "",
			"compose.yml": "services: {jobs: {build: ., command: 'yarn start:jobs'}, app: {build: ., command: [yarn, start]}}",
		}, `
web[] yarn run start:dev
jobs[] yarn start:jobs -
- compose.yml, service app`},
		{"the program of a dev script", files{
			"server/package.json": `{"scripts": {"start": "node src/index.js", "dev": "nodemon src/index.js"}}`,
			"compose.yml":         "services: {admin: {build: server, command: node src/admin.js, ports: ['9000:9000']}, server: {build: server, command: 'node --inspect=0.0.0.0:9229 src/index.js', ports: ['4000:4000', '9229:9229']}}",
		}, `
server[server] npm run dev
admin[server] node src/admin.js ready=none
- compose.yml, service server`},
		{"a server beside the dev script", files{
			"package.json": `{"scripts": {"dev": "vite", "storybook": "storybook dev -p 6006"}}`,
			"compose.yml":  "services: {api: {build: ., command: node server.js, ports: ['4000:4000']}, book: {build: ., command: npm run storybook, ports: ['6006:6006']}}",
		}, `
web[] npm run dev -- --port $PORT --strictPort
api[] node server.js ready=none
book[] npm run storybook ready=none`},
		{"a script beside another server", files{
			"bin/rails": "", "package.json": `{"scripts": {"dev": "vite", "start": "vite build --watch"}}`,
			"compose.yml": "services: {assets: {build: ., command: npm start, environment: {A: b}}}",
		}, `
web[] bin/rails server -p $PORT
frontend[] npm run dev -- --port $PORT --strictPort A=b
- compose.yml, service assets`},
		{"the file of a server", files{
			"app.py": "", "requirements.txt": "flask\n", "compose.yml": "services: {web: {build: ., command: python app.py, ports: ['5000:5000']}}",
		}, `
web[] flask run --port $PORT
- compose.yml, service web`},
		{"an example of .env", files{
			"package.json": `{"scripts": {"dev": "next dev"}}`, ".env.example": "DATABASE_URL=\"postgres://localhost:54320/x\"\nREDIS_PORT=6379 # x\nPORT=3000\n",
			"compose.yml": "services: {db: {image: postgres, ports: ['54320:5432']}, redis: {image: redis, ports: ['6379:6379']}}",
		}, `
web[] npm run dev
db[] compose db ready=exec:docker compose exec -T db sh -c 'pg_isready -q -h 127.0.0.1'
redis[] compose redis
env DATABASE_URL=postgres://localhost:${PORT_DB}/x
env REDIS_PORT=${PORT_REDIS}`},
		{"a container that names another by its port", files{
			"compose.yml": "services: {api: {image: x, ports: ['8000:8000']}, ui: {image: y, ports: ['80'], environment: {API_URL: 'http://localhost:8000/v1', X: 'localhost:9'}}}",
		}, `
api[] compose api
ui[] compose ui API_URL=http://localhost:${PORT_API}/v1`},
		{"Rails with a worker", files{"bin/rails": "", "Gemfile": "gem 'sidekiq'\ngem \"tailwindcss-rails\"\ngem 'solid_queue'\n", "bin/jobs": ""}, `
web[] bin/rails server -p $PORT
worker[] bundle exec sidekiq -
css[] bin/rails tailwindcss:watch -`},
		{"bin/dev", files{"Procfile.dev": "web: bin/rails s\n", "bin/dev": "#!/bin/sh\nexport PORT=3000\nexport RUBY_DEBUG_OPEN=\"true\"\n  export X=1\nexec foreman start -f Procfile.dev\n"}, `
web[] bin/rails s
env RUBY_DEBUG_OPEN=true`},
		{"Phoenix", files{"mix.exs": "{:phoenix, \"~> 1.8\"},", "config/dev.exs": "http: [port: 4000]"}, `
web[] mix phx.server ready=none`},
		{"Spring", files{"pom.xml": "spring-boot-maven-plugin", "mvnw": "", "api/build.gradle": "id 'org.springframework.boot'", "gradlew": ""}, `
web[] ./mvnw spring-boot:run SERVER_PORT=${PORT}
api[api] ../gradlew bootRun SERVER_PORT=${PORT}`},
		{".NET", files{"src/Web/Shop.Web.csproj": `<Project Sdk="Microsoft.NET.Sdk.Web">`, "src/OrderJobs/OrderJobs.csproj": `Sdk="Microsoft.NET.Sdk.Worker"`, "tests/T/T.csproj": `Sdk="Microsoft.NET.Sdk.Web"`}, `
web[src/Web] dotnet watch run --project Shop.Web.csproj -- --urls http://127.0.0.1:$PORT
order-jobs[src/OrderJobs] dotnet watch run --project OrderJobs.csproj -`},
		{"Aspire", files{"src/Host/Host.csproj": `Sdk="Aspire.AppHost.Sdk"`, "src/Api/Api.csproj": `Sdk="Microsoft.NET.Sdk.Web"`}, `
apphost[] dotnet run --project src/Host/Host.csproj ready=none
- src/Api/Api.csproj`},
		{"Deno", files{"deno.json": `{"workspace": ["./www"], "tasks": {"test": "x"}}`, "www/deno.json": `{"tasks": {"dev": "vite"}}`}, `
www[www] deno task dev --port $PORT --strictPort`},
		{"byte order marks", files{
			"package.json": "\ufeff" + `{"scripts": {"dev": "vite"}}`, "compose.yaml": "\ufeffservices: {db: {ports: ['1:1']}}", "api/deno.json": "\ufeff{\"tasks\": {\"dev\": \"x\"}}",
		}, `
web[] npm run dev -- --port $PORT --strictPort
api[api] deno task dev ready=none
db[] compose db`},
		{"Deno with comments", files{"deno.jsonc": "{\n  // \"x\": 1,\n  \"tasks\": {\n    \"dev\": \"deno run http://x/m.ts // ,}\", /* x */\n  },\n}\n"}, `
web[] deno task dev ready=none`},
		{"air", files{"go.mod": "module x/shop\n", "main.go": "package main", ".air.toml": "[build]\ncmd = 'go build -o ./tmp/main .'\nbin = './tmp/main'\ninclude_ext = ['go', 'html']\nexclude_dir = ['assets']\n"}, `
shop[] ./tmp/main (go build -o ./tmp/main ., **/*.go **/*.html !assets/**)`},
		{"Streamlit", files{"app.py": "import streamlit as st", "requirements.txt": "streamlit\n"}, `
web[] streamlit run app.py --server.port $PORT`},
		{"Celery", files{"manage.py": "", "shop/celery.py": "app = Celery('shop')\napp.conf.beat_schedule = {}\n"}, `
web[] python3 manage.py runserver $PORT
worker[] celery -A shop worker --loglevel=INFO -
beat[] celery -A shop beat --loglevel=INFO -`},
		{"environments of the root", files{
			".venv/bin/python": "", "backend/manage.py": "", "apps/api/main.py": "app = FastAPI()\n", "apps/api/requirements.txt": "fastapi\n",
			"apps/own/manage.py": "", "apps/own/Pipfile": "",
		}, `
api[apps/api] ../../.venv/bin/uvicorn main:app --reload --port $PORT
own[apps/own] pipenv run python manage.py runserver $PORT
backend[backend] ../.venv/bin/python manage.py runserver $PORT`},
		{"Poetry above", files{"poetry.lock": "", "a/manage.py": "", "b/manage.py": "", "b/pyproject.toml": ""}, `
a[a] poetry run python manage.py runserver $PORT
b[b] python3 manage.py runserver $PORT`},
		{"a flag for the port", files{"go.mod": "module x/shop\n", "main.go": "package main\nvar p = flag.Int(\"port\", 80, \"\")"}, `
shop[] .bin/shop --port=$PORT (go build -o .bin/ ., **/*.go !**/*_test.go)`},
		{"command-line tools", files{
			"go.mod": "module x/shop\nrequire github.com/spf13/cobra v1\n", "main.go": "package main",
			"rs/Cargo.toml": "[package]\nname='rs'\n[dependencies]\nclap='4'\n", "rs/src/main.rs": "",
		}, `
- go.mod
- rs/Cargo.toml`},
		{"make", files{"Makefile": "build:\n\tcc x\ndev: build\n\t./x --port $(PORT)\n"}, `
app[] make dev ready=none`},
		{"a recipe with parameters", files{"justfile": "start := 'x:y'\ndev port=\"30:00\" $host = env('H', 'x') *args: build\n  x --port {{port}}\n"}, `
app[] just dev ready=none`},
		{"a recipe that needs arguments", files{"justfile": "dev port:\n  x\nserve +files:\n  y\nwatch:\n  z\n"}, `
app[] just watch ready=none
- justfile, recipe dev
- justfile, recipe serve`},
		{"just, which starts what is found", files{"justfile": "dev:\n  npm run dev\n", "package.json": `{"scripts": {"dev": "vite"}}`}, `
web[] npm run dev -- --port $PORT --strictPort
- justfile, recipe dev`},
		{"mise", files{"mise.toml": "[tasks.dev]\nrun = 'x $PORT'\n"}, `
app[] mise run dev`},
		{"process-compose", files{"process-compose.yaml": `
environment: ["A=1"]
processes:
  migrate: {command: ./migrate, working_dir: api}
  api:
    command: ./serve --port 8080
    depends_on: {migrate: {condition: process_completed_successfully}}
    availability: {restart: on_failure}
    readiness_probe: {http_get: {host: 127.0.0.1, path: /healthz, port: 8080}}
    environment: ["B=${A}"]
  off: {command: x, disabled: true}
`, "api/x": "", "package.json": `{"scripts": {"dev": "vite"}}`}, `
migrate[api] ./migrate - ready=done
api[] ./serve --port $PORT :8080 after migrate ready=http:/healthz B=${A:-}
env A=1
- process-compose.yaml, process off
- package.json`},
		{"a process with several lines", files{"process-compose.yaml": "processes:\n  api:\n    command: |\n      # start the api\n      cd sub\n      python3 -m http.server 8000\n"}, `
api[] # start the api
cd sub
python3 -m http.server $PORT :8000`},
		{"the environment of processes", files{"process-compose.yaml": "environment: [DATA_DIR=/var/tmp/data, NODE_ENV=production]\nprocesses: {api: {command: serve, environment: [HOST=0.0.0.0, 'PATH=./bin:$PATH', PORT=3000, DEVPORTS_HOME=/x, 'X=${A:+b}']}}\n"}, `
api[] serve HOST=0.0.0.0 PATH=./bin:${PATH:-}
env DATA_DIR=/var/tmp/data
env NODE_ENV=production
- process-compose.yaml, process api, DEVPORTS_HOME
- process-compose.yaml, process api, PORT
- process-compose.yaml, process api, X`},
		{"mprocs", files{"mprocs.yaml": "procs:\n  web: {shell: vite, cwd: <CONFIG_DIR>/web}\n  css: {cmd: [tailwindcss, --watch], autorestart: true}\n  db: {shell: x, autostart: false}\n", "web/x": ""}, `
web[web] vite --port $PORT --strictPort
css[] tailwindcss --watch -
- mprocs.yaml, db`},
		{"other runners", files{"Tiltfile": "", "devenv.nix": "", ".overmind.env": "OVERMIND_PROCFILE=Procfile.x\n", "Procfile.x": "web: serve $PORT\n"}, `
web[] serve $PORT
- Tiltfile
- devenv.nix
- .overmind.env`},
	} {
		check(t, c.name, c.files, c.want)
	}
}
