package procfile

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The table lists the documented meaning of lines in env files.
func TestEnvFileLines(t *testing.T) {
	for _, test := range []struct {
		src  string
		want map[string]string
	}{
		{`A=x`, map[string]string{"A": "x"}},
		{`B = spaced`, map[string]string{"B": "spaced"}},
		{`export C=x`, map[string]string{"C": "x"}},
		{`K: yaml`, map[string]string{"K": "yaml"}},
		{"A=x\nD=\"dq $A \\n y\"", map[string]string{"A": "x", "D": "dq x \n y"}},
		{`E='sq $A \n'`, map[string]string{"E": `sq $A \n`}},
		{"A=x\nlow=l\nF=un $A ${A} $low", map[string]string{"A": "x", "low": "l", "F": "un x x l"}},
		{`G=val # c`, map[string]string{"G": "val"}},
		{"G=30 # see issue #42\nH=a#b\t# c # d\n", map[string]string{"G": "30", "H": "a#b"}},
		{`G=#1 # c`, map[string]string{"G": "#1"}},
		{`H="v # n" # c`, map[string]string{"H": "v # n"}},
		{`T=a#b`, map[string]string{"T": "a#b"}},
		{`S=#hash`, map[string]string{"S": "#hash"}},
		{`I=`, map[string]string{"I": ""}},
		{`I= # nothing`, map[string]string{"I": ""}},
		{`W=${UNDEF:-def}`, map[string]string{"W": "def"}},
		{`X=${UNDEF}`, map[string]string{"X": ""}},
		{`X=a$$b`, map[string]string{"X": "a$b"}},
		{`X="a$$b"`, map[string]string{"X": "a$b"}},
		{`X='a$$b'`, map[string]string{"X": "a$$b"}},
		{`X="a\$A"`, map[string]string{"X": "a$A"}},
		{`X="a\\"`, map[string]string{"X": `a\`}},
		{`X="a\\$A\"b"`, map[string]string{"X": `a\"b`}},
		{`X="say \"hi\""`, map[string]string{"X": `say "hi"`}},
		{`X="\""`, map[string]string{"X": `"`}},
		{`X="\"\"\""`, map[string]string{"X": `"""`}},
		{`X="'''\"\"\""`, map[string]string{"X": `'''"""`}},
		{`X="''"`, map[string]string{"X": "''"}},
		{`X='""'`, map[string]string{"X": `""`}},
		{`X="C:\temp"`, map[string]string{"X": `C:\temp`}},
		{`X="a\\nb"`, map[string]string{"X": `a\nb`}},
		{`X='C:\dir\'`, map[string]string{"X": `C:\dir\`}},
		{`X=C:\dir\new`, map[string]string{"X": `C:\dir\new`}},
		{"M=\"one\ntwo\n\nthree\"\nN=1", map[string]string{"M": "one\ntwo\n\nthree", "N": "1"}},
		{"M='one\ntwo'", map[string]string{"M": "one\ntwo"}},
		{`O=$(echo hi)`, map[string]string{"O": "$(echo hi)"}},
		{"O=`echo hi`", map[string]string{"O": "`echo hi`"}},
		{`Q=it's`, map[string]string{"Q": "it's"}},
		{`MYVAR=~pun|u@|0n$=`, map[string]string{"MYVAR": "~pun|u@|0n$="}},
		{`MAIL=user@domain.com`, map[string]string{"MAIL": "user@domain.com"}},
		{`URL=https://x.y/?a=1&b=2?c`, map[string]string{"URL": "https://x.y/?a=1&b=2?c"}},
		{"A=1\r\nB=\"2\r\n3\"\r\n", map[string]string{"A": "1", "B": "2\n3"}},
		{"\ufeffA=1", map[string]string{"A": "1"}},
		{"# c\n\n  # d\nA=1\n", map[string]string{"A": "1"}},
		{"A=1\nA=2", map[string]string{"A": "2"}},
		{"A=\ue000$A\ue001", map[string]string{"A": "\ue000\ue001"}}, // the first characters that could mask a dollar
	} {
		vars, problems := parseEnvFile(".env", []byte(test.src))
		if len(problems) > 0 {
			t.Errorf("%q: %v", test.src, problems)
			continue
		}
		got := map[string]string{}
		for _, v := range vars {
			value, _, err := expand(v.Value, in(got))
			if err != nil {
				t.Errorf("%q: %v", test.src, err)
			}
			got[v.Name] = value
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", test.src, diff)
		}
	}
}

func TestEnvFileProblems(t *testing.T) {
	for _, test := range []struct{ src, want string }{
		{"A=1\nDASH-X=2", `.env:2:1: "DASH-X" is not a valid variable name`},
		{"DOT.X=1", `.env:1:1: "DOT.X" is not a valid variable name`},
		{"export B C=2", `.env:1:8: "B C" is not a valid variable name`},
		{"\n\nnovalue", `.env:3:1: expected NAME=value, got "novalue"`},
		{"=x", `.env:1:1: "" is not a valid variable name`},
		{"1A=x", `.env:1:1: "1A" is not a valid variable name`},
		{"A=1\nB=\"open\nC=2", ".env:2:3: missing closing quote"},
		{"A='x' y", `.env:1:3: unexpected "y" after the closing quote`},
		{"A=\"x\ny\" z\nB-=1", ".env:1:3: unexpected \"z\" after the closing quote\n.env:3:1: \"B-\" is not a valid variable name"},
		{"A=\xff", ".env:1:3: not UTF-8 text"},
		{"A=1\nB=\x00", ".env:2:3: must not contain a NUL character"},
	} {
		_, problems := parseEnvFile(".env", []byte(test.src))
		if diff := cmp.Diff(test.want, problems.Error()); diff != "" {
			t.Errorf("%q (-want +got):\n%s", test.src, diff)
		}
	}
}

func FuzzEnvFile(f *testing.F) {
	for _, s := range []string{"A=1", "A=\"x\ny\" # c", "A='\\'", "export A: b\r\n", "A=\\$x", "A=\"\\\\$x\"", "A= #", "A=x #"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, src string) {
		vars, problems := parseEnvFile(".env", []byte(src))
		inFile(t, src, problems)
		for _, v := range vars {
			if !isVariableName(v.Name) || strings.ContainsRune(v.Value, 0) {
				t.Errorf("%q gives %q=%q", src, v.Name, v.Value)
			}
		}
		// An entry that is neither blank nor a comment is a variable or a
		// problem.
		text := strings.TrimSpace(strings.TrimPrefix(src, "\ufeff"))
		if text != "" && text[0] != '#' && len(vars) == 0 && len(problems) == 0 {
			t.Errorf("%q: no variable and no problem", src)
		}
	})
}
