package screen

import (
	"bytes"
	"strings"
	"testing"

	"github.com/devports/devports/launcher/terminal"
)

// footer returns a Footer on a terminal of 24 rows, and a function that returns
// what was sent since its last call, with names for what the Footer adds.
func footer() (*Footer, *bytes.Buffer, func() string) {
	var out bytes.Buffer
	f := NewFooter(&out, func() terminal.Size { return terminal.Size{Rows: 24, Columns: 80} }, Row{{Text: "status"}})
	return f, &out, func() string {
		defer out.Reset()
		row := save + "\x1b[?6l\x1b[0m\x1b(B\x0f\x1b[24;1H\x1b[2Kstatus" + restore
		return strings.NewReplacer(row, "<row>", "\x1b[1;23r", "<region>", "\x1b", "ESC").Replace(out.String())
	}
}

func TestFooter(t *testing.T) {
	f, _, sent := footer()
	if got, want := sent(), "ESC7ESC[rESC8\nESC[AESC7<region>ESC8<row>"; got != want {
		t.Errorf("it begins with %q, want %q", got, want)
	}
	for _, test := range []struct {
		name  string
		parts []string
		want  string
	}{
		{"text", []string{"hello\n"}, "hello\n"},
		{"a colour", []string{"\x1b[31mred\x1b[0m"}, "ESC[31mredESC[0m"},
		{"erase", []string{"a\x1b[Jb"}, "aESC[Jb<row>"},
		{"a part of a sequence", []string{"a\x1b[", "2Jb"}, "aESC[2Jb<row>"},
		{"a part of a character", []string{"\x1b[J\xe4\xbd", "\xa0"}, "ESC[J\xe4\xbd\xa0<row>"},
		{"a region of its own", []string{"\x1b[5;10r"}, "ESC[5;10r"},
		{"the whole screen", []string{"\x1b[r\x1b[0;0r\x1b[1;24r\x1b[;99r"}, "<region><region><region><region>"},
		{"its whole screen", []string{"\x1b[1;23r"}, "<region>"},
		{"no region", []string{"\x1b[?1r\x1b[10r"}, "ESC[?1rESC[10r"},
		{"another screen", []string{"\x1b[?1049h"}, "ESC[?1049h<row>"},
		{"reset", []string{"\x1bcx"}, "ESCcESC7<region>ESC8x<row>"},
		{"a saved cursor", []string{"\x1b7\x1b[J", "x\x1b8"}, "ESC7ESC[JxESC8<row>"},
		{"a title", []string{"\x1b]0;a [J\a", "\x1b]0;\x1b[J"}, "ESC]0;a [J\aESC]0;ESC[J"},
	} {
		for _, part := range test.parts {
			if n, err := f.Write([]byte(part)); n != len(part) || err != nil {
				t.Errorf("%s: %d, %v", test.name, n, err)
			}
		}
		if got := sent(); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

// Everything passes, in whatever parts it comes, and the row is never drawn
// within a sequence.
func FuzzFooter(f *testing.F) {
	f.Add([]byte("a\x1b[31mred\x1b]8;;x\x1b\\é\x1b(0\x1b[J"), uint8(3))
	f.Add([]byte("\x1b7\x1b[2J\xff\xe4\xbd\x1b"), uint8(1))
	f.Fuzz(func(t *testing.T, text []byte, size uint8) {
		if bytes.ContainsAny(text, "rcp\x0f") { // which the Footer replaces or adds to
			return
		}
		foot, out, _ := footer()
		out.Reset()
		for rest := text; len(rest) > 0; {
			n := min(int(size)+1, len(rest))
			_, _ = foot.Write(rest[:n])
			rest = rest[n:]
		}
		_, _ = out.Write(foot.held)
		row := save + "\x1b[?6l\x1b[0m\x1b(B\x0f\x1b[24;1H\x1b[2Kstatus" + restore
		if got := strings.ReplaceAll(out.String(), row, ""); got != string(text) {
			t.Errorf("%q became %q", text, got)
		}
	})
}
