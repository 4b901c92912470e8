package procfile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Position is a place in a file. Line and Column count from 1, Column in
// bytes; the zero Position is the file as a whole.
type Position struct {
	Line   int `json:"line,omitempty"`
	Column int `json:"column,omitempty"`

	in *source // nil: the project file
}

// Problem is one mistake in a file, or one note about it.
type Problem struct {
	File string `json:"file,omitempty"` // as the user named it
	Position
	Text string `json:"text"`
	Hint string `json:"hint,omitempty"` // what to write instead, if known

	// Once: the note is for users who are new to devports. up prints it the first
	// time only.
	Once bool `json:"-"`
}

// Error returns "file:line:column: text", without the parts that are unknown.
func (p Problem) Error() string {
	where := p.File
	if p.Line > 0 {
		where += fmt.Sprintf(":%d", p.Line)
	}
	if p.Line > 0 && p.Column > 0 {
		where += fmt.Sprintf(":%d", p.Column)
	}
	if where == "" {
		return p.Text
	}
	return where + ": " + p.Text
}

// Problems are all the mistakes of a file, in the order of their positions.
type Problems []Problem

// Error returns one line for each problem.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// err returns the problems sorted by file and position, each once, and nil if
// there are none.
func (ps Problems) err() error {
	if len(ps) == 0 {
		return nil
	}
	return ps.sorted()
}

func (ps Problems) sorted() Problems {
	var sorted Problems
	seen := map[Problem]bool{}
	for _, p := range ps {
		if !seen[p] {
			seen[p] = true
			sorted = append(sorted, p)
		}
	}
	slices.SortStableFunc(sorted, func(a, b Problem) int {
		return cmp.Or(
			cmp.Compare(a.File, b.File),
			cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Column, b.Column),
		)
	})
	return sorted
}

// problemf returns a Problem. Its position is in the named file, unless it has a
// source.
func problemf(file string, pos Position, hint, format string, args ...any) Problem {
	file, pos.in = pos.file(file), nil
	return Problem{File: file, Position: pos, Text: fmt.Sprintf(format, args...), Hint: hint}
}
