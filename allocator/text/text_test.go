package text

import (
	"os/exec"
	"testing"
	"time"
	"unicode/utf8"
)

func TestNearest(t *testing.T) {
	for _, test := range []struct {
		name       string
		candidates []string
		want       string
	}{
		{"porrt", []string{"port", "ports", "dir"}, "port"},
		{"PORT_ATUH", []string{"PORT_AUTH", "PORT_DB"}, "PORT_AUTH"},
		{"commnad", []string{"command", "env"}, "command"},
		{"Auth", []string{"auth"}, "auth"},
		{"rnu", []string{"up", "env", "run", "rm"}, "run"},
		{"htp", []string{"tcp", "http"}, "http"},
		{"wbe", []string{"web", "we"}, "web"},
		{"xyz", []string{"auth", "db"}, ""},
		{"a", []string{"b"}, ""},
		{"x", nil, ""},
	} {
		got, ok := Nearest(test.name, test.candidates)
		if got != test.want || ok != (test.want != "") {
			t.Errorf("Nearest(%q, %v) = %q, %v; want %q", test.name, test.candidates, got, ok, test.want)
		}
	}
}

func TestJoin(t *testing.T) {
	for want, words := range map[string][]string{"": nil, "a": {"a"}, "a or b": {"a", "b"}, "a, b or c": {"a", "b", "c"}} {
		if got := Join(words, "or"); got != want {
			t.Errorf("%q: %q, want %q", words, got, want)
		}
	}
}

func TestFirstLine(t *testing.T) {
	for s, want := range map[string]string{"": "", "a": "a", "a\n": "a", "a\nb\n": "a", "\nb": ""} {
		if got := FirstLine(s); got != want {
			t.Errorf("%q: %q, want %q", s, got, want)
		}
	}
}

func FuzzInvalidUTF8(f *testing.F) {
	for _, s := range []string{"", "é\ufffd", "a\xff", "\xe2\x82", "\xed\xa0\x80"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		at := InvalidUTF8(s)
		switch {
		case at < 0 && utf8.ValidString(s):
		case at < 0, !utf8.ValidString(s[:at]), utf8.ValidString(s):
			t.Errorf("%q: %d", s, at)
		default:
			if r, size := utf8.DecodeRuneInString(s[at:]); r != utf8.RuneError || size != 1 {
				t.Errorf("%q: %d is %q", s, at, r)
			}
		}
	})
}

// A quoted value is one literal word for the shell.
func FuzzQuoteSh(f *testing.F) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		f.Skip(err)
	}
	for _, s := range []string{"", "plain-1.2:/@", "a b", "it's", "$HOME `id` \\ \"", "=a", "-n", "~", "a\nb", "é"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, c := range []byte(s) {
			if c == 0 {
				return // arguments cannot contain it
			}
		}
		out, err := exec.Command(sh, "-c", "printf %s "+QuoteSh(s)).Output()
		if err != nil || string(out) != s {
			t.Errorf("%q quoted as %s is %q, %v", s, QuoteSh(s), out, err)
		}
	})
}

func TestDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		999_999 * time.Microsecond:   "999 ms",
		1_440_000 * time.Microsecond: "1.4 s",
		8 * time.Second:              "8 s",
	} {
		if got := Duration(d); got != want {
			t.Errorf("%d: %q, want %q", d, got, want)
		}
	}
}

func TestQuoteArgOnWindows(t *testing.T) {
	for value, want := range map[string]string{
		`C:\dev\shop`:    `C:\dev\shop`,
		`C:\PROGRA~1`:    `C:\PROGRA~1`,
		`C:\my shop`:     `"C:\my shop"`,
		`C:\my shop\`:    `"C:\my shop\\"`,
		`a&b`:            `"a&b"`,
		`say "hi"`:       `"say \"hi\""`,
		``:               `""`,
		`it's`:           `"it's"`,
		`echo $PORT > x`: `"echo $PORT > x"`,
	} {
		if got := quoteArg(value, true); got != want {
			t.Errorf("%s: %s, want %s", value, got, want)
		}
	}
}
