package procfile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/devports/devports/allocator"
)

// Every row is a Portfile as someone writes it who knows another tool, or no
// TOML, with all its problems.
func TestFirstMistakes(t *testing.T) {
	const yaml = "Portfile:%s: this is YAML, and a Portfile is TOML (write a Portfile like this one:\n[services.web]\ncommand = \"npm run dev\"\nfor a compose file: rename it to compose.yaml, and run devports init)"
	for _, test := range []struct{ name, src, want string }{
		{"no quotes", "[services]\nweb = npm run dev\n", `Portfile:2:7: a string needs quotes (web = "npm run dev")`},
		{"no quotes, CRLF", "[services]\r\nweb = npm run dev\r\n", `Portfile:2:7: a string needs quotes (web = "npm run dev")`},
		{"no quotes, indented, with a comment", "[services.web]\n  command = go run . # the API\nport = 3000\n", `Portfile:2:13: a string needs quotes (command = "go run .")`},
		{"no quotes, a path", "[services]\nweb = ./run.sh\n", `Portfile:2:7: a string needs quotes (web = "./run.sh")`},
		{"no quotes, quotes inside", "[services]\nweb = sh -c \"npm run dev\"\n", `Portfile:2:7: a string needs quotes (web = 'sh -c "npm run dev"')`},
		{"no quotes, starts like a number", "[services]\nweb = 3000x\n", `Portfile:2:7: a string needs quotes (web = "3000x")`},
		{"no quotes in an array", "[services]\nweb = [npm, run]\n", `Portfile:2:8: a string needs quotes (write "npm")`},
		{"no quotes in a later item", "[services.web]\nwatch = [\"a\", src/b.go]\n", `Portfile:2:15: a string needs quotes (write "src/b.go")`},
		{"no quotes in a table", "[services.web]\nenv = { A = b }\n", `Portfile:2:13: a string needs quotes (write "b")`},
		{"no value", "[services]\nweb = \n", `Portfile:2:7: web has no value (web = "npm run dev")`},
		{"inner quotes", "[services]\nweb = \"echo \"hi\" there\"\n", `Portfile:2:13: this quote ends the string (web = 'echo "hi" there')`},
		{"inner single quotes", "[services]\nweb = 'echo 'hi''\n", `Portfile:2:13: this quote ends the string (web = "echo 'hi'")`},
		{"inner quotes of both kinds", "[services]\nweb = \"sh -c \"echo it's\"\"\n", `Portfile:2:14: this quote ends the string (web = '''sh -c "echo it's"''')`},
		{"an escape", "[services.web]\ncommand = 'x'\nready = \"log:port \\d+\"\n", `Portfile:3:19: a backslash in double quotes starts an escape: use single quotes (ready = 'log:port \d+')`},
		{"typographic quotes", "[services]\nweb = “npm run dev”\n", `Portfile:2:7: these quotes are typographic: use straight ones (web = "npm run dev")`},
		{"a colon", "[services]\nweb: npm start\n", `Portfile:2:4: expected "=" after the key, not ":" (web = "npm start")`},
		{"text behind a value", "[services]\nweb = \"a\" b\n", `Portfile:2:11: expected newline but got U+0062 'b'`},

		{
			"Procfile", "# the web\nweb: npm run dev\nworker: ./work\n",
			"Portfile:2:4: this is a line of a Procfile, and a Portfile is TOML (rename the file to Procfile, or write:\n[services]\nweb = \"npm run dev\")",
		},
		{"YAML", "services:\n  web:\n    command: npm run dev\n", at(yaml, "1:9")},
		{"YAML with a version", "version: '3'\nservices:\n  web: x\n", at(yaml, "1:8")},
		{
			"JSON", "{\n  \"services\": {}\n}\n",
			"Portfile:1:1: this is JSON, and a Portfile is TOML (write a Portfile like this one:\n[services.web]\ncommand = \"npm run dev\")",
		},

		{
			"ports", "[services.a]\ncommand='x'\nports = [3000]\n[services.b]\ncommand='x'\nports = ['3000:80']\n[services.c]\ncommand='x'\nports = ['127.0.0.1:8080:80/tcp', 'metrics']\n[services.d]\ncommand='x'\nports = 3000\n[services.e]\ncommand='x'\nport = '3000'",
			"Portfile:3:10: ports lists the names of more ports, not numbers (port = 3000 pins the port of the service, ports = { metrics = 3000 } one more)\n" +
				"Portfile:6:10: ports lists the names of more ports, not numbers (port = 3000 pins the port of the service, ports = { metrics = 3000 } one more)\n" +
				"Portfile:9:10: ports lists the names of more ports, not numbers (port = 8080 pins the port of the service, ports = { metrics = 8080 } one more)\n" +
				"Portfile:12:9: ports must be an array of names or a table of numbers, not an integer (port = 3000)\n" +
				"Portfile:15:8: port must be a number or false, not a string (port = 3000)",
		},
		{
			"restart", "[services.a]\ncommand='x'\nrestart = true\n[services.b]\ncommand='x'\nrestart = false\n[services.c]\ncommand='x'\nrestart = 'unless-stopped'\n[services.d]\ncommand='x'\nrestart = 3",
			"Portfile:3:11: restart must be \"no\", \"on-failure\" or \"always\", not true (restart = \"on-failure\")\n" +
				"Portfile:6:11: restart must be \"no\", \"on-failure\" or \"always\", not false (restart = \"no\")\n" +
				"Portfile:9:11: restart must be \"no\", \"on-failure\" or \"always\", not \"unless-stopped\" (restart = \"always\")\n" +
				"Portfile:12:11: restart must be \"no\", \"on-failure\" or \"always\", not an integer (restart = \"on-failure\")",
		},
		{
			"tables and arrays", "[services.db]\ncommand='x'\n[services.a]\ncommand='x'\nenv = ['A=1', 'B=x y', 'HOME']\ndepends_on = { db = { condition = 'service_healthy' } }\n[services.b]\ncommand='x'\nenv = [1]\ndepends_on = 'db'\nreplicas = '2'",
			"Portfile:5:1: env must be a table, not an array (env = { A = \"1\", B = \"x y\", HOME = \"${HOME}\" })\n" +
				"Portfile:6:14: depends_on must be an array, not a table (depends_on = [\"db\"])\n" +
				"Portfile:9:1: env must be a table, not an array (env = { NAME = \"value\" })\n" +
				"Portfile:10:14: depends_on must be an array, not a string (depends_on = [\"db\"])\n" +
				"Portfile:11:12: replicas must be an integer, not a string (replicas = 2)",
		},
		{
			"a line in an array", "[services]\nweb = ['npm run dev']\napi = ['go run .', '-p', '$PORT']\nok = ['./My App/run', 'x']\n[services.c]\ncommand = ['npm run dev']",
			"Portfile:2:8: an array must be a program and its arguments, but \"npm run dev\" is a command line (web = \"npm run dev\")\n" +
				"Portfile:3:8: an array must be a program and its arguments, but \"go run .\" is a command line (api = [\"go\", \"run\", \".\", \"-p\", \"$PORT\"])\n" +
				"Portfile:6:12: an array must be a program and its arguments, but \"npm run dev\" is a command line (command = \"npm run dev\")",
		},
		{
			"keys of other tools", "[services.web]\ncmd = 'npm run dev'\ncwd = 'web'\nenvironment = { A = '1' }\nhealthcheck = { test = 'x' }\nenv-file = '.env.web'\nrestart_policy = 'x'\ninstances = 2\n[services.api]\nrun = ['a', 'b']",
			"Portfile:2:1: unknown key \"cmd\" in service \"web\" (use command = \"npm run dev\")\n" +
				"Portfile:3:1: unknown key \"cwd\" in service \"web\" (use dir = \"web\")\n" +
				"Portfile:4:1: unknown key \"environment\" in service \"web\" (use env)\n" +
				"Portfile:5:1: unknown key \"healthcheck\" in service \"web\" (use ready = \"http:/healthz\")\n" +
				"Portfile:6:1: unknown key \"env-file\" in service \"web\" (use env_files = [\".env.web\"])\n" +
				"Portfile:7:1: unknown key \"restart_policy\" in service \"web\" (use restart = \"on-failure\")\n" +
				"Portfile:8:1: unknown key \"instances\" in service \"web\" (use replicas = 2)\n" +
				"Portfile:10:1: unknown key \"run\" in service \"api\" (use command)",
		},
		{
			"keys in the wrong place", "name = 'shop'\ncommand = 'x'\nweb = 'npm start'\n[api]\ncommand = 'x'\n[processes]\nb = 'x'\n[services]\na = 'x'",
			"Portfile:1:1: unknown key \"name\" (use project = \"shop\")\n" +
				"Portfile:2:1: unknown key \"command\" (it belongs to a service: move it below a line [services.web])\n" +
				"Portfile:3:1: unknown key \"web\" (to declare a service, write [services] in a line above it)\n" +
				"Portfile:4:2: unknown key \"api\" (to declare a service: [services.api])\n" +
				"Portfile:6:2: unknown key \"processes\" (write [services.b])",
		},
		{
			"http without a slash", "[services.a]\ncommand='x'\nready='http:health'\n[services.b]\ncommand='x'\nready='http:'\n[services.c]\ncommand='x'\nready='http:localhost:3000/x'",
			"Portfile:3:7: the path of an http check starts with / (write \"http:/health\")\n" +
				"Portfile:6:7: the path of an http check starts with / (write \"http:/healthz\")\n" +
				"Portfile:9:7: the path of an http check starts with / (write \"http:/x\")",
		},
		{
			"services elsewhere", "[processes.web]\ncommand = 'x'\n",
			`Portfile:1:2: unknown key "processes" (write [services.web])`,
		},
		{"services at the top", "web = 'npm start'\n", `Portfile:1:1: unknown key "web" (to declare a service, write [services] in a line above it)`},
		{"a table at the top", "[web]\ncommand = 'npm start'\n", `Portfile:1:2: unknown key "web" (to declare a service: [services.web])`},
		{"an array of tables", "[[services]]\nname = 'web'\ncommand = 'x'\n", "Portfile:1:3: services must be a table, not an array (write [services.web])"},
		{"other arrays of tables", "[[process]]\nname = 'web'\n", "Portfile:1:3: unknown key \"process\" (write [services.web])"},
		{"a table for ready", "[services.a]\ncommand = 'x'\nready = { http_get = 'x' }\n", `Portfile:3:9: ready must be a string, not a table (ready = "http:/healthz")`},
		{
			"containers", "[services.db]\ncontainer_name = 'postgres'\ncommand = 'x'\n[services.a]\ncommand = 'x'\nbuild.context = '.'\nnetworks = ['a']\n",
			"Portfile:2:1: unknown key \"container_name\" in service \"db\" (to start a service of a compose file: compose = \"db\")\n" +
				"Portfile:6:1: build must be a string or an array of strings, not a table (build = \"npm run dev\")\n" +
				"Portfile:7:1: unknown key \"networks\" in service \"a\" (to start a service of a compose file: compose = \"a\")",
		},
		{
			"PORT in env", "[services.a]\ncommand = 'x'\nenv = { PORT = 3000 }\n",
			"Portfile:3:16: env of service \"a\" cannot set PORT: every service has its own (to pin a service's port, set port = 3000 in its table)",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Parse("Portfile", []byte(test.src))
			if diff := cmp.Diff(test.want, hinted(t, err)); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

func TestProcfileFaults(t *testing.T) {
	for _, test := range []struct{ src, want string }{
		{"web.1: npm start\n", `Procfile:1:4: a name has letters, digits, - and _, not "." (web_1: npm start)`},
		{"my web: x\n", `Procfile:1:3: a name has letters, digits, - and _, not " " (my_web: x)`},
		{"web: x\n  --port 1\n", `Procfile:2:3: a line must not be indented: an entry is one line, NAME: COMMAND`},
		{"  web: x\n", `Procfile:1:3: a line must not be indented (web: x)`},
		{"web : x\n", `Procfile:1:4: no space before the colon (web: x)`},
		{"web:\n", `Procfile:1:5: web has no command (web: npm run dev)`},
		{"api: x\nnpm start\n", `Procfile:2:1: expected NAME: COMMAND (web: npm start)`},
		{"api: x\n: npm start\n", `Procfile:2:1: expected NAME: COMMAND (web: npm start)`},
		{"[services]\nweb = 'npm start'\n", "Procfile:1:1: this is a Portfile, not a Procfile (rename the file to Portfile)"},
		{"-f backend/Procfile\nweb: x\n", "Procfile:1:1: expected NAME: COMMAND (devports reads one Procfile: copy the entries of backend/Procfile)"},
	} {
		_, err := Parse("Procfile", []byte(test.src))
		if diff := cmp.Diff(test.want, hinted(t, err)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", test.src, diff)
		}
	}
}

func at(format, position string) string {
	return strings.Replace(format, "%s", position, 1)
}

// A variable that the shell would expand to nothing is noted where a name that
// devports sets is near.
func TestMistypedVariables(t *testing.T) {
	for _, test := range []struct{ name, file, src, want string }{
		{
			"near", "Portfile", "[services]\nweb = \"serve $PORT --api $PORT_WBE\"\n",
			`Portfile:2:26: PORT_WBE is not set, so $PORT_WBE in "web" is empty (did you mean $PORT_WEB?)`,
		},
		{
			"several lines", "Portfile", "[services.web]\nbuild = 'make ${PROT}'\ncommand = '''a \\\n  $PORT_WBE'''\n",
			"Portfile:2:15: PROT is not set, so $PROT in \"web\" is empty (did you mean $PORT?)\n" +
				`Portfile:4:3: PORT_WBE is not set, so $PORT_WBE in "web" is empty (did you mean $PORT_WEB?)`,
		},
		{
			"escaped", "Portfile", "[services]\nweb = \"a \\\"b\\\" $PORT_WBE\"\n",
			`Portfile:2:7: PORT_WBE is not set, so $PORT_WBE in "web" is empty (did you mean $PORT_WEB?)`,
		},
		{
			"Procfile", "Procfile", "web:  serve $PRT",
			`Procfile:1:13: PRT is not set, so $PRT in "web" is empty (did you mean $PORT?)`,
		},
		{
			"no port", "Portfile", "[services.web]\ncommand = 'serve $PORT'\nport = false\n",
			`Portfile:2:18: PORT is not set: service "web" has no port (remove port = false)`,
		},
		{"replicas", "Portfile", "[services.web]\ncommand = 'a $PORT_WEB_2'\nreplicas = 2\n", ""},
		{"set in the environment", "Portfile", "[services]\nweb = 'a $PORTAL $PORT_WEX'\n", ""},
		{"other words", "Portfile", "[services]\nweb = 'a $REPORT $SUPPORT $IMPORT $EXPORT $COMPORT $APP $HOSTNAMES'\napi = 'x'\n", ""},
		{"set in [env]", "Portfile", "env.PORT_WEX2 = 'x'\n[services]\nweb = 'a $PORT_WEX2'\n", ""},
		{"set in the command", "Portfile", "[services]\nweb = 'PORT_WBE=3 a; for PROT in 1; do b $PORT_WBE $PROT; done'\n", ""},
		{"a default", "Portfile", "[services]\nweb = 'a ${PORT_WBE:-3}'\n", ""},
		{"quoted", "Portfile", "[services]\nweb = \"a '$PORT_WBE'\"\n", ""},
		{"far", "Portfile", "[services]\nweb = 'a $DATABASE_URL'\n", ""},
	} {
		f, err := Parse(test.file, []byte(test.src))
		if err != nil {
			t.Fatal(test.name, err)
		}
		if f, err = f.ExpandReplicas(nil); err != nil {
			t.Fatal(err)
		}
		plan, err := f.Resolve(Context{Environ: []string{"PORT_WEX=1", "PORTAL=x"}})
		if err != nil {
			t.Fatal(test.name, err)
		}
		got := ""
		if len(plan.Notes) > 0 {
			got = hinted(t, plan.Notes)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

// A Procfile's services get the variables of foreman and overmind, and what
// differs from these is noted.
func TestOtherRunners(t *testing.T) {
	dir := t.TempDir()
	for name, contents := range map[string]string{
		"Procfile": "web: x\nmy-worker: y\n", ".env": "A=1\nB=2\nC=3\n", ".foreman": "port: 5000\n", ".overmind.env": "X=1\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(contents), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	f, err := Read("Procfile", nil)
	if err != nil {
		t.Fatal(err)
	}
	if f, err = f.ExpandReplicas(map[string]int{"web": 2}); err != nil {
		t.Fatal(err)
	}
	plan, err := f.Resolve(Context{
		Environ: []string{"A=shell", "B=2", "C=shell", "PROCFILE=Procfile.local", "OVERMIND_PROCESSES=web,css"},
		Ports:   map[allocator.PortName]int{{Service: "web"}: 20000, {Service: "web.2"}: 20001, {Service: "my-worker"}: 20002},
	})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, s := range plan.Services {
		for _, name := range []string{"PS", "OVERMIND_PROCESS_web_PORT", "OVERMIND_PROCESS_my_worker_PORT"} {
			value, _ := s.Env.Lookup(name)
			got[s.Service] += value + " "
		}
	}
	if diff := cmp.Diff(map[string]string{
		"web": "web.1 20000 20002 ", "web.2": "web.2 20000 20002 ", "my-worker": "my-worker.1 20000 20002 ",
	}, got); diff != "" {
		t.Errorf("variables (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff("devports does not read .foreman, .overmind.env, PROCFILE and OVERMIND_PROCESSES (devports up -f Procfile.local web css; "+
		"options of .foreman are -f and -m here; move the variables of .overmind.env to .env, except those of overmind itself)\n"+
		".env: A and C are also set in the shell, which overrides the file (in foreman, the file overrides the shell) (to use the file's: unset A C)", hinted(t, plan.Notes)); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
}
