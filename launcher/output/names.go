package output

import (
	"bytes"
	"sync"

	"github.com/devports/devports/launcher/screen"
)

// names are the names before lines: the width of their column and the colour of
// each. Its mutex is never held for long, unlike that of the writer.
type names struct {
	palette []string   // see Style.Colors
	limit   func() int // see Style.NameWidth

	mu     sync.Mutex // guards the fields below
	width  int        // of the longest name so far
	colors map[string]string
}

// add widens the column for name and returns its colour, which never changes.
func (n *names) add(name string) (color string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.width = max(n.width, len(name))
	color, known := n.colors[name]
	if !known && len(n.palette) > 0 {
		color = n.palette[len(n.colors)%len(n.palette)]
		n.colors[name] = color
	}
	return color
}

// column is the width of the column.
func (n *names) column() (width int) {
	n.mu.Lock()
	width = n.width
	n.mu.Unlock()
	if n.limit != nil {
		width = min(width, max(n.limit(), len(Own)))
	}
	return width
}

// padded is a name as it is shown in a column of a width.
func padded(name string, width int) []byte {
	if len(name) > width {
		name = screen.Middle(name, width)
	}
	return append([]byte(name), bytes.Repeat([]byte{' '}, max(width-screen.Width(name), 0))...)
}
