package output

import "sync"

// names are the names before lines: the width of their column and the colour of
// each. Its mutex is never held for long, unlike that of the writer.
type names struct {
	mu     sync.Mutex // guards what follows
	width  int        // of the longest name so far
	colors map[string]string
}

// palette holds the SGR parameters of the colours that names get in turn.
var palette = [...]string{"36", "33", "32", "35", "34", "31", "96", "93", "92", "95", "94", "91"}

// add widens the column for name and returns its colour, which never changes.
func (n *names) add(name string) (color string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.width = max(n.width, len(name))
	color, known := n.colors[name]
	if !known {
		color = palette[len(n.colors)%len(palette)]
		n.colors[name] = color
	}
	return color
}

func (n *names) column() (width int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.width
}
