package complete

import (
	"fmt"
	"strings"
)

// Files stands for file names, which the shell completes.
var Files = Candidate{Word: ":files"}

// CommandLine stands for a nested command line that starts at this word of the
// shell.
func CommandLine(start int) Candidate { return Candidate{Word: fmt.Sprintf(":command %d", start)} }

// Words are the words between "devports" and the cursor. Create them with
// [Plain] or [Bash].
type Words struct {
	words []string                              // the last one is at the cursor
	at    []int                                 // the index of each among the words of the shell
	put   func(c Candidate) (_ string, ok bool) // formats a candidate, if it matches
}

// Plain converts words without quotes, of a shell that handles quotes itself.
// There must be at least one.
func Plain(words []string) Words {
	t := Words{words: words, put: func(c Candidate) (string, bool) { return c.String(), true }}
	for i := range words {
		t.at = append(t.at, i+1)
	}
	return t
}

func (t Words) print(candidates []Candidate) string {
	var b strings.Builder
	for _, c := range candidates {
		if line, ok := t.put(c); ok {
			b.WriteString(line + "\n")
		}
	}
	return b.String()
}
