package procfile

import (
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParsePortfile(t *testing.T) {
	f, err := Parse("Portfile", []byte(`
project  = "shop"
env_files = [".env", ".env.local"]
range    = "20000-29999"
stop_on_exit = true

[env]
LOG_LEVEL = "${LOG_LEVEL:-info}"

[services]
docs = "npx serve docs -l $PORT"
tool = ["./tool", "--port", "$PORT"]

[services.auth]
command    = "go run ./auth"
build      = ["go", "build", "-o", "auth", "."]
dir        = "auth"
ports      = ["metrics"]
env        = { DATABASE_URL = "postgres://localhost:${PORT_DB}/shop" }
env_files  = ["auth/.env"]
depends_on = ["db"]
ready      = "http:/healthz"
ready_timeout = "90s"
restart    = "on-failure"
watch      = ["**/*.go", "!**/*_test.go"]
restart_on = ["PORT_*"]
replicas   = 2
stop_signal = "SIGINT"
stop_timeout = "1m30s"

[services.db]
command = "postgres -D .pg -p $PORT"
port    = 5_432
ports   = { admin = 9100, stats = true }

[services.worker]
command = "./work"
port = false
`))
	if err != nil {
		t.Fatal(err)
	}
	if f.Project != "shop" || f.Range.String() != "20000-29999" || !f.StopOnExit || len(f.EnvFiles) != 2 {
		t.Errorf("the project's own keys: %+v", f)
	}
	var names []string
	for _, s := range f.Services {
		names = append(names, s.Name)
	}
	if want := []string{"docs", "tool", "auth", "db", "worker"}; !cmp.Equal(names, want) {
		t.Errorf("services in the order of the file: %v, want %v", names, want)
	}
	auth, _ := f.Service("auth")
	want := Service{
		Name: "auth", Pos: lineColumn(14, 11), HasPort: true,
		Command: Command{Shell: "go run ./auth", Pos: lineColumn(15, 15), verbatim: true},
		Build: Command{Argv: []Text{
			{"go", lineColumn(16, 15)}, {"build", lineColumn(16, 21)}, {"-o", lineColumn(16, 30)}, {"auth", lineColumn(16, 36)}, {".", lineColumn(16, 44)},
		}},
		Dir:       Text{"auth", lineColumn(17, 14)},
		Ports:     []ExtraPort{{Name: "metrics", Pos: lineColumn(18, 15)}},
		Env:       []Variable{{"DATABASE_URL", "postgres://localhost:${PORT_DB}/shop", lineColumn(19, 31)}},
		EnvFiles:  []Text{{"auth/.env", lineColumn(20, 15)}},
		DependsOn: []Text{{"db", lineColumn(21, 15)}},
		Ready:     "http:/healthz", ReadyPos: lineColumn(22, 14), ReadyTimeout: 90 * time.Second,
		Restart: "on-failure", Replicas: 2,
		Watch:      []Text{{"**/*.go", lineColumn(25, 15)}, {"!**/*_test.go", lineColumn(25, 26)}},
		RestartOn:  []Text{{"PORT_*", lineColumn(26, 15)}},
		StopSignal: "INT", StopTimeout: 90 * time.Second,
	}
	if diff := cmp.Diff(want, auth, cmp.AllowUnexported(Service{}, Command{}, Position{})); diff != "" {
		t.Errorf("auth (-want +got):\n%s", diff)
	}
	ports := map[string]int{}
	for _, w := range f.Ports() {
		ports[w.Name.String()+" "+w.Name.Variable()] = w.Pin
	}
	if diff := cmp.Diff(map[string]int{
		"auth PORT_AUTH": 0, "auth:metrics PORT_AUTH_METRICS": 0,
		"db PORT_DB": 5432, "db:admin PORT_DB_ADMIN": 9100, "db:stats PORT_DB_STATS": 0,
		"docs PORT_DOCS": 0, "tool PORT_TOOL": 0,
	}, ports); diff != "" {
		t.Errorf("ports (-want +got):\n%s", diff)
	}
}

// Every row is a file with at least one mistake, and all of its problems.
func TestPortfileProblems(t *testing.T) {
	for _, test := range []struct{ name, src, want string }{
		{"empty", "", `Portfile:1:1: no services: a Portfile declares them in [services] ([services] / web = "npm run dev")`},
		{"empty services", "[services]\n", `Portfile:1:2: no services: [services] is empty (web = "npm run dev")`},
		{
			"reserved name", "[services]\ndevports = 'x'\n",
			`Portfile:2:1: "devports" is the name of devports' own lines in its output (use another name)`,
		},
		{"syntax", "[services]\nweb = ", `Portfile:2:7: web has no value (web = "npm run dev")`},
		{"unclosed string", "[services]\nweb = \"x\n", `Portfile:2:9: basic strings cannot have new lines`},
		{
			"unknown keys", "projcet = 'x'\n[services.web]\ncommand = 'x'\nporrt = 1\nzzzzzz = 1",
			"Portfile:1:1: unknown key \"projcet\" (did you mean \"project\"?)\n" +
				"Portfile:4:1: unknown key \"porrt\" in service \"web\" (did you mean \"port\"?)\n" +
				"Portfile:5:1: unknown key \"zzzzzz\" in service \"web\"",
		},
		{
			"types", "project = 1\nenv_files = '.env'\n[services]\na = 1\n[services.b]\ncommand = true\nport = '3000'\ndir = ['x']\n[services.c]\ncommand = ['a', 1]\nenv = { A = 1 }\nstop_timeout = 5",
			"Portfile:1:11: project must be a string, not an integer (project = \"1\")\n" +
				"Portfile:2:13: env_files must be an array, not a string (env_files = [\".env\"])\n" +
				"Portfile:4:5: service \"a\" must be a command or a table, not an integer\n" +
				"Portfile:6:11: command must be a string or an array of strings, not a boolean (command = \"npm run dev\")\n" +
				"Portfile:7:8: port must be a number or false, not a string (port = 3000)\n" +
				"Portfile:8:1: dir must be a string, not an array\n" +
				"Portfile:10:17: an item of command must be a string, not an integer (write \"1\")\n" +
				"Portfile:11:13: A must be a string, not an integer (A = \"1\")\n" +
				"Portfile:12:16: stop_timeout needs a unit (stop_timeout = \"5s\")",
		},
		{
			"values", "project = 'a/b'\nrange = '9-1'\n[services.a]\ncommand = ' '\nport = 70000\nready = 'htp:/'\nready_timeout = '5 s'\nrestart = 'onfailure'\nstop_signal = 'TREM'\nreplicas = 0\nwatch = ['[']\n[services.b]\ncommand = []\nready = 'http:x'\n[services.c]\ncommand='x'\nready = 'log:('\n[services.d]\ncommand='x'\nready='exec: '",
			"Portfile:1:11: \"a/b\" is not a valid project name: no slashes, control characters, or spaces at either end\n" +
				"Portfile:2:9: range: RANGE\n" +
				"Portfile:4:11: command is empty\n" +
				"Portfile:5:8: port: 70000 is out of range: a port is a decimal number from 1 to 65535\n" +
				"Portfile:6:9: unknown readiness check \"htp:/\": use tcp, http:PATH, log:REGEXP, exec:COMMAND, done or none (did you mean \"http\"?)\n" +
				"Portfile:7:17: ready_timeout: invalid duration \"5 s\" (write it like \"500ms\", \"5s\" or \"1m30s\")\n" +
				"Portfile:8:11: restart must be \"no\", \"on-failure\" or \"always\", not \"onfailure\" (did you mean \"on-failure\"?)\n" +
				"Portfile:9:15: unknown signal \"TREM\": use one of TERM, INT, QUIT, HUP, USR1, USR2, KILL (did you mean \"TERM\"?)\n" +
				"Portfile:10:12: replicas must be from 1 to 100, not 0\n" +
				"Portfile:11:10: invalid pattern \"[\" (write it like \"**/*.go\")\n" +
				"Portfile:13:1: command is empty\n" +
				"Portfile:14:9: the path of an http check starts with / (write \"http:/x\")\n" +
				"Portfile:17:9: invalid regular expression \"(\" (missing closing ): `(`) (write \"log:listening on\")\n" +
				"Portfile:20:7: an exec check needs a command (write \"exec:pg_isready -p $PORT\")",
		},
		{
			"duplicates", "[services]\na = 'x'\na = 'y'\n[services.b]\ncommand = 'x'\ncommand = 'y'\n[services.b]\n[services]\n",
			"Portfile:3:1: \"a\" is already defined on line 2\n" +
				"Portfile:6:1: \"command\" is already defined on line 5\n" +
				"Portfile:7:11: \"b\" is already defined on line 4\n" +
				"Portfile:8:2: \"services\" is already defined on line 1",
		},
		{
			"clashing names", "[services]\nmy-web = 'x'\nmy_web = 'y'\nauth-metrics = 'x'\n'1st' = 'x'\n[services.auth]\ncommand = 'x'\nports = ['metrics', 'a b']\n",
			"Portfile:3:1: service \"my_web\" and service \"my-web\" on line 2 would both use the variable PORT_MY_WEB (rename one of them)\n" +
				"Portfile:5:1: \"1st\" is not a valid service name: use a letter, then letters, digits, - and _\n" +
				"Portfile:8:10: port \"metrics\" of service \"auth\" and service \"auth-metrics\" on line 4 would both use the variable PORT_AUTH_METRICS (rename one of them)\n" +
				"Portfile:8:21: \"a b\" is not a valid port name: use a letter, then letters, digits, - and _",
		},
		{
			"reserved variables", "[env]\nPORT = '1'\nPORT_A = '1'\nB-C = 'x'\n[services.a]\ncommand='x'\nenv = { DEVPORTS_SERVICE = 'x' }",
			"Portfile:2:8: [env] cannot set PORT: every service has its own (to pin a service's port, set port = 3000 in its table)\n" +
				"Portfile:3:10: [env] cannot set PORT_A: devports sets it (use another name)\n" +
				"Portfile:4:1: \"B-C\" is not a valid variable name: use letters, digits and _, not starting with a digit\n" +
				"Portfile:7:28: env of service \"a\" cannot set DEVPORTS_SERVICE: devports sets it (use another name)",
		},
		{
			"other bases", "[services.a]\ncommand='x'\nport=0x2328\n[services.b]\ncommand='x'\nport=+3_000\nports={m=0o20000}\n[services.c]\ncommand='x'\nport=true",
			"Portfile:3:6: port: \"0x2328\" must be written as 9000: a port is a decimal number from 1 to 65535\n" +
				"Portfile:6:6: port: \"+3000\" must be written as 3000: a port is a decimal number from 1 to 65535\n" +
				"Portfile:7:10: m: \"0o20000\" must be written as 8192: a port is a decimal number from 1 to 65535\n" +
				"Portfile:10:6: port must be a number or false, not true (remove the line: a service has a port by default)",
		},
		{
			"pins", "[services.a]\ncommand='x'\nport=3000\n[services.b]\ncommand='x'\nports={m=3000}",
			"Portfile:6:8: port 3000 is already pinned by \"a\" on line 3 (pin another port, or none: devports chooses one)",
		},
		{
			"bad pins do not clash", "[services.a]\ncommand='x'\nport=0\n[services.b]\ncommand='x'\nport=70000\nports=['m', 'm']",
			"Portfile:3:6: port: 0 is out of range: a port is a decimal number from 1 to 65535\n" +
				"Portfile:6:6: port: 70000 is out of range: a port is a decimal number from 1 to 65535\n" +
				"Portfile:7:13: \"m\" is listed twice",
		},
		{
			"dependencies", "[services]\nd = 'x'\n[services.a]\ncommand='x'\ndepends_on=['b', 'bb', 'b']\n[services.b]\ncommand='x'\ndepends_on=['c']\n[services.c]\ncommand='x'\ndepends_on=['a', 'c']",
			"Portfile:5:18: service \"a\" depends on \"bb\", which is not a service (did you mean \"b\"?)\n" +
				"Portfile:5:24: \"b\" is listed twice\n" +
				"Portfile:11:13: circular dependency: a → b → c → a\n" +
				"Portfile:11:18: circular dependency: c → c",
		},
		{"no command", "[services.a]\nport = 1", "Portfile:1:11: service \"a\" has no command"},
		{"a misspelled command", "[services.a]\ncomand = 'x'", "Portfile:2:1: unknown key \"comand\" in service \"a\" (did you mean \"command\"?)"},
		{
			"checks of another server", "[services.a]\ncommand = 'x'\nready = 'http://localhost:3000/health'\n[services.b]\ncommand = 'x'\nport = 3000\nready = 'http://127.0.0.1'\n[services.c]\ncommand = 'x'\nready = 'http://example.com:80/x'\n[services.d]\ncommand = 'x'\nready = 'https://localhost:3000'",
			"Portfile:3:9: the readiness check uses port 3000, which is not the port of service \"a\" (write \"http:/health\": it uses the port of the service)\n" +
				"Portfile:7:9: the readiness check uses port 80, which is not the port of service \"b\" (write \"http:/\": it uses the port of the service)\n" +
				"Portfile:10:9: an http check can only connect to this machine, not to \"example.com\" (write \"exec:curl -fs http://example.com:80/x\")\n" +
				"Portfile:13:9: https checks are not supported (write \"tcp\", or \"exec:curl -fks https://localhost:$PORT/healthz\")",
		},
		{
			"timeout without a check", "[services.a]\ncommand = 'x'\nport = false\nready_timeout = '1s'\n[services.b]\ncommand = 'x'\nready_timeout = '1s'\nready = 'none'\n[services.c]\ncommand = 'x'\nready_timeout = '1s'",
			"Portfile:4:1: ready_timeout has no effect: service \"a\" has no readiness check (add ready = \"log:REGEXP\", \"exec:COMMAND\" or \"done\", or remove ready_timeout)\n" +
				"Portfile:7:1: ready_timeout has no effect: service \"b\" has no readiness check (add ready = \"log:REGEXP\", \"exec:COMMAND\" or \"done\", or remove ready_timeout)",
		},
		{"check without port", "[services.a]\ncommand = 'x'\nport = false\nready = 'tcp'", "Portfile:1:11: the readiness check \"tcp\" needs a port, and service \"a\" has none"},
		{"not UTF-8", "[services]\na = '\xff'", "Portfile:2:6: not UTF-8 text"},
		{"array of tables", "[[services]]\na = 'x'", "Portfile:1:3: services must be a table, not an array (write [services.web])"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Parse("Portfile", []byte(test.src))
			got := hinted(t, err)
			got = strings.ReplaceAll(got, "\nweb", " / web")
			got = regexp.MustCompile(`invalid port range "9-1".*`).ReplaceAllString(got, "RANGE") // the allocator's text
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

// hinted returns the problems of err, one per line, with their hints.
func hinted(t *testing.T, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	var problems Problems
	if !errors.As(err, &problems) {
		t.Fatalf("%v (%T) is not Problems", err, err)
	}
	var lines []string
	for _, p := range problems {
		line := p.Error()
		if p.Hint != "" {
			line += " (" + p.Hint + ")"
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func TestParseProcfile(t *testing.T) {
	f, err := Parse("Procfile", []byte("# comment\r\nweb: npm start\r\n\r\n  # indented\nworker:./work -v  \n1st_x-y:  a: b"))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, s := range f.Services {
		got[s.Name] = s.Command.Shell
	}
	if diff := cmp.Diff(map[string]string{"web": "npm start", "worker": "./work -v", "1st_x-y": "a: b"}, got); diff != "" {
		t.Errorf("services (-want +got):\n%s", diff)
	}
}

func TestProcfileProblems(t *testing.T) {
	for _, test := range []struct{ name, src, want string }{
		{"reserved name", "devports: x\n", `Procfile:1:1: "devports" is the name of devports' own lines in its output (use another name)`},
		{"empty", "# nothing\n", "Procfile:1:1: no services: a Procfile declares one per line (web: npm run dev)"},
		{
			"not entries", "web: x\nwhat is this\n worker: x\napi:\napi: \n",
			"Procfile:2:1: expected NAME: COMMAND (web: what is this)\n" +
				"Procfile:3:2: a line must not be indented (worker: x)\n" +
				"Procfile:4:5: api has no command (api: npm run dev)\n" +
				"Procfile:5:5: api has no command (api: npm run dev)",
		},
		{
			"duplicates", "web: x\nweb: y\nWEB: z\n",
			"Procfile:2:1: \"web\" is already defined on line 1\n" +
				"Procfile:3:1: service \"WEB\" and service \"web\" on line 1 would both use the variable PORT_WEB (rename one of them)",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Parse("Procfile", []byte(test.src))
			if diff := cmp.Diff(test.want, hinted(t, err)); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

func TestGrammarByName(t *testing.T) {
	for _, test := range []struct {
		name, src string
		procfile  bool
	}{
		{"Portfile", "[services]\na='x'", false},
		{"x/Portfile.toml", "[services]\na='x'", false},
		{"services.toml", "[services]\na='x'", false},
		{"Procfile", "a: x", true},
		{"x/Procfile.dev", "a: x", true},
		{"<stdin>", "# c\n\na: x", true},
		{"<stdin>", "# c\n\n[services]\na='x'", false},
		{"<stdin>", "services.a='x'", false},
	} {
		f, err := Parse(test.name, []byte(test.src))
		if err != nil || f.Procfile != test.procfile {
			t.Errorf("%s %q: procfile %v, %v; want %v", test.name, test.src, f.Procfile, err, test.procfile)
		}
	}
}

// Lines may end as on Windows, also within a string.
func TestPortfileCarriageReturns(t *testing.T) {
	f, err := Parse("Portfile", []byte("\ufeff[services]\r\nweb = \"\"\"\r\ncd web\r\n./serve\"\"\"\r\n[services.api]\r\ncommand = '''a\r\nb'''\r\nporrt = 1\r\n"))
	if got, want := hinted(t, err), `Portfile:8:1: unknown key "porrt" in service "api" (did you mean "port"?)`; got != want {
		t.Errorf("problems: %s, want %s", got, want)
	}
	var commands []string
	for _, s := range f.Services {
		commands = append(commands, s.Command.Shell)
	}
	if diff := cmp.Diff([]string{"cd web\n./serve", "a\nb"}, commands); diff != "" {
		t.Errorf("commands (-want +got):\n%s", diff)
	}
}

func FuzzPortfile(f *testing.F) {
	f.Add("[services]\nweb = 'x'\n")
	f.Add("[services.a]\ncommand = ['a', '$PORT']\ndepends_on = ['a']\nports = { m = 1 }\n")
	f.Add("a = [[[")
	f.Add("[[services]]\n[services.x]\n")
	f.Add("services.a.b = 1\n[services]\na = 2")
	f.Add("é = 1")
	f.Add("a = \"")
	f.Fuzz(func(t *testing.T, src string) { positionsInside(t, "Portfile", src) })
}

func FuzzProcfile(f *testing.F) {
	f.Add("web: x\r\nworker: y")
	f.Add("web x\nweb: \x00")
	f.Fuzz(func(t *testing.T, src string) { positionsInside(t, "Procfile", src) })
}

// positionsInside parses src and checks that every problem points into it.
func positionsInside(t *testing.T, name, src string) {
	file, err := Parse(name, []byte(src))
	if err == nil {
		if len(file.Services) == 0 {
			t.Errorf("%q is valid without a service", src)
		}
		if _, err := file.Resolve(Context{}); err != nil {
			var problems Problems
			if !errors.As(err, &problems) {
				t.Fatalf("%v is not Problems", err)
			}
			inFile(t, src, problems)
		}
		return
	}
	var problems Problems
	if !errors.As(file.Problems(Context{}, err), &problems) {
		t.Fatalf("%v is not Problems", err)
	}
	inFile(t, src, problems)
}

func inFile(t *testing.T, src string, problems Problems) {
	t.Helper()
	lines := strings.Split(src, "\n")
	for _, p := range problems {
		if p.Line < 1 || p.Line > len(lines) || p.Column < 1 || p.Column > len(lines[p.Line-1])+1 {
			t.Errorf("%v is outside of %q", p, src)
		}
	}
}

// A URL with the service's own port is reduced to its path.
func TestCheckOf(t *testing.T) {
	for _, test := range []struct {
		keys string
		want Check
	}{
		{``, Check{Kind: TCP}},
		{`ready_timeout = "5s"`, Check{Kind: TCP, Timeout: 5 * time.Second}},
		{`ready = "http:/health"`, Check{HTTP, "/health", time.Minute}},
		{`ready = "http://localhost:3000/health?x=1"`, Check{HTTP, "/health?x=1", time.Minute}},
		{`ready = "http://[::1]:3000"`, Check{HTTP, "/", time.Minute}},
		{`ready = "http://LOCALHOST:$PORT/a#b"`, Check{HTTP, "/a", time.Minute}},
		{`ready = "http://127.0.0.1:${PORT}?x"`, Check{HTTP, "/?x", time.Minute}},
	} {
		f, err := Parse("Portfile", []byte("[services.a]\ncommand = 'x'\nport = 3000\n"+test.keys))
		if err != nil {
			t.Errorf("%s: %v", test.keys, err)
			continue
		}
		if got := f.Services[0].check(); got != test.want {
			t.Errorf("%s: %+v, want %+v", test.keys, got, test.want)
		}
	}
}

// A service waits for all steps, unless it names some; one that is shared, or that
// a step needs, waits for none.
func TestServicesWaitForSteps(t *testing.T) {
	f, err := Parse("Portfile", []byte(`[setup]
deps = "x"
migrate = { command = "x", depends_on = ["deps", "db"] }
[services]
web = "x"
api = { command = "x", depends_on = ["deps"] }
db = "x"
queue = { command = "x", shared = true }
`))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, s := range f.Services {
		if !s.Step {
			got[s.Name] = values(s.DependsOn)
		}
	}
	if diff := cmp.Diff(map[string]string{"web": "deps, migrate", "api": "deps", "db": "", "queue": ""}, got); diff != "" {
		t.Errorf("dependencies (-want +got):\n%s", diff)
	}
}

func lineColumn(line, column int) Position { return Position{Line: line, Column: column} }
