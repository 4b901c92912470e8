package wording_test

import (
	"testing"

	"github.com/devports/devports/allocator/text"
	"github.com/devports/devports/cmd/devports/internal/wording"
)

func TestSentences(t *testing.T) {
	for got, want := range map[string]string{
		wording.List(nil):                     "nothing",
		wording.List([]string{"a"}):           "a",
		wording.List([]string{"a", "b", "c"}): "a, b and c",
		wording.Numbers([]int{80, 443}):       "80 and 443",
		wording.Count(0, "port"):              "no ports",
		wording.Count(1, "port"):              "1 port",
		wording.Count(12, "port"):             "12 ports",
		text.OneLine("sh -c a\n\tb\x1b"):      "sh -c a  b ",
		wording.Shorten("näher", 5):           "näher",
		wording.Shorten("näher", 4):           "näh…",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
