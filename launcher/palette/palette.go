// Package palette has the colours of devports' own output. They are readable on
// a black and on a white background: a terminal does not reliably report its
// own. Each has a contrast of at least 3:1 with both, by the formula of WCAG 2.
//
// Of a terminal's 256 colours, the programs' 16 to 255 are the same everywhere;
// the first 16 differ between terminals, and users change them. A palette for
// terminals that have only those avoids the ones that are too bright or too
// dark in some terminal: most of them.
package palette

import (
	"regexp"
	"sync"
)

// Palette holds the SGR parameters of colours; "" is the terminal's own.
type Palette struct {
	Good  string   // ready, done
	Busy  string   // starting, stopping
	Bad   string   // failed
	Quiet string   // less important text
	Note  string   // notes and hints
	Names []string // services get them in turn
}

// Bold is the SGR parameter of bold text, and Reverse of text with the colours
// of text and background exchanged.
const (
	Bold    = "1"
	Reverse = "7"
)

// many is for terminals with 256 colours.
var many = Palette{
	Good: "38;5;28", Busy: "38;5;130", Bad: "38;5;160", Quiet: "38;5;243", Note: "38;5;30",
	Names: []string{
		"38;5;30", "38;5;136", "38;5;28", "38;5;133", "38;5;32", "38;5;166", // cyan, yellow, green, magenta, blue, orange
		"38;5;66", "38;5;100", "38;5;64", "38;5;162", "38;5;62", "38;5;131",
	},
}

// few is for terminals with 16 colours.
var few = Palette{Busy: "35", Bad: "91", Note: "94", Names: []string{"94", "35", "", "91"}}

// limited matches the names of terminal types with 16 colours or fewer.
var limited = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(linux|ansi|cygwin|cons25|sun|vt\d+|xterm|screen|tmux|rxvt)(-(m|color|16color|88color|bce|basic))*$`)
})

// For returns the palette for a terminal, by the values of TERM and COLORTERM.
func For(term, colorterm string) Palette {
	if colorterm == "" && limited().MatchString(term) {
		return few
	}
	return many
}

// Paint returns a text in a colour.
func Paint(sgr, text string) string {
	if sgr == "" {
		return text
	}
	return "\x1b[" + sgr + "m" + text + "\x1b[0m"
}
