package procfile

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/devports/devports/allocator"
)

// inDirectory writes files to a new directory, changes to it and reads the
// Portfile.
func inDirectory(t *testing.T, files map[string]string) File {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	f, err := Read("Portfile", nil)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func env(p Process) map[string]string {
	m := map[string]string{}
	for _, e := range p.Env.List() {
		name, value, _ := strings.Cut(e, "=")
		m[name] = value
	}
	return m
}

func TestPrecedence(t *testing.T) {
	f := inDirectory(t, map[string]string{
		"Portfile": `
env_files = [".env", "more.env"]
[env]
D = "project"
E = "project"
F = "project"
[services.web]
command = "x"
env_files = ["web.env"]
env = { E = "service", F = "service" }
[services.api]
command = "x"
[services.worker]
command = "x"
port = false
`,
		".env":     "A=first\nB=first\nC=first\nD=first\nE=first\nF=first\nSHELL_SET=first",
		"more.env": "B=second\nC=second",
		"web.env":  "C=web",
	})
	plan, err := f.Resolve(Context{
		Environ: []string{"SHELL_SET=shell", "F=shell", "D=shell", "PORT=1"},
		Project: "shop", Worktree: "w", Slug: "shop_w",
		Ports: map[allocator.PortName]int{{Service: "web"}: 1001, {Service: "api"}: 1002},
	})
	if err != nil {
		t.Fatal(err)
	}
	web, _ := plan.Service("web")
	got := env(web)
	delete(got, "DEVPORTS_ENV")
	if diff := cmp.Diff(map[string]string{
		"A": "first", "B": "second", "C": "web", "SHELL_SET": "shell", "D": "project", "E": "service", "F": "service",
		"PORT": "1001", "PORT_WEB": "1001", "PORT_API": "1002",
		"URL_WEB": "http://127.0.0.1:1001", "URL_API": "http://127.0.0.1:1002",
		"PUBLIC_URL_WEB": "http://localhost:1001", "PUBLIC_URL_API": "http://localhost:1002",
		"DEVPORTS_SERVICE": "web", "DEVPORTS_PROJECT": "shop", "DEVPORTS_WORKTREE": "w", "DEVPORTS_SLUG": "shop_w",
	}, got); diff != "" {
		t.Errorf("web (-want +got):\n%s", diff)
	}
	var set []string
	for _, v := range web.Env.Set() {
		set = append(set, v.Name)
	}
	if want := []string{"A", "B", "C", "D", "DEVPORTS_ENV", "DEVPORTS_PROJECT", "DEVPORTS_SERVICE", "DEVPORTS_SLUG", "DEVPORTS_WORKTREE", "E", "F", "PORT", "PORT_API", "PORT_WEB", "PUBLIC_URL_API", "PUBLIC_URL_WEB", "URL_API", "URL_WEB"}; !slices.Equal(set, want) {
		t.Errorf("Set returns %v, want %v", set, want)
	}
	worker, _ := plan.Service("worker")
	if web.Position != 1 || worker.Position <= web.Position {
		t.Errorf("web is service %d, worker %d", web.Position, worker.Position)
	}
	if port, has := env(worker)["PORT"]; has {
		t.Errorf("the worker has PORT=%s", port)
	}
	if env(worker)["PORT_API"] != "1002" {
		t.Error("the worker has no PORT_API")
	}
}

// A devports ignores the variables that another one has set, in the same
// checkout or elsewhere.
func TestEnvironmentOfADevports(t *testing.T) {
	main := inDirectory(t, map[string]string{
		"Portfile": "[env]\nPATH = \"bin:${PATH}\"\nLEVEL = \"${LEVEL:-info}\"\n[services]\nweb = \"x\"\nold = \"x\"\n",
		".env":     "DATABASE=main\nTOKEN=main\nMINE=main\nDEVPORTS_ENV=x\n",
	})
	other := inDirectory(t, map[string]string{
		"Portfile": "[services]\nweb = \"x\"\n",
		".env":     "DATABASE=other\nTOKEN=other\nMINE=other\nPORT_OLD=5432\n",
	})
	resolve := func(f File, environ []string) (Process, Plan) {
		plan, err := f.Resolve(Context{Environ: environ, Project: "shop", Ports: map[allocator.PortName]int{{Service: "web"}: 1001, {Service: "old"}: 1002}})
		if err != nil {
			t.Fatal(err)
		}
		web, _ := plan.Service("web")
		return web, plan
	}
	user := []string{"PATH=/bin", "MINE=shell"}
	first, _ := resolve(main, user)
	again, plan := resolve(main, first.Env.List())
	if diff := cmp.Diff(first.Env.List(), again.Env.List()); diff != "" || len(plan.Notes) != 1 { // the DEVPORTS_ENV of .env
		t.Errorf("inside of itself (-first +again):\n%s%v", diff, plan.Notes)
	}
	elsewhere, plan := resolve(other, append(slices.Clone(first.Env.List()), "TOKEN=shell"))
	direct, _ := resolve(other, append(slices.Clone(user), "TOKEN=shell"))
	if diff := cmp.Diff(env(direct), env(elsewhere)); diff != "" || len(plan.Notes) != 0 {
		t.Errorf("elsewhere (-direct +inside):\n%s%v", diff, plan.Notes)
	}
	if got := env(elsewhere); got["DATABASE"] != "other" || got["TOKEN"] != "shell" || got["MINE"] != "shell" || got["PORT_OLD"] != "5432" {
		t.Errorf("elsewhere it has %v", got)
	}
}

func TestVariablesOfTables(t *testing.T) {
	f := inDirectory(t, map[string]string{
		"Portfile": `
[env]
FIRST = "${SECOND}!"          # any order
SECOND = "two"
PATH = "bin:${PATH}"          # its own name: the outer one
HOST = "${HOST:-localhost}"
[services.web]
command = ["./x", "--port=$PORT", "$$HOME"]
dir = "${SECOND}"
env = { PATH = "web:${PATH}", URL = "http://${HOST}:${PORT_DB}/${FIRST}" }
[services.db]
command = "x"
ports = ["admin"]
`,
		"two/keep": "",
		".env":     "FROM_FILE=$PORT_DB/$PATH\n",
	})
	plan, err := f.Resolve(Context{Environ: []string{"PATH=/usr/bin"}, Ports: map[allocator.PortName]int{{Service: "web"}: 1001, {Service: "db"}: 1002, {Service: "db", Port: "admin"}: 1003}})
	if err != nil {
		t.Fatal(err)
	}
	web, _ := plan.Service("web")
	got := env(web)
	for name, want := range map[string]string{
		"FIRST": "two!", "PATH": "web:bin:/usr/bin", "HOST": "localhost", "URL": "http://localhost:1002/two!",
		"FROM_FILE": "1002//usr/bin", "PORT_DB_ADMIN": "1003",
	} {
		if got[name] != want {
			t.Errorf("%s = %q, want %q", name, got[name], want)
		}
	}
	if want := []string{"./x", "--port=1001", "$HOME"}; !slices.Equal(web.Argv, want) {
		t.Errorf("argv %q, want %q", web.Argv, want)
	}
	if want := filepath.Join(f.Dir, "two"); web.Dir != want {
		t.Errorf("dir %s, want %s", web.Dir, want)
	}
	if want := []string{filepath.Join(f.Dir, "Portfile"), filepath.Join(f.Dir, "Portfile.local"), filepath.Join(f.Dir, ".env")}; !slices.Equal(plan.Watched, want) {
		t.Errorf("watched %v, want %v", plan.Watched, want)
	}
}

func TestResolveProblems(t *testing.T) {
	f := inDirectory(t, map[string]string{
		"Portfile": `
env_files = [".env", "missing.env"]
[env]
A = "${B}"
B = "${A}"
C = "${UNDEFINED} ${PORT_WBE}"
[services.web]
command = ["x", "${"]
dir = "nowhere"
[services.worker]
command = "x"
port = false
env = { D = "$PORT" }
env_files = ["broken.env"]
`,
		".env":       "X=${\n",
		"broken.env": "fine=1\nnot fine\n",
	})
	// The problems do not depend on the ports. Each is reported once, although
	// [env] is expanded for every service.
	_, err := f.Resolve(Context{})
	got := strings.ReplaceAll(hinted(t, err), f.Dir, "DIR")
	want := `.env:1:1: ${ has no closing brace (write $$ for a literal dollar)
Portfile:2:22: the env file DIR/missing.env does not exist
Portfile:4:5: circular reference: A → B → A
Portfile:6:5: UNDEFINED is not defined (write ${UNDEFINED:-default} to give it a default)
Portfile:6:5: PORT_WBE is not defined (did you mean PORT_WEB?)
Portfile:8:17: ${ has no closing brace (write $$ for a literal dollar)
Portfile:9:7: the directory DIR/nowhere does not exist
Portfile:13:13: PORT is not defined (the service has port = false)
broken.env:2:1: expected NAME=value, got "not fine" (write NAME=value, or put "#" before a comment)`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func TestNotes(t *testing.T) {
	files := map[string]string{
		"Portfile": "[services]\nweb = 'x'\napi = 'x'",
		".env":     "A=1\nPORT=4000\nPORT_WEB=1\n",
	}
	f := inDirectory(t, files)
	for _, test := range []struct {
		environ []string
		want    string
	}{
		{nil, ""},
		{[]string{"PORT=5000"}, "ignoring PORT=5000 from the environment: every service has its own port (to pin a service's port, set port = 5000 in its table)\n"},
		{[]string{"PORT=5000", "DEVPORTS_PROJECT=shop"}, ""}, // from `devports env`
	} {
		plan, err := f.Resolve(Context{Environ: test.environ})
		if err != nil {
			t.Fatal(err)
		}
		want := test.want + ".env:2:1: PORT is set here, but every service has its own (to pin a service's port, set port = 4000 in its table)\n" +
			".env:3:1: PORT_WEB is set here, but devports sets it (remove the line)"
		if diff := cmp.Diff(want, hinted(t, plan.Notes)); diff != "" {
			t.Errorf("%v: notes (-want +got):\n%s", test.environ, diff)
		}
	}
}

func TestPinNotes(t *testing.T) {
	f := inDirectory(t, map[string]string{"Portfile": `[services]
irc = { command = "x", port = 6667 }
www = { command = "x", port = 80 }
web = { command = "x", port = 5000, ports = { fine = 5001, air = 7000 } }
db  = { command = "x", port = 5432 }`})
	plan, err := f.Resolve(Context{})
	if err != nil {
		t.Fatal(err)
	}
	hint := " (pin another port, or remove the pin and let devports choose one)"
	want := "Portfile:2:31: irc is pinned to 6667, but browsers refuse to connect to port 6667" + hint +
		"\nPortfile:3:31: www is pinned to 80, but port 80 is privileged: on most systems only root can listen on it" + hint +
		"\nPortfile:4:31: web is pinned to 5000, but macOS uses port 5000 for AirPlay" + hint +
		"\nPortfile:4:60: web:air is pinned to 7000, but macOS uses port 7000 for AirPlay" + hint
	if diff := cmp.Diff(want, hinted(t, plan.Notes)); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
}

// A change of variables restarts a service only if it is in its RestartOn.
func TestRestartOn(t *testing.T) {
	dir := t.TempDir()
	plan := func(t *testing.T, service string, env string, web int) Plan {
		t.Helper()
		f, err := Parse("Portfile", []byte("[env]\n"+env+"\n[services]\nweb = 'w'\n[services.db]\n"+service+"\nports = ['admin']"))
		if err != nil {
			t.Fatal(err)
		}
		f.Dir = dir
		p, err := f.Resolve(Context{Ports: map[allocator.PortName]int{
			{Service: "web"}: web, {Service: "db"}: 2, {Service: "db", Port: "admin"}: 3 + len(env)%2,
		}})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	for _, test := range []struct {
		service    string
		env, other string
		want       string
	}{
		{"command = 'node db'", "", "E = ''", "changed port env"},
		{"command = 'node db'\nrestart_on = []", "E = ''", "E = '22'", "kept port env"},
		{"command = 'node db'\nrestart_on = []", "", "E = ''", "kept port env"},
		{"command = 'node db'\nrestart_on = []", "E = ''", "E = '1'", "changed port"}, // its own port
		{"command = 'node db'\nrestart_on = ['E']", "E = ''", "E = '22'", "changed env"},
		{"command = 'node db'\nrestart_on = ['PORT_*']", "E = ''", "E = '22'", "changed port"},
		{"command = 'node db'\nrestart_on = ['PORT_WEB']", "E = ''", "E = '22'", "changed port"},
		{"command = 'redis-server --port $PORT'", "E = ''", "E = '22'", "kept port env"},
		{"command = 'exec A=1 /usr/bin/redis-server --port $PORT >>log 2>&1'", "E = ''", "E = '22'", "kept port env"},
		{"command = ['redis-server', '--port', '$PORT']", "E = ''", "E = '22'", "kept port env"},
		{"command = ['redis-server', '--name', '$E']", "E = ''", "E = '22'", "changed command env"},
		{"command = 'redis-server --name \"${E:-x}\"'", "E = ''", "E = '22'", "changed env"},
		{"command = 'postgres -D d'", "PGDATA = ''", "PGDATA = '22'", "changed env"},
		{"command = 'postgres -D d'", "MYSQL_X = ''", "MYSQL_X = '22'", "kept port env"},
		{"command = 'redis-server & node db'", "E = ''", "E = '22'", "changed port env"},
		{"command = 'cd x; exec redis-server'", "E = ''", "E = '22'", "changed port env"},
		{"command = './redis-server.sh'", "E = ''", "E = '22'", "changed port env"},
		{"command = 'redis-server'\nrestart_on = ['E']", "E = ''", "E = '22'", "changed env"},
	} {
		t.Run(test.service, func(t *testing.T) {
			for _, c := range Diff(plan(t, test.service, test.env, 1), plan(t, test.service, test.other, 9)) {
				if c.Service != "db" {
					continue
				}
				got, reasons := string(c.Kind), strings.Join(c.Reasons, ";")
				for _, reason := range [][2]string{{"command", "command"}, {"→", "port"}, {"env ", "env"}} {
					if strings.Contains(reasons, reason[0]) {
						got += " " + reason[1]
					}
				}
				if got != test.want {
					t.Errorf("%s → %s: %s (%s), want %s", test.env, test.other, got, reasons, test.want)
				}
				return
			}
			t.Error("no change")
		})
	}
}

func TestDiff(t *testing.T) {
	dir := t.TempDir()
	plan := func(src string, ports map[string]int, environ ...string) Plan {
		t.Helper()
		f, err := Parse("Portfile", []byte(src))
		if err != nil {
			t.Fatal(err)
		}
		f.Dir = dir
		numbers := map[allocator.PortName]int{}
		for name, port := range ports {
			numbers[allocator.PortName{Service: name}] = port
		}
		p, err := f.Resolve(Context{Environ: environ, Ports: numbers})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	before := "[services]\na = 'x'\nb = 'y'\n"
	ports := map[string]int{"a": 1, "b": 2, "c": 3}
	for _, test := range []struct {
		name, after string
		ports       map[string]int
		want        []Change
	}{
		{"nothing", before, ports, nil},
		{"comments and order", "# c\n[services]\nb = 'y'\na = 'x'\n", ports, nil},
		{"a command", "[services]\na = 'z'\nb = 'y'\n", ports, []Change{{"a", Changed, []string{"command"}}}},
		{"a build", "[services]\na = 'x'\n[services.b]\ncommand = 'y'\nbuild = 'make'", ports, []Change{{"b", Changed, []string{"build"}}}},
		{"a new service restarts no other", before + "c = 'z'\n", ports, []Change{{"c", Added, nil}}},
		{"a removed service restarts no other", "[services]\na = 'x'\n", ports, []Change{{"b", Removed, nil}}},
		{"a rename is both", "[services]\na = 'x'\nc = 'y'\n", ports, []Change{{"b", Removed, nil}, {"c", Added, nil}}},
		{
			"a new number restarts every service that has the variable", before,
			map[string]int{"a": 9, "b": 2},
			[]Change{{"a", Changed, []string{"PORT 1 → 9", "PORT_A 1 → 9"}}, {"b", Changed, []string{"PORT_A 1 → 9"}}},
		},
		{
			"no longer a port", "[services]\na = 'x'\n[services.b]\ncommand = 'y'\nport = false", ports,
			[]Change{{"b", Changed, []string{"port"}}},
		},
		{
			"the environment of all", before + "[env]\nE = '1'\n", ports,
			[]Change{{"a", Changed, []string{"env E"}}, {"b", Changed, []string{"env E"}}},
		},
		{"a variable that changes nothing", before + "[env]\nHOME = '/h'\n", ports, nil},
		{
			"the environment and directory of one", "[services]\na = 'x'\n[services.b]\ncommand = 'y'\ndir = '..'\nenv = { F = '1', E = '2' }", ports,
			[]Change{{"b", Changed, []string{"dir", "env E, F"}}},
		},
		{
			"stop settings", "[services]\na = 'x'\n[services.b]\ncommand = 'y'\nstop_timeout = '9s'\ndepends_on = ['a']", ports,
			[]Change{{"b", Adjusted, nil}},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := Diff(plan(before, ports, "HOME=/h"), plan(test.after, test.ports, "HOME=/h"))
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("changes (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFind(t *testing.T) {
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"repo/.git", "repo/a/b", "empty/.git", "empty/Portfile"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write := func(path string) {
		if err := os.WriteFile(filepath.Join(root, path), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("Portfile") // above the repositories: out of reach
	write("repo/Procfile")
	write("repo/Procfile.dev")

	find := func(dir, want string) {
		t.Helper()
		got, err := Find(filepath.Join(root, dir), os.Getenv)
		if err != nil || got != filepath.Join(root, want) {
			t.Errorf("Find(%s) = %s, %v; want %s", dir, got, err, want)
		}
	}
	find("repo/a/b", "repo/Procfile.dev")
	write("repo/a/Portfile.toml")
	find("repo/a/b", "repo/a/Portfile.toml")
	find("repo", "repo/Procfile.dev")

	got, err := Find(filepath.Join(root, "empty"), os.Getenv) // a directory named Portfile does not count
	missing, ok := err.(*NotFoundError)
	if !ok || !slices.Equal(missing.Looked, []string{filepath.Join(root, "empty")}) {
		t.Errorf("Find(empty) = %s, %v", got, err)
	}

	// From a link to a directory of a project, as git does. What is above the link
	// comes first.
	for link, target := range map[string]string{"empty/link": "../repo/a/b", "repo/link": "../empty/Portfile"} {
		if err := os.Symlink(filepath.FromSlash(target), filepath.Join(root, link)); err != nil {
			t.Skip("no symlinks:", err)
		}
	}
	find("empty/link", "repo/a/Portfile.toml")
	find("repo/link", "repo/Procfile.dev")
}
