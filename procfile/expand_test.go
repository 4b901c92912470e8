package procfile

import (
	"slices"
	"strings"
	"testing"
)

func TestExpand(t *testing.T) {
	env := in(map[string]string{"A": "x", "low": "y", "EMPTY": "", "_1": "z", "DOLLAR": "$A"})
	for _, test := range []struct{ in, want, undefined, err string }{
		{in: "", want: ""},
		{in: "plain", want: "plain"},
		{in: "$A ${A} $low ${_1}.", want: "x x y z."},
		{in: "$Ab", undefined: "Ab"},
		{in: "${A}b", want: "xb"},
		{in: "$$A $$", want: "$A $"},
		{in: "$$$A", want: "$x"},
		{in: "100$ $5 $(date) $.", want: "100$ $5 $(date) $."},
		{in: "${A:-d} ${U:-d} ${EMPTY:-d} ${U:-}", want: "x d d "},
		{in: "$EMPTY${EMPTY}", want: ""},
		{in: "${U:-${A}${V:-}$$}", want: "x$"},
		{in: "${U:-${V:-{}}}", want: "{}"},
		{in: "${U:-$V}", undefined: "V"},
		{in: "${A:-$V}", want: "x"},
		{in: "$U$V$U", undefined: "U V U"},
		{in: "$DOLLAR", want: "$A"}, // values are not expanded again
		{in: "x${A:+-$A}${EMPTY:+e}${U:+$V}", want: "x-x"},
		{in: "${A:+$V}", undefined: "V"},
		{in: "${U:-a:-b}", want: "a:-b"},
		{in: "${A", err: "${A has no closing brace"},
		{in: "x${}", err: "${} is not supported: use ${NAME} or ${NAME:-default}"},
		{in: "${A-d}", err: "${A-d} is not supported: use ${NAME} or ${NAME:-default}"},
		{in: "${1}", err: "${1} is not supported: use ${NAME} or ${NAME:-default}"},
		{in: "${U:-${B}", err: "${U:-${B} has no closing brace"},
		{in: "${U:-${B-}}", err: "${B-} is not supported: use ${NAME} or ${NAME:-default}"},
	} {
		got, undefined, err := expand(test.in, env)
		text := ""
		if err != nil {
			text = err.Error()
		}
		if got != test.want || strings.Join(undefined, " ") != test.undefined || text != test.err {
			t.Errorf("expand(%q) = %q, undefined %q, error %q;\nwant %q, %q, %q", test.in, got, undefined, text, test.want, test.undefined, test.err)
		}
	}
}

func FuzzExpand(f *testing.F) {
	for _, s := range []string{"$A", "${A:-${B}}", "$$", "${", "${A:-$$}}", "a$", "${A:-{}}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		lookedUp := map[string]bool{}
		got, undefined, err := expand(s, func(name string) (string, bool) {
			lookedUp[name] = true
			return "v", name == "A"
		})
		if err != nil {
			return
		}
		for _, name := range undefined {
			if !lookedUp[name] || name == "A" || !isVariableName(name) {
				t.Errorf("expand(%q): %q is listed as undefined", s, name)
			}
		}
		if !strings.Contains(s, "$") && got != s {
			t.Errorf("expand(%q) = %q", s, got)
		}
		// Doubled dollars escape any text.
		protected := strings.ReplaceAll(s, "$", "$$")
		if got, undefined, err := expand(protected, in(nil)); got != s || len(undefined) > 0 || err != nil {
			t.Errorf("expand(%q) = %q, %v, %v; want %q", protected, got, undefined, err, s)
		}
	})
}

func TestIsVariableName(t *testing.T) {
	if !slices.Equal([]bool{isVariableName("A1_"), isVariableName("1A"), isVariableName(""), isVariableName("A-B")}, []bool{true, false, false, false}) {
		t.Error("isVariableName")
	}
}
