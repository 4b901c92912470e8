package scaffold

import (
	"testing"
	"testing/fstest"
)

func TestPortFlag(t *testing.T) {
	for _, c := range []struct {
		command, framework string
		ignores            bool
		fixed              int
		want               string
	}{
		{"vite", "Vite", true, 0, "vite --port $PORT --strictPort"},
		{"npx vite --host", "Vite", true, 0, "npx vite --host --port $PORT --strictPort"},
		{"vite build", "", false, 0, ""},
		{"vite build && vite preview", "Vite", true, 0, "vite build && vite preview --port $PORT --strictPort"},
		{"vite --port 3000", "Vite", true, 3000, "vite --port $PORT"},
		{"vite --port=3000 --host", "Vite", true, 3000, "vite --port=$PORT --host"},
		{"vite --port '3000'", "Vite", true, 3000, ""},
		{`vite --port "3000"`, "Vite", true, 3000, `vite --port "$PORT"`},
		{"vite --port $PORT", "Vite", false, 0, "vite --port $PORT"},
		{"vite --port ${PORT:-3000}", "Vite", false, 0, "vite --port ${PORT:-3000}"},
		{"vite --port $WEB_PORT", "Vite", false, 0, "vite --port $WEB_PORT"},
		{"vite --port $PORTAL", "Vite", false, 0, "vite --port $PORTAL"},
		{"vite > log 2>&1", "Vite", true, 0, "vite --port $PORT --strictPort > log 2>&1"},
		{"vite | tee log", "Vite", true, 0, "vite --port $PORT --strictPort | tee log"},
		{"NODE_ENV=x ./node_modules/.bin/vite dev", "Vite", true, 0, "NODE_ENV=x ./node_modules/.bin/vite dev --port $PORT --strictPort"},
		{"node --inspect node_modules/vite/bin/vite.js", "Vite", true, 0, "node --inspect node_modules/vite/bin/vite.js --port $PORT --strictPort"},
		{"pnpm exec vite", "Vite", true, 0, "pnpm exec vite --port $PORT --strictPort"},
		{"bun --bun vite", "Vite", true, 0, "bun --bun vite --port $PORT --strictPort"},
		{"dotenv -e .env.local -- vite", "Vite", true, 0, "dotenv -e .env.local -- vite --port $PORT --strictPort"},
		{"cross-env X=1 next dev", "Next.js", false, 0, "cross-env X=1 next dev"},
		{"next dev -p 4000", "Next.js", true, 4000, "next dev -p $PORT"},
		{"next dev -p4000", "Next.js", true, 4000, "next dev -p$PORT"},
		{"PORT=4000 next dev", "Next.js", true, 4000, "PORT=$PORT next dev"},
		{"next build", "", false, 0, ""},
		{"PORT=4000 node server.js", "", true, 4000, "PORT=$PORT node server.js"},
		{"PORT=4000 vite", "Vite", true, 0, "PORT=4000 vite --port $PORT --strictPort"},
		{"node server.js", "", false, 0, ""},
		{"react-scripts start", "Create React App", false, 0, "react-scripts start"},
		{"ng serve", "Angular", true, 0, "ng serve --port $PORT"},
		{"ng build --watch", "", false, 0, ""},
		{"storybook dev -p 6006", "Storybook", true, 6006, "storybook dev -p $PORT"},
		{"npx serve@14 docs", "serve", false, 0, "npx serve@14 docs"},
		{"serve -l 5000 docs", "serve", true, 5000, "serve -l $PORT docs"},
		{"npx @11ty/eleventy --serve", "Eleventy", true, 0, "npx @11ty/eleventy --serve --port=$PORT"},
		{"python manage.py runserver", "Django", true, 0, "python manage.py runserver $PORT"},
		{"python3.12 manage.py runserver 0.0.0.0:8000", "Django", true, 8000, "python3.12 manage.py runserver 0.0.0.0:$PORT"},
		{"python manage.py migrate", "", false, 0, ""},
		{"python manage.py migrate && python manage.py runserver; echo", "Django", true, 0, "python manage.py migrate && python manage.py runserver $PORT; echo"},
		{"uv run flask --app x run", "Flask", true, 0, "uv run flask --app x run --port $PORT"},
		{"poetry run uvicorn main:app --port 8000 --reload", "Uvicorn", true, 8000, "poetry run uvicorn main:app --port $PORT --reload"},
		{"gunicorn app:app", "Gunicorn", false, 0, "gunicorn app:app"},
		{"gunicorn -b 127.0.0.1:8000 app:app", "Gunicorn", true, 8000, "gunicorn -b 127.0.0.1:$PORT app:app"},
		{"python -m http.server", "Python's http.server", true, 0, "python -m http.server $PORT"},
		{"python -m http.server 8000 -d www", "Python's http.server", true, 8000, "python -m http.server $PORT -d www"},
		{"bin/rails server", "Rails", false, 0, "bin/rails server"},
		{"env X=1 bin/rails s -p 3000 -b 0.0.0.0", "Rails", true, 3000, "env X=1 bin/rails s -p $PORT -b 0.0.0.0"},
		{"bin/rails tailwindcss:watch", "", false, 0, ""},
		{"bundle exec rackup", "rackup", true, 0, "bundle exec rackup -p $PORT"},
		{"php -S localhost:8000 -t public", "PHP", true, 8000, "php -S localhost:$PORT -t public"},
		{"php artisan serve", "Laravel", true, 0, "php artisan serve --port $PORT"},
		{"hugo server -D", "Hugo", true, 0, "hugo server -D --port $PORT"},
		{"hugo", "", false, 0, ""},
		{"jekyll serve", "Jekyll", true, 0, "jekyll serve --port $PORT"},
		{"mkdocs serve -a localhost:8001", "MkDocs", true, 8001, "mkdocs serve -a localhost:$PORT"},
		{"caddy file-server --listen :2015", "Caddy", true, 2015, "caddy file-server --listen :$PORT"},
		{`concurrently "vite" "node server.js"`, "", false, 0, ""},
		{`go run ./cmd/api`, "", false, 0, ""},
		{`vite --port 99999`, "Vite", false, 0, ""},
		{"", "", false, 0, ""},
		{`"`, "", false, 0, ""},
		{`vite --open "$(pwd`, "", false, 0, ""}, // a syntax error
		{`vite --open "$(pwd)"`, "Vite", true, 0, `vite --open "$(pwd)" --port $PORT --strictPort`},
		{"A=\"x y\" 'vi'te\\\n 2>&1 >log | cat", "Vite", true, 0, "A=\"x y\" 'vi'te\\\n --port $PORT --strictPort 2>&1 >log | cat"},
		{"vite >log", "Vite", true, 0, "vite --port $PORT --strictPort >log"},
		{"vite |& cat", "Vite", true, 0, "vite --port $PORT --strictPort |& cat"},
		{"if test -d x; then (cd x; vite); fi", "Vite", true, 0, "if test -d x; then (cd x; vite --port $PORT --strictPort); fi"},
		{"echo $(vite) `vite` >$(vite) # vite", "", false, 0, ""},
		{"cat <<E\nvite\nE\r\n", "", false, 0, ""},
		{"vite\r\n", "Vite", true, 0, "vite --port $PORT --strictPort\r\n"},
	} {
		s := PortFlag(c.command)
		if s.Framework != c.framework || s.Ignores != c.ignores || s.Fixed != c.fixed || s.Command != c.want {
			t.Errorf("%s:\n got %+v\nwant %+v", c.command, s, c)
		}
		if again := PortFlag(s.Command); s.Command != "" && again.Ignores {
			t.Errorf("%s: changed to %s, which ignores PORT, too", c.command, s.Command)
		}
	}
}

func TestPortFlagIn(t *testing.T) {
	fsys := fstest.MapFS{"package.json": {Data: []byte(`{"scripts": {
		"dev": "vite", "start": "npm run dev", "piped": "vite | tee log", "fixed": "vite --port 3000",
		"next": "next dev", "loop": "npm run loop", "built": "tsc && vite", "port": "vite --port $PORT"
	}}`)}}
	for command, want := range map[string]string{
		"npm run dev":                          "npm run dev -- --port $PORT --strictPort",
		"npm run dev -- --host":                "npm run dev -- --host --port $PORT --strictPort",
		"npm start":                            "npm start -- -- --port $PORT --strictPort",
		"pnpm run dev":                         "pnpm run dev --port $PORT --strictPort",
		"pnpm dev":                             "pnpm dev --port $PORT --strictPort",
		"yarn dev --host":                      "yarn dev --host --port $PORT --strictPort",
		"bun run dev":                          "bun run dev --port $PORT --strictPort",
		"npm run built":                        "npm run built -- --port $PORT --strictPort",
		"npm run dev | cat":                    "npm run dev -- --port $PORT --strictPort | cat",
		"npm run next":                         "npm run next",
		"npm run port":                         "npm run port",
		"npm run piped":                        "",
		"npm run fixed":                        "",
		"npm run loop":                         "",
		"npm run nosuch":                       "",
		"npm run dev -- --port $PORT":          "npm run dev -- --port $PORT",
		"vite":                                 "vite --port $PORT --strictPort",
		"npm ci && npm run dev":                "npm ci && npm run dev -- --port $PORT --strictPort",
		"FOO=1 npm run dev -- --port ${PORT}0": "FOO=1 npm run dev -- --port ${PORT}0",
	} {
		if got := PortFlagIn(fsys, command).Command; got != want {
			t.Errorf("%s: %q, want %q", command, got, want)
		}
	}
	if s := PortFlagIn(fsys, "npm run fixed"); !s.Ignores || s.Fixed != 3000 || s.Framework != "Vite" {
		t.Errorf("a script with a fixed port: %+v", s)
	}
}
