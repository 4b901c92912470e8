package wording_test

import (
	"os/exec"
	"testing"
	"time"

	"github.com/devports/devports/internal/wording"
)

func TestSentences(t *testing.T) {
	for got, want := range map[string]string{
		wording.List(nil):                              "nothing",
		wording.List([]string{"a"}):                    "a",
		wording.List([]string{"a", "b", "c"}):          "a, b and c",
		wording.Numbers([]int{80, 443}):                "80 and 443",
		wording.Count(0, "port"):                       "no ports",
		wording.Count(1, "port"):                       "1 port",
		wording.Count(12, "port"):                      "12 ports",
		wording.Duration(999_999 * time.Microsecond):   "999 ms",
		wording.Duration(1_440_000 * time.Microsecond): "1.4 s",
		wording.OneLine("sh -c a\n\tb\x1b"):            "sh -c a  b ",
		wording.Shorten("näher", 5):                    "näher",
		wording.Shorten("näher", 4):                    "näh…",
		wording.FirstLine("a\nb\n"):                    "a",
		wording.FirstLine("a"):                         "a",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestInvalidUTF8(t *testing.T) {
	for s, want := range map[string]int{"": -1, "é\uFFFD": -1, "é\xff": 2, "\uFFFD\xc3": 3, "\xe2\x82": 0} {
		if got := wording.InvalidUTF8(s); got != want {
			t.Errorf("%q: %d, want %d", s, got, want)
		}
	}
}

// TestQuoteSh has a shell say what the quoted words mean, with any character
// that could be special, at either end and in the middle.
func TestQuoteSh(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("no POSIX shell here")
	}
	script, want := "", ""
	for c := rune(1); c < 0x7f; c++ {
		for _, word := range []string{string(c), string(c) + "x", "x" + string(c), "é" + string(c) + "x"} {
			script += "printf '%s\\0' " + wording.QuoteSh(word) + "\n"
			want += word + "\x00"
		}
	}
	script, want = script+"printf '%s\\0' "+wording.QuoteSh(""), want+"\x00"
	if got, err := exec.Command(sh, "-c", script).Output(); err != nil || string(got) != want {
		t.Errorf("%v: sh reads\n%q\nwant\n%q", err, got, want)
	}
}
