package shell

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

func TestExec(t *testing.T) {
	for _, test := range []struct{ line, want string }{
		{"sleep 10", "exec sleep 10"},
		{"  ./bin/api --port $PORT  # comment", "  exec ./bin/api --port $PORT  # comment"},
		{"A=1 B=$C npm run dev", "A=1 B=$C exec npm run dev"},
		{"server <in >out 2>&1", "exec server <in >out 2>&1"},
		{">out server", ">out exec server"},
		{"python3.12 -m http.server $PORT;", "exec python3.12 -m http.server $PORT;"},
		{"server \\\n  --port $PORT", "exec server \\\n  --port $PORT"},
		{"server $(cat args) \"$HOME\"/x* ~", "exec server $(cat args) \"$HOME\"/x* ~"},
		{"server 'a;b' \"c && d\"", "exec server 'a;b' \"c && d\""},

		{"", ""},
		{"A=1", "A=1"},
		{">out", ">out"},
		{"exec server", "exec server"},
		{"cd api", "cd api"},
		{"echo $PORT", "echo $PORT"},
		{"$SERVER --port", "$SERVER --port"},
		{"~/bin/server", "~/bin/server"},
		{"./bin/ser*er", "./bin/ser*er"},
		{"'server'", "'server'"},
		{"ser\\ver", "ser\\ver"},
		{"-x", "-x"},
		{"a && b", "a && b"},
		{"a; b", "a; b"},
		{"a | b", "a | b"},
		{"a &", "a &"},
		{"! a", "! a"},
		{"(a)", "(a)"},
		{"{ a; }", "{ a; }"},
		{"a() { b; }", "a() { b; }"},
		{"if a; then b; fi", "if a; then b; fi"},
		{"a <<END\nx\nEND", "a <<END\nx\nEND"},
		{"a 'never closed", "a 'never closed"},
		{"a <(b)", "a <(b)"},
	} {
		if got := Exec(test.line); got != test.want {
			t.Errorf("%q: %q, want %q", test.line, got, test.want)
		}
		if got := Exec(test.want); got != test.want {
			t.Errorf("again, %q: %q", test.want, got)
		}
	}
	for word := range shellWords() {
		if got := Exec(word + " x"); got != word+" x" {
			t.Errorf("%q", got)
		}
	}
}

// A line does the same in dash with exec, except for the text of the error for
// a missing program.
func TestExecMeansTheSame(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"show":     "#!/bin/sh\necho \"$0\" $# \"$@\" A=$A X=$X; cat; exit ${STATUS:-0}",
		"bare":     "echo bare $1 $A",
		"plain":    "no program",
		"in":       "input\n",
		"args":     "1 2",
		"a*b":      "",
		"sub/show": "#!/bin/sh\necho sub",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		mode := os.FileMode(0o755)
		if name == "plain" {
			mode = 0o644
		}
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	dash, err := exec.LookPath("dash")
	if err != nil {
		t.Skip(err)
	}
	run := func(line string) string {
		cmd := exec.Command(dash, "-c", line)
		cmd.Dir = dir
		cmd.Env = []string{"PATH=" + dir + ":/usr/bin:/bin", "HOME=/nowhere", "X=of the environment"}
		out, _ := cmd.Output()
		return string(out) + cmd.ProcessState.String()
	}
	for _, line := range []string{
		"show",
		"./show a 'b c' \"$X\" $X",
		"A=1 X= ./show $A",
		"A=$(cat args) show $(cat args)",
		"STATUS=3 show <in",
		"show <in >out 2>&1",
		"cat <in",
		"<in show a*b *.none",
		"show ~ ~/x",
		"PATH=" + dir + "/sub:$PATH show",
		"bare 1",
		"A=2 ./bare 1",
		"nosuch",
		"./nosuch",
		"./plain",
		"./sub",
		"show <nosuch",
		"show ${X:?} \\\n more",
		"show ${NONE:?}",
		"show $((1 + 2)) `cat args`",
		"sleep 0",
	} {
		if Exec(line) == line {
			t.Errorf("%q is unchanged", line)
		}
		if want, got := run(line), run(Exec(line)); got != want {
			t.Errorf("%q\n%s\nwithout exec:\n%s", Exec(line), got, want)
		}
	}
}
