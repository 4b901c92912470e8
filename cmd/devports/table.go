package main

import (
	"io"
	"strings"

	"github.com/devports/devports/allocator/text"
	"github.com/devports/devports/launcher/screen"
)

// table is text in columns, which are aligned for a terminal.
type table struct{ rows [][]string }

// add adds a row. Newlines in its cells are replaced.
func (t *table) add(cells ...string) {
	row := make([]string, len(cells))
	for i, cell := range cells {
		row[i] = text.OneLine(cell)
	}
	t.rows = append(t.rows, row)
}

// write writes the rows, with two spaces between columns. The last cell of a
// row may be wider than its column.
func (t *table) write(w io.Writer) error {
	var widths []int
	for _, row := range t.rows {
		for i, cell := range row[:len(row)-1] {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], screen.Width(cell))
		}
	}
	var out strings.Builder
	for _, row := range t.rows {
		for i, cell := range row {
			if i < len(row)-1 {
				cell = screen.Pad(cell, widths[i]) + "  "
			}
			out.WriteString(cell)
		}
		out.WriteByte('\n')
	}
	_, err := io.WriteString(w, out.String())
	return err
}
