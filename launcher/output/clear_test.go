package output

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// viteClear returns what Vite 5 to 7 print to clear a terminal of that many rows:
// console.log of rows - 2 newlines, readline.cursorTo(0, 0) and
// readline.clearScreenDown. The terminal converts newlines to CR LF.
func viteClear(rows int) string {
	return strings.Repeat("\r\n", rows-1) + "\x1b[1;1H" + "\x1b[0J"
}

// printed returns the screen after a service has written the pieces.
func printed(t *testing.T, style Style, pieces ...string) string {
	t.Helper()
	var out paper
	synctest.Test(t, func(t *testing.T) {
		m := New(&out, style, "web")
		web := newFakePipe()
		go m.Stream("web").Copy(web)
		for _, piece := range pieces {
			write(t, web, piece)
			synctest.Wait()
		}
		web.Close()
		closeMux(t, m)
	})
	return out.String()
}

// Only the newlines of a clear are dropped, wherever reads end.
func TestClearByNewlines(t *testing.T) {
	style := Style{NoPrefix: true, Printable: true}
	text := "restarting\r\n" + viteClear(24) + "\r\n  VITE v5.4.10  ready\r\n"
	for at := range text {
		blank := strings.Count(printed(t, style, text[:at], text[at:]), "\n") - strings.Count("restarting\n\n  VITE\n", "\n")
		// A single blank line is not held back.
		if blank > 1 {
			t.Fatalf("cut before %q: %d lines too many", text[at:], blank)
		}
	}
	bytewise := strings.Split(text, "")
	if got := printed(t, style, bytewise...); strings.Count(got, "\n") > 4 {
		t.Errorf("byte by byte: %q", got)
	}
	for _, test := range []struct{ name, in, want string }{
		{"at first", viteClear(10) + "x\n", "x\n"},
		{"twice", "a\n" + viteClear(10) + "b\n" + viteClear(10) + "c\n", "a\nb\nc\n"},
		{"the end of an unfinished line", "a" + viteClear(10) + "b\n", "a\nb\n"},
		{"home without parameters", "a\n\n\n\n\x1b[H\x1b[Jb\n", "a\nb\n"},
		{"blank lines", "a\n\n\n\n\n\nb\n", "a\n\n\n\n\n\nb\n"},
		{"blank lines at the end", "a\n\n\n\n", "a\n\n\n\n"},
		{"blank lines before a colour", "a\n\n\n\n\x1b[31mb\x1b[0m\n", "a\n\n\n\n\x1b[31mb\x1b[0m\n"},
		{"without the erasing", "a\n\n\n\n\x1b[Hb\n", "a\n\n\n\nb\n"},
		{"with text between", "a\n\n\n\nx\x1b[H\x1b[Jb\n", "a\n\n\n\nxb\n"},
		{"a line apart", "a\n\n\x1b[H\x1b[Jb\n", "a\n\nb\n"},
		{"more than a buffer", strings.Repeat("\n", 3*maxBuffer) + "b\n", strings.Repeat("\n", 3*maxBuffer) + "b\n"},
	} {
		if got := printed(t, style, test.in); got != test.want {
			t.Errorf("%s: got %.80q, want %.80q", test.name, got, test.want)
		}
	}
	// Without Printable, everything passes.
	if got := printed(t, Style{NoPrefix: true}, "a\n\n\n\n\x1b[H\x1b[Jb\n"); got != "a\n\n\n\n\x1b[H\x1b[Jb\n" {
		t.Errorf("not printable: %q", got)
	}
}

// Blank lines are held back no longer than a prompt.
func TestBlankLinesAreShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out paper
		m := New(&out, Style{NoPrefix: true, Printable: true}, "web")
		web := newFakePipe()
		go m.Stream("web").Copy(web)
		after := func(d time.Duration, want string) {
			t.Helper()
			time.Sleep(d)
			synctest.Wait()
			equal(t, out.String(), want)
		}
		write(t, web, "a\n\n\n\n")
		after(PromptDelay/2, "a\n")
		write(t, web, "\n")
		after(PromptDelay/2-1, "a\n")
		after(1, "a\n\n\n\n\n")
		write(t, web, "\n\n\x1b[1;1H")
		after(PromptDelay, "a\n\n\n\n\n\n\n")
		web.Close()
		closeMux(t, m)
	})
}
