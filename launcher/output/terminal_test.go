package output

import (
	"bytes"
	"testing"
)

// Text quoted in a message does not change the terminal.
func TestTerminal(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"\x1b[31merror:\x1b[0m naïve\t名\n", "\x1b[31merror:\x1b[0m naïve\t名\n"},
		{"a\x1b[31mb\nc\n", "a\x1b[31mb\x1b[0m\nc\n"},
		{"a\x1b]8;;x\x1b\\b", "a\x1b]8;;x\x1b\\b\x1b]8;;\x1b\\"},
		{"a\x1b[2Jb\x1b]0;c\ad\x1be", `a\x1b[2Jb\x1b]0;c\x07d\x1be`},
		{"overwritten\rby", `overwritten\x0dby`},
		{"\x1b]never ending\nmore\n", "\\x1b]never ending\nmore\n"},
		{"\x9b\u009b\xff\x7f\xe4", `\x9b\x9b\xff\x7f\xe4`},
	} {
		var out bytes.Buffer
		if n, err := NewTerminal(&out).Write([]byte(test.text)); n != len(test.text) || err != nil {
			t.Errorf("%q: %d, %v", test.text, n, err)
		}
		if out.String() != test.want {
			t.Errorf("%q becomes %q, want %q", test.text, &out, test.want)
		}
	}
}

// A character in two pieces is not split, however late the second one arrives.
func TestShownNow(t *testing.T) {
	for text, want := range map[string]int{
		"": 0, "a": 1, "é": 2, "a\xc3": 1, "a\xe4\xbd": 1, "a\xf0\x9f\x98": 1, "a\xff": 2, "\x80\x80\x80\x80": 4, "a\r": 1,
	} {
		if got := shownNow([]byte(text)); got != want {
			t.Errorf("%q: %d bytes, want %d", text, got, want)
		}
	}
}
