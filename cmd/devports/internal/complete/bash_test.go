package complete

import (
	"os/exec"
	"strings"
	"testing"
)

// TestQuoteBash lets bash evaluate the quoted words, with any special character
// in each kind of quotes.
func TestQuoteBash(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("bash is not installed")
	}
	var texts []string
	for c := rune(' '); c < 0x7f; c++ {
		texts = append(texts, string(c)+"x", "x"+string(c), "x"+string(c)+string(c)+"y", "é"+string(c))
	}
	var script, want strings.Builder
	for _, text := range texts {
		for _, typed := range []string{quoteBash(text, 0), "'" + quoteBash(text, '\'') + "'", `"` + quoteBash(text, '"') + `"`} {
			script.WriteString("printf '%s\\n' " + typed + "\n")
			want.WriteString(text + "\n")
			if read, open, _ := unquoteSh(typed); read != text || open != 0 {
				t.Errorf("%s is read as %q, want %q", typed, read, text)
			}
		}
	}
	cmd := exec.Command(bash, "--norc", "-s")
	cmd.Stdin = strings.NewReader(script.String())
	out, err := cmd.CombinedOutput()
	if got := string(out); err != nil || got != want.String() {
		t.Errorf("%v: bash reads\n%s\nwant\n%s", err, got, want.String())
	}
}
