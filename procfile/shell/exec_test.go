package shell

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
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

func TestFields(t *testing.T) {
	environ := map[string]string{"PORT": "8080", "SPACED": "a b", "EMPTY": "", "GLOB": "*"}
	get := func(name string) (string, bool) { value, ok := environ[name]; return value, ok }
	for _, test := range []struct {
		line string
		want []string // nil: the shell is needed
	}{
		{"sleep 10", []string{"sleep", "10"}},
		{"  ./bin/api --port=$PORT -x${PORT}y  # comment", []string{"./bin/api", "--port=8080", "-x8080y"}},
		{"a 'b $c' \"d ${SPACED}!\" \"$EMPTY\" ''", []string{"a", "b $c", "d a b!", "", ""}},
		{"a x'y'\"z\" \"$GLOB\" {b,c} A=1 -- é;", []string{"a", "xyz", "*", "{b,c}", "A=1", "--", "é"}},
		{"a \\\n  b", []string{"a", "b"}},

		{"a $NONE", nil},
		{"a $SPACED", nil},
		{"a $EMPTY", nil},
		{"a $GLOB", nil},
		{"a ${PORT:-1}", nil},
		{"a ${#PORT}", nil},
		{"a ${PORT#8}", nil},
		{"a $1 $@ $$ $?", nil},
		{"a $(b)", nil},
		{"a `b`", nil},
		{"a $((1+1))", nil},
		{"a \"$(b)\"", nil},
		{"a ~", nil},
		{"a b*", nil},
		{"a b?", nil},
		{"a [b]", nil},
		{"a b\\ c", nil},
		{"a \"b\\\"c\"", nil},
		{"a $", nil},
		{"a b\r", nil},
		{"a b\x00", nil},
		{"A=1 a", nil},
		{"a >b", nil},
		{"a <b", nil},
		{"a; b", nil},
		{"a &", nil},
		{"a | b", nil},
		{"cd a", nil},
		{"exec a", nil},
		{"$PORT", nil},
		{"", nil},
	} {
		got, ok := Fields(test.line, get)
		if ok != (test.want != nil) || ok && !slices.Equal(got, test.want) {
			t.Errorf("%q: %q, %t, want %q", test.line, got, ok, test.want)
		}
	}
}

// FuzzFields holds Fields to what dash makes of a line.
func FuzzFields(f *testing.F) {
	dash, err := exec.LookPath("dash")
	if err != nil {
		f.Skip(err)
	}
	for _, line := range []string{"show a 'b c' \"d $A\" $B ${A}x", "show {a,b} a=b %1 !", "show \\\n b\xff", "show $A$B\"$C\"'x'"} {
		f.Add(line, "a b", "c")
	}
	dir := f.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "show"), []byte("#!/bin/sh\nprintf '%s\\0' \"$@\"\n"), 0o755); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, line, a, b string) {
		environ := map[string]string{"A": a, "B": b}
		words, ok := Fields(line, func(name string) (string, bool) { value, ok := environ[name]; return value, ok })
		if !ok || words[0] != "show" || strings.Contains(a+b, "\x00") {
			return
		}
		cmd := exec.Command(dash, "-c", line)
		cmd.Env = []string{"PATH=" + dir, "A=" + a, "B=" + b}
		out, err := cmd.Output()
		if want := strings.Join(append(words[1:], ""), "\x00"); err != nil || string(out) != want && len(words) > 1 {
			t.Errorf("%q: dash %q (%v), want %q", line, out, err, want)
		}
	})
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
