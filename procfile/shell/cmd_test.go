package shell

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestCmd(t *testing.T) {
	environ := map[string]string{
		"PORT": "8080", "PORT_API": "8081", "EMPTY": "", "SPACED": "a b", "low": "x",
		"AMP": "a&b|c<d>e^f(g)", "PERCENT": "50%PATH%", "QUOTE": `a "b" c`, "DIR": `C:\data\`, "HOME": `C:\Users\me`,
		"LINES": "a\nb", "URL": "http://127.0.0.1:8080/?a=1&b=2", "JSON": `{"a":"b\"}`,
	}
	get := func(name string) (string, bool) { value, ok := environ[name]; return value, ok }
	for _, test := range []struct{ line, want string }{
		// variables
		{"npm run dev", "npm run dev"},
		{"npm run dev -- --port $PORT", "npm run dev -- --port 8080"},
		{"a ${PORT} $PORT_API x${PORT}y $PORT.z", "a 8080 8081 x8080y 8080.z"},
		{`a "$PORT" 'is $PORT'`, `a "8080" 'is 8080'`},
		{"a $EMPTY ${EMPTY} $low $LOW", "a   x $LOW"},
		{"a ${PORT:-3000} ${NONE:-3000} ${EMPTY:-b c}", "a 8080 3000 b c"},
		{"a $SPACED", "a a b"},

		// no variables
		{"a $NONE ${NONE} $ $1 $@ ${ ${} ${PORT ${PORT%0} ${PORT:+x}", "a $NONE ${NONE} $ $1 $@ ${ ${} ${PORT ${PORT%0} ${PORT:+x}"},
		{"a $$PORT $$", "a $$PORT $$"},
		{`a ^$PORT "^$PORT"`, `a ^$PORT "^8080"`},
		{"a %PORT% ^%PORT^% 100%", "a %PORT% ^%PORT^% 100%"},
		{"a ${NONE:-$PORT}", "a ${NONE:-8080}"},
		{"a $LINES", "a $LINES"},
		{"a $", "a $"},
		{"a ^", "a ^"},
		{`a "$`, `a "$`},

		// values are data
		{"a $AMP", "a a^&b^|c^<d^>e^^f^(g^)"},
		{`a "$AMP"`, `a "a&b|c<d>e^f(g)"`},
		{"curl $URL && b", "curl http://127.0.0.1:8080/?a=1^&b=2 && b"},
		{"a $PERCENT", "a 50^%PATH^%"},
		{`a "x&y $PERCENT" "z&"`, `a ^"x^&y 50^%PATH^%^" "z&"`},
		{"a $QUOTE", `a a \^"b\^" c`},
		{`a "$QUOTE"`, `a ^"a \^"b\^" c^"`},
		{`a "$JSON"`, `a ^"{\^"a\^":\^"b\\\^"}^"`},
		{`a "$DIR" $DIR "$DIR$DIR" "$DIR\" "x\"`, `a "C:\data\\" C:\data\ "C:\data\C:\data\\" "C:\data\\\" "x\"`},
		{`cd "$DIR$EMPTY" && a`, `cd "C:\data\\" && a`},
		{`a \$PORT`, `a \8080`},

		// programs
		{"./bin/api --dir ./data/x", `.\bin\api --dir ./data/x`},
		{"cd api && ../bin/x/y | .bin/z & (./a)", `cd api && ..\bin\x\y | .bin\z & (.\a)`},
		{"@./a/b", `@.\a\b`},
		{"$HOME/bin/x a/b", `C:\Users\me\bin\x a/b`},
		{`C:/tools/x /y`, `C:\tools\x /y`},
		{"${NONE:-target}/debug/x && bin/y", `target\debug\x && bin\y`},
		{"cd/d x & DIR/b/s", "cd/d x & DIR/b/s"},
		{"/c/x", "/c/x"},
		{"echo ./a & dir/b", "echo ./a & dir/b"},
		{`"./my api/x" ./y`, `"./my api/x" ./y`},
		{`echo "&./a/b"^&./c/d`, `echo "&./a/b"^&./c/d`},
		{"./a>out/b", `.\a>out/b`},

		// assignments
		{"A=1 npm start", "set A=1&npm start"},
		{` A=$PORT B_2="x & y $AMP" C='q' D= ./a/b -x E=1`, `set A=8080&set B_2=x ^& y a^&b^|c^<d^>e^^f^(g^)&set C=q&set D=&.\a\b -x E=1`},
		{`A=$QUOTE$PERCENT$DIR a`, `set A=a ^"b^" c50^%PATH^%C:\data\&a`},
		{"A=%PATH% a\nB=2 b", "set A=%PATH%&a & set B=2&b"},
		{"A=1", "A=1"},
		{"--a=1 b", "--a=1 b"},
		{"a b=1 c", "a b=1 c"},
		{"$LOW=1 c", "$LOW=1 c"},
		{"$low=1 c", "x=1 c"},

		// lines
		{"a\nb $PORT\r\n\n  # comment\nc \\\n  d\n", "a & b 8080 & c    d"},
		{"a\n", "a"},
		{"", ""},
	} {
		if got := Cmd(test.line, get); got != test.want {
			t.Errorf("%s\n got %s\nwant %s", test.line, got, test.want)
		}
	}
}

// FuzzCmd holds Cmd to what cmd.exe and a program make of a line: the value of a
// variable arrives as it is, and does nothing else.
func FuzzCmd(f *testing.F) {
	f.Add(`a $A "$B" x & b "$A$B\"`, `a&b`, `c"d\`)
	f.Add(`"$A & %B% ^" | ^$A '$B' ${A}`, `50%PATH%`, `\`)
	f.Add(`a \$A\"b $B\\"`, `"\"`, `^"&"`)
	f.Add(`(a ^"$A" > b) %A`, `%`, `B%`)
	f.Fuzz(func(t *testing.T, line, a, b string) {
		if !utf8.ValidString(line) || !utf8.ValidString(a+b) || strings.ContainsAny(line, "\x00\r\n\v%") || strings.ContainsAny(a+b, "\x00\r\n") || strings.ContainsAny(a+b, placeholders) ||
			strings.ContainsAny(line, placeholders) || strings.Contains(line, ":-") || strings.Contains(line+a+b, "/") || strings.Contains(line, `""`) || strings.Contains(line, "=") {
			return // "" is a quote in a quote for some programs
		}
		if a == "" || b == "" {
			return // arguments vanish
		}
		values := map[string]string{"A": a, "B": b}
		marks := map[string]string{"A": "\ue000", "B": "\ue001"}
		environ := map[string]string{"PATH": "path & here", "A": "wrong", "B": "wrong", " ": "wrong", "&": "wrong"}
		in := func(m map[string]string) func(string) (string, bool) {
			return func(name string) (string, bool) { v, ok := m[name]; return v, ok }
		}
		got := simulate(Cmd(line, in(values)), environ)
		want := simulate(Cmd(line, in(marks)), environ)
		for i, w := range want {
			want[i] = normal(strings.NewReplacer("\ue000", a, "\ue001", b).Replace(w))
		}
		for i, g := range got {
			got[i] = normal(g)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q with A=%q B=%q is %q:\n got %q\nwant %q", line, a, b, Cmd(line, in(values)), got, want)
		}
	})
}

const placeholders = "\ue000\ue001\ue002"

// normal makes blanks alike: those in a value without quotes separate arguments.
func normal(s string) string { return strings.Join(strings.Fields(s), " ") }

// simulate returns the commands that cmd.exe would run for a line, with the
// operators between them, and of each the arguments that a program would see.
func simulate(line string, environ map[string]string) (commands []string) {
	line = percents(line, environ)
	var b strings.Builder
	end := func() { commands = append(commands, strings.Join(arguments(b.String()), " ")); b.Reset() }
	quoted := false
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '"':
			quoted = !quoted
			b.WriteByte(c)
		case quoted:
			b.WriteByte(c)
		case c == '^':
			if i++; i < len(line) {
				b.WriteByte(line[i])
			}
		case strings.IndexByte("&|<>()", c) >= 0:
			end()
			commands = append(commands, string(c))
		default:
			b.WriteByte(c)
		}
	}
	end()
	return commands
}

// percents expands %NAME%, as cmd.exe does before all else; an unknown one stays.
func percents(line string, environ map[string]string) string {
	var b strings.Builder
	for line != "" {
		if line[0] == '%' {
			if name, rest, ok := strings.Cut(line[1:], "%"); ok {
				if value, known := environ[name]; known {
					b.WriteString(value)
					line = rest
					continue
				}
			}
		}
		b.WriteByte(line[0])
		line = line[1:]
	}
	return b.String()
}

// arguments parses a command line as CommandLineToArgvW does.
func arguments(line string) (args []string) {
	var b strings.Builder
	quoted, any := false, false
	end := func() {
		if any {
			args = append(args, b.String())
		}
		b.Reset()
		any = false
	}
	for i := 0; i < len(line); i++ {
		n := 0
		for i < len(line) && line[i] == '\\' {
			n++
			i++
		}
		if i < len(line) && line[i] == '"' {
			b.WriteString(strings.Repeat(`\`, n/2))
			any = true
			if n%2 == 1 {
				b.WriteByte('"')
			} else {
				quoted = !quoted
			}
			continue
		}
		if n > 0 {
			b.WriteString(strings.Repeat(`\`, n))
			any = true
		}
		if i == len(line) {
			break
		}
		if c := line[i]; !quoted && (c == ' ' || c == '\t') {
			end()
		} else {
			b.WriteByte(c)
			any = true
		}
	}
	end()
	return args
}
