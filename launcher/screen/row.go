package screen

import (
	"bytes"
	"strings"

	"github.com/mattn/go-runewidth"
)

// Row is a line of text in pieces of different style.
type Row []Span

// Span is text without control characters.
type Span struct {
	Text  string
	Style string // SGR parameters, such as "1;32"; "" for none
}

// parse returns the row for a text whose escape sequences set colours. It leaves
// out all others.
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

// Width returns the number of columns of a row.
func (r Row) Width() (columns int) {
	for _, s := range r {
		columns += Width(s.Text)
	}
	return columns
}

// Width returns the number of columns of a text.
func Width(text string) int { return widths.StringWidth(text) }

// widths treats characters of ambiguous width as narrow in every locale, as
// terminals do.
var widths = func() *runewidth.Condition {
	c := runewidth.NewCondition()
	c.EastAsianWidth = false
	return c
}()

// cut returns a row shortened to at most columns.
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

// Pad pads a text with blanks to a number of columns, or shortens it.
func Pad(text string, columns int) string {
	if width := Width(text); width <= columns {
		return text + strings.Repeat(" ", columns-width)
	}
	return widths.Truncate(text, columns, "…")
}

// Truncate shortens a text to a number of columns.
func Truncate(text string, columns int) string { return widths.Truncate(text, columns, "") }

// PadLeft pads a text with blanks before it to a number of columns.
func PadLeft(text string, columns int) string {
	return strings.Repeat(" ", max(columns-Width(text), 0)) + text
}

// Middle shortens a text to a number of columns by leaving out its middle: names
// often differ at their end.
func Middle(text string, columns int) string {
	width := Width(text)
	if width <= columns {
		return text
	}
	if columns < 3 {
		return widths.Truncate(text, columns, "")
	}
	head := widths.Truncate(text, columns/2, "")
	tail := widths.TruncateLeft(text, width-(columns-1-Width(head)), "")
	return head + "…" + strings.TrimPrefix(tail, " ") // a blank stands for half of a wide character
}
