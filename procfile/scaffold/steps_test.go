package scaffold

import (
	"fmt"
	"strings"
	"testing"
)

// A lock file becomes a step that installs what it lists, if a service of its
// language is there.
func TestSteps(t *testing.T) {
	node := `{"scripts": {"dev": "vite"}, "devDependencies": {"vite": "1"}}`
	for _, c := range []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"npm", map[string]string{"package.json": node, "package-lock.json": "{}"}, "deps: npm ci in  when package-lock.json creates node_modules"},
		{"no lock", map[string]string{"package.json": node}, ""},
		{"another language", map[string]string{"go.mod": "module x", "main.go": "package main\nfunc main() {}", "package-lock.json": "{}"}, ""},
		{"two", map[string]string{"web/package.json": node, "web/pnpm-lock.yaml": "", "api/manage.py": "", "api/uv.lock": ""}, `
api-deps: uv sync in api when api/uv.lock creates api/.venv
web-deps: pnpm install --frozen-lockfile in web when web/pnpm-lock.yaml creates web/node_modules`},
		{"Plug'n'Play", map[string]string{"package.json": node, "yarn.lock": "__metadata:\n  version: 8\n"}, "deps: yarn install in  when yarn.lock creates .pnp.cjs"},
		{"Plug'n'Play of Yarn 1", map[string]string{"web/package.json": node, "web/yarn.lock": "", "web/.pnp.cjs": ""}, "web-deps: yarn install in web when web/yarn.lock creates web/.pnp.cjs"},
		{"Yarn's node_modules", map[string]string{"package.json": node, "yarn.lock": "__metadata:\n", ".yarnrc.yml": "nodeLinker: node-modules\n"}, "deps: yarn install in  when yarn.lock creates node_modules"},
		{"a Procfile", map[string]string{
			"Procfile.dev": "web: env A=1 bin/rails server\ncss: yarn build:css --watch\nsite: cd site && npm start\napi: ./api\n", "Gemfile.lock": "", "yarn.lock": "", "composer.lock": "",
			"site/package-lock.json": "{}", "api/package-lock.json": "{}",
		}, `
deps: bundle install in  when Gemfile.lock creates` + " " + `
deps-2: yarn install in  when yarn.lock creates node_modules
site-deps: npm ci in site when site/package-lock.json creates site/node_modules`},
		{"programs of a Procfile", map[string]string{"Procfile.dev": "web: ./serve node_modules\n", "package-lock.json": "{}"}, ""},
		{"another runner", map[string]string{"mprocs.yaml": "procs: {a: {shell: 'A=1 mix phx.server', cwd: a}}", "a/mix.lock": ""}, "a-deps: mix deps.get in a when a/mix.lock creates a/deps"},
		{"an old lock", map[string]string{"package.json": `{"packageManager": "bun@1", "scripts": {"dev": "vite"}}`, "yarn.lock": ""}, ""},
	} {
		p := Detect(filesystem(c.files))
		var got []string
		for _, s := range p.Steps {
			got = append(got, fmt.Sprintf("%s: %s in %s when %s creates %s", s.Name, s.Command, s.Dir, s.Lock, s.Creates))
		}
		if list := strings.Join(got, "\n"); list != strings.TrimSpace(c.want) {
			t.Errorf("%s: got\n%s\nwant\n%s", c.name, list, c.want)
		}
	}
}
