package output

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestPrintable(t *testing.T) {
	for _, test := range []struct{ name, line, want string }{
		{"text", "naïve\tjob, 你好 ✓", "naïve\tjob, 你好 ✓"},
		{"colors", "\x1b[1;31mred\x1b[0m and \x1b[38:5:4mblue", "\x1b[1;31mred\x1b[0m and \x1b[38:5:4mblue\x1b[0m"},
		{"a color that is reset", "\x1b[31mred\x1b[0m", "\x1b[31mred\x1b[0m"},
		{"clear", "\x1b[H\x1b[2J\x1b[3Jhello", "hello"},
		{"cursor and screen", "a\x1b[5;10Hb\x1b[Kc\x1b7d\x1b[?1049he\x1b[1;5rf\x1b[?25l", "abcdef"},
		{"letters of another set", "\x1b(0lqk\x0e\x0f", "lqk"},
		{"a key mode, not a color", "\x1b[>4;2mx\x1b[?4my", "xy"},
		{"progress", "10%\r20%\r30%", "30%"},
		{"progress by sequences", "\x1b[2K\x1b[1G10%\x1b[G\x1b[31m20%", "\x1b[31m20%\x1b[0m"},
		{"colors of overwritten text", "\x1b[31mred\rplain", "plain"},
		{"carriage returns at the end", "all of it\r\r", "all of it"},
		{"controls", "a\a\b\v\f\x00\x7fb", "ab"},
		{"C1 in UTF-8", "a\u009b31mb\u0085", `a\x9b31mb\x85`},
		{"letters that begin alike", "¡Â©", "¡Â©"},
		{"title", "\x1b]0;a title\ax\x1b]2;another\x1b\\y", "xy"},
		{"link", "\x1b]8;;http://a/\x1b\\text\x1b]8;;\x1b\\", "\x1b]8;;http://a/\x1b\\text\x1b]8;;\x1b\\\x1b]8;;\x1b\\"},
		{"picture", "\x1bPq#0;2;0;0;0#0~~@@\x1b\\x", "x"},
		{"cut off", "a\x1b[31", "a"},
		{"cut off in a string", "a\x1b]0;never ending", "a"},
		{"cut off at once", "a\x1b", "a"},
		{"invalid UTF-8", "\xff\x80é\xe4\xbd", `\xff\x80é\xe4\xbd`},
	} {
		if got, _ := appendPrintable([]byte("> "), []byte(test.line)); string(got) != "> "+test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, "> "+test.want)
		}
	}
}

// allowed matches the escape sequences that pass.
var allowed = regexp.MustCompile("\x1b\\[[0-9:;]*m|\x1b\\]8;[^\x1b\a]*(\x1b\\\\|\a)")

// FuzzPrintable checks that nothing passes but text, colours and links.
func FuzzPrintable(f *testing.F) {
	f.Add([]byte("\x1b[31mred\x1b[0m\x1b]8;;x\x1b\\link\r\x1b[?25l\u009b\x1b(0"))
	f.Add([]byte("\x1b]8;;\x1b\x1b\\\xc2"))
	f.Fuzz(func(t *testing.T, line []byte) {
		if bytes.IndexByte(line, '\n') >= 0 {
			return
		}
		got, _ := appendPrintable(nil, line)
		if !utf8.Valid(allowed.ReplaceAll(got, nil)) {
			t.Fatalf("%q becomes %q, which is invalid UTF-8", line, got)
		}
		for _, r := range allowed.ReplaceAllString(string(got), "") {
			if r < ' ' && r != '\t' || r >= 0x7f && r < 0xa0 {
				t.Fatalf("%q becomes %q, which contains %q", line, got, r)
			}
		}
	})
}

// On a screen, a redrawn progress line overwrites the previous one; in a pipe, it
// follows.
func TestPrintableProgress(t *testing.T) {
	equal(t, progress(t, Style{Printable: true}), "web      | 1%\rweb      | 2%\nother    | hello\nweb      | 3%\rweb      | done\n")
	equal(t, progress(t, Style{Printable: true, Pipe: true}), "web      | 1%\nweb      | 2%\nother    | hello\nweb      | 3%\nweb      | done\n")
}

func progress(t *testing.T, style Style) string {
	var out paper
	m := New(&out, style, "web")
	web, other := m.Stream("web"), m.Stream("other")
	web.emit([]byte("1%"))
	web.emit([]byte("\r2%"))
	other.emit([]byte("hello\n"))
	web.emit([]byte("\r3%"))
	web.emit([]byte("\rdone\r\n"))
	web.mux.streams.Done()
	web.mux.streams.Done()
	closeMux(t, m)
	return out.String()
}

// Into a pipe, a block is only looked at closely if it may move the cursor.
func TestPrintableInPipe(t *testing.T) {
	long := strings.Repeat("x", maxBlock) // which reaches beyond what is looked at
	for _, test := range []struct{ printed, want string }{
		{"plain\nbell\a\n", "web | plain\nweb | bell\a\n"},
		{"plain\n\x1b[2Jx\n", "web | plain\nweb | x\n"},
		{"plain\n\u009b2Jx\n", "web | plain\nweb | \\x9b2Jx\n"},
		{"\x1bcx\n" + long + "\n", "web | x\nweb | " + long + "\n"},
		{"x\n" + long + "\x1bc\n", "web | x\nweb | " + long + "\n"},
	} {
		var out paper
		m := New(&out, Style{Printable: true, Pipe: true}, "web")
		web := m.Stream("web")
		web.emit([]byte(test.printed))
		m.streams.Done()
		closeMux(t, m)
		if got := regexp.MustCompile(`(?m)^web +\| `).ReplaceAllString(out.String(), "web | "); got != test.want {
			t.Errorf("%.20q: %.60q (%d bytes), want %.60q (%d)", test.printed, got, len(got), test.want, len(test.want))
		}
	}
}

func TestIsPrintableASCII(t *testing.T) {
	for length := range 26 {
		for at := range length {
			for b := range 256 {
				text := bytes.Repeat([]byte{'x'}, length)
				text[at] = byte(b)
				if got, want := isPrintableASCII(text), printableASCII[b] && b != '\t'; got != want {
					t.Errorf("%q: %v, want %v", text, got, want)
				}
			}
		}
	}
}
