package complete

import (
	"fmt"
	"strings"
)

// Files stands for the names of files, which the shell knows best.
var Files = Candidate{Word: ":files"}

// CommandLine stands for a command line of its own that begins with this word
// of the shell's.
func CommandLine(start int) Candidate { return Candidate{Word: fmt.Sprintf(":command %d", start)} }

// Words are what stands behind "devports" up to the cursor. Make them with
// [Plain] or [Bash].
type Words struct {
	words []string                              // the last is the one at the cursor
	at    []int                                 // where each is among the words of the shell
	put   func(c Candidate) (_ string, ok bool) // the line for a candidate, if it fits
}

// Plain are words as they are meant, of a shell that handles quotes itself.
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
