package output

import "sync"

// names are the names before lines: the width of their column and the colour of
// each. Its mutex is never held for long, unlike that of the writer.
type names struct {
	palette []string // see Style.Colors

	mu     sync.Mutex // guards what follows
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

func (n *names) column() (width int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.width
}
