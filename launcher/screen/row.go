package screen

import (
	"bytes"
	"strings"

	"github.com/mattn/go-runewidth"
)

// Row is a line of text in pieces that look differently.
type Row []Span

// Span is text without control characters.
type Span struct {
	Text  string
	Style string // SGR parameters, such as "1;32"; "" for none
}

// parse makes a row of text in which escape sequences set colours; all others
// are left out.
func parse(text string) (row Row) {
	style := ""
	for text != "" {
		plain, rest, more := strings.Cut(text, "\x1b")
		if plain != "" {
			row = append(row, Span{plain, style})
		}
		if !more {
			return row
		}
		parameters, color := strings.CutPrefix(rest, "[")
		parameters, after, _ := strings.Cut(parameters, "m")
		switch {
		case !color: // a link
			_, text, _ = strings.Cut(rest, "\\")
			continue
		case parameters == "" || parameters == "0":
			style = ""
		case style == "":
			style = parameters
		default:
			style += ";" + parameters
		}
		text = after
	}
	return row
}

// Width is how many columns a row takes.
func (r Row) Width() (columns int) {
	for _, s := range r {
		columns += Width(s.Text)
	}
	return columns
}

// Width is how many columns a text takes.
func Width(text string) int { return widths.StringWidth(text) }

// widths takes letters of ambiguous width for narrow ones, whatever the locale,
// as terminals do.
var widths = func() *runewidth.Condition {
	c := runewidth.NewCondition()
	c.EastAsianWidth = false
	return c
}()

// cut returns a row that is no wider than so many columns.
func (r Row) cut(columns int) Row {
	for i, s := range r {
		width := Width(s.Text)
		switch {
		case columns <= 0:
			return r[:i]
		case width > columns:
			s.Text = widths.Truncate(s.Text, columns, "…")
			return append(r[:i:i], s)
		}
		columns -= width
	}
	return r
}

func (r Row) write(out *bytes.Buffer) {
	for _, s := range r {
		if s.Style == "" {
			out.WriteString(s.Text)
			continue
		}
		out.WriteString("\x1b[" + s.Style + "m" + s.Text + "\x1b[0m")
	}
}

// Pad fills a text up with blanks to so many columns, or cuts it.
func Pad(text string, columns int) string {
	if width := Width(text); width <= columns {
		return text + strings.Repeat(" ", columns-width)
	}
	return widths.Truncate(text, columns, "…")
}
