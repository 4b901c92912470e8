package terminal

import (
	"regexp"
	"strings"
	"testing"
)

func TestAnswerer(t *testing.T) {
	for _, test := range []struct{ written, want string }{
		{"hello\r\n", ""},
		{"\x1b[5n", "\x1b[0n"},
		{"\x1b[6n", "\x1b[1;1R"},
		{"ab▽\x1b[31m\x1b[6n", "\x1b[1;4R"},
		{"ab\r\nc\b\b\x1b[6n", "\x1b[1;1R"},
		{"a\tb\x1b[6n\x1b[3G\x1b[6n\x1b[5;7H\x1b[6n\x1b[H\x1b[6n", "\x1b[1;10R\x1b[1;3R\x1b[1;7R\x1b[1;1R"},
		{strings.Repeat("x", 25) + "\x1b[6n", "\x1b[1;6R"},
		{"\x1b[c\x1b[0c\x1b[>c\x1b[>0c", "\x1b[?1;2c\x1b[?1;2c\x1b[>0;0;0c\x1b[>0;0;0c"},
		{"\x1b]10;?\x1b\\\x1b]11;?\a", "\x1b]10;rgb:ffff/ffff/ffff\x1b\\\x1b]11;rgb:0000/0000/0000\a"},
		{"\x1b]2;rm -rf\a\x1b[21t\x1bP$qm\x1b\\\x1b]52;c;?\a\x1b[?1$p\x1b[>q\x05", ""}, // answers could contain bytes of the program
		{"\x1bP\x1b[6n", "\x1b[1;1R"}, // ESC ends the string
		{"\x1bP[6n\x1b\\\x1b]0;[6n\a", ""},
		{"\x1b[" + strings.Repeat("6", 100) + "n\x1b[?6n\x1b[7n\x1b[1c", ""},
		{"\x1b[99999999999999999999G\x1b[6n", "\x1b[1;32767R"},
	} {
		var whole, single Answerer
		if got := string(whole.Answer([]byte(test.written), 20)); got != test.want {
			t.Errorf("%q is answered by %q, want %q", test.written, got, test.want)
		}
		got := ""
		for i := range len(test.written) {
			got += string(single.Answer([]byte{test.written[i]}, 20))
		}
		if got != test.want {
			t.Errorf("%q, byte by byte, is answered by %q, want %q", test.written, got, test.want)
		}
	}
}

// No answer contains anything a program has chosen, except a column.
func FuzzAnswerer(f *testing.F) {
	answers := regexp.MustCompile(`^(\x1b\[0n|\x1b\[1;\d{1,5}R|\x1b\[\?1;2c|\x1b\[>0;0;0c|\x1b\]1[01];rgb:(ffff/ffff/ffff|0000/0000/0000)(\a|\x1b\\))*$`)
	f.Add([]byte("\x1b[6n\x1b]11;?\a\x1bP$qm\x1b\\"))
	f.Fuzz(func(t *testing.T, written []byte) {
		var a Answerer
		if got := a.Answer(written, 80); !answers.Match(got) {
			t.Fatalf("%q is answered by %q", written, got)
		}
	})
}
