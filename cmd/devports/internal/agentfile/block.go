package agentfile

import (
	"fmt"
	"strings"
)

// The lines around a block. They are comments in Markdown.
const (
	Begin = "<!-- devports: begin (written by devports agent init; edits between these lines are lost) -->"
	End   = "<!-- devports: end -->"

	beginPrefix = "<!-- devports: begin"
)

// DamagedError reports that the marks in a file are not one pair, so that it is
// unclear what is between them.
type DamagedError struct {
	Line    int // of a mark, from 1
	Problem string
}

func (e *DamagedError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Problem) }

// block is where the block of a text is: its marks are text[start:end].
type block struct {
	start, end int
	eol        string // the line ending after Begin
}

// find returns the block of a text; ok is false if it has none.
func find(text string) (b block, ok bool, err error) {
	offset, number, begun, ended := 0, 0, 0, 0
	for line := range strings.Lines(text) {
		number++
		switch words := strings.TrimSpace(line); {
		case strings.HasPrefix(words, beginPrefix):
			if begun > 0 {
				return b, false, &DamagedError{number, "a second mark that begins a block"}
			}
			begun = number
			b.start, b.eol = offset, ending(line)
		case words == End:
			if begun == 0 || ended > 0 {
				return b, false, &DamagedError{number, "a mark that ends no block"}
			}
			ended = number
			b.end = offset + len(strings.TrimRight(line, "\r\n"))
		}
		offset += len(line)
	}
	if begun > 0 && ended == 0 {
		return b, false, &DamagedError{begun, "a mark begins a block that does not end"}
	}
	return b, begun > 0, nil
}

// ending is the line ending of a line; "\n" if it has none.
func ending(line string) string {
	if strings.HasSuffix(line, "\r\n") {
		return "\r\n"
	}
	return "\n"
}

// Set returns text with content between the marks, at the end if it has none
// yet. All else stays as it is. The error is a *DamagedError.
func Set(text, content string) (string, error) {
	b, ok, err := find(text)
	if err != nil {
		return "", err
	}
	if !ok {
		first, _, _ := strings.Cut(text, "\n")
		b.eol = ending(first + "\n")
		separator := b.eol
		if text == "" {
			separator = ""
		}
		return text + separator + marked(content, b.eol) + b.eol, nil
	}
	return text[:b.start] + marked(content, b.eol) + text[b.end:], nil
}

// marked is content between its marks, with the line endings eol.
func marked(content, eol string) string {
	lines := Begin + "\n" + strings.TrimRight(content, "\n") + "\n" + End
	return strings.ReplaceAll(lines, "\n", eol)
}

// Remove returns text without its block, as it was before [Set] added that. The
// error is a *DamagedError.
func Remove(text string) (string, error) {
	b, ok, err := find(text)
	if err != nil || !ok {
		return text, err
	}
	before := strings.TrimSuffix(text[:b.start], b.eol)
	after := text[b.end:]
	if rest, ended := strings.CutPrefix(after, "\r\n"); ended {
		after = rest
	} else {
		after = strings.TrimPrefix(after, "\n")
	}
	return before + after, nil
}
