package dashboard

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestSegments(t *testing.T) {
	for _, tt := range []struct{ line, want string }{
		{"", `null`},
		{"plain\ttext", `["plain\ttext"]`},
		{"<script>alert(1)</script>", `["\u003cscript\u003ealert(1)\u003c/script\u003e"]`},
		{"\x1b[32mGET\x1b[0m /", `[["GET","f2"]," /"]`},
		{"\x1b[1;33;44mx\x1b[22my\x1b[39;49mz", `[["x","b f3 g4"],["y","f3 g4"],"z"]`},
		{"\x1b[91;107mx", `[["x","f9 g15"]]`},
		{"\x1b[2;3;4;7;9mx\x1b[mz", `[["x","d i u x v"],"z"]`},
		{"\x1b[38;5;196mx\x1b[38;5;9my\x1b[38;5;244mz", `[["x","","#ff0000",""],["y","f9"],["z","","#808080",""]]`},
		{"\x1b[38;2;1;2;300mx\x1b[48;2;1;2;3;1my", `["x",["y","b","","#010203"]]`},
		{"\x1b[38:2::255:128:0mx\x1b[38:2:1:2:3my\x1b[38:5:4mz", `[["x","","#ff8000",""],["y","","#010203",""],["z","f4"]]`},
		{"\x1b[38;5mx\x1b[38my\x1b[38;2;1mz\x1b[99999999999999999mq", `["xyzq"]`},
		{"\x1b[4:3mx\x1b[4:0my", `[["x","u"],"y"]`},
		{"10 %\r20 %\r", `["20 %"]`},
		{"a\x1b]0;title\x07b\x1b[2Jc\x1b[10;10Hd\x1bPq\x1b\\e\x1b[?25lf", `["abcdef"]`},
		{"a\x1b]8;;http://example.com\x1b\\link\x1b]8;;\x1b\\b\x1b]8;;x\x07c", `["alinkbc"]`},
		{"nul\x00bell\x07del\x7f", `["nulbelldel"]`},
		{"bad\xffutf\xc3", `["bad\\xffutf\\xc3"]`},
		{"c1\u009b31mx", `["c1\\x9b31mx"]`},
		{"\u202eevil\u2066x", "[\"\u202eevil\u2066x\"]"},
		{"\x1b", `null`},
		{"x\x1b[", `["x"]`},
	} {
		parts, cut := segments(tt.line)
		got, err := json.Marshal(parts)
		if err != nil || string(got) != tt.want || cut != 0 {
			t.Errorf("%q: %s, want %s (cut %d, %v)", tt.line, got, tt.want, cut, err)
		}
	}
}

func TestLongLines(t *testing.T) {
	for _, text := range []string{"x", "é", "\x1b[31mx\x1b[32my", "\xff", "\u202e"} {
		line := strings.Repeat(text, 1<<20/len(text))
		parts, cut := segments(line)
		size := 0
		for _, p := range parts {
			size += len(p.text)
		}
		if size == 0 || size > 4*maxLine || cut < len(line)-maxLine || cut > len(line)-maxLine+utf8.UTFMax || len(parts) > maxSegments+1 {
			t.Errorf("%q: %d segments with %d bytes, cut %d of %d", text, len(parts), size, cut, len(line))
		}
	}
}

func FuzzSegments(f *testing.F) {
	for _, line := range []string{"", "\x1b[38;5;1mx", "\x1b[38:2::1:2:3mx", "\x1b]8;;u\x1b\\x", "a\rb\x00\xff", "\x1b[1;;4:3;58:5:1;48;2m"} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		parts, cut := segments(line)
		if cut < 0 || len(line) <= maxLine && cut != 0 {
			t.Errorf("cut %d", cut)
		}
		for _, p := range parts {
			if p.text == "" || !utf8.ValidString(p.text) || strings.ContainsFunc(p.text, func(r rune) bool { return unicode.IsControl(r) && r != '\t' }) {
				t.Errorf("%q: %q", line, p.text)
			}
			for _, c := range []string{p.foreground.rgb, p.background.rgb} {
				if c != "" && (len(c) != 7 || strings.Trim(c[1:], "0123456789abcdef") != "") {
					t.Errorf("%q: the colour %q", line, c)
				}
			}
		}
	})
}
