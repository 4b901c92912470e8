package procfile

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// Parts splits a value where expand expands it.
func TestParts(t *testing.T) {
	values := map[string]string{"A": "a", "B": "", "C_1": "$x"}
	get := in(values)
	var join func([]Part) string
	join = func(parts []Part) string {
		var b strings.Builder
		for _, p := range parts {
			value := values[p.Name]
			switch {
			case p.Name == "":
				b.WriteString(p.Text)
			case p.Operator == ":-" && value == "", p.Operator == ":+" && value != "":
				b.WriteString(join(p.Word))
			case p.Operator != ":+":
				b.WriteString(value)
			}
		}
		return b.String()
	}
	pieces := []string{"$", "{", "}", "A", "B", "C_1", ":-", ":+", "x", "$$", "${", "é", " ", "$A", "${B:-", "1"}
	expanded := 0
	for range 20_000 {
		var s string
		for range rand.IntN(8) {
			s += pieces[rand.IntN(len(pieces))]
		}
		want, _, err := expand(s, get)
		if err != nil {
			continue
		}
		if got := join(Parts(s)); got != want {
			t.Fatalf("%q: %q, want %q", s, got, want)
		}
		expanded++
	}
	if expanded < 5000 {
		t.Errorf("only %d values without a mistake", expanded)
	}
}
