package dashboard

import (
	"encoding/json"
	"fmt"
	"image/color"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

const (
	// maxLine is how much of a line a page gets, in bytes with control
	// sequences.
	maxLine = 20 << 10

	// maxSegments is the number of segments of a line; the rest is one segment.
	maxSegments = 1000
)

// segment is a part of a line in one style.
type segment struct {
	text string
	style
}

// MarshalJSON formats a segment as in the package's documentation.
func (s segment) MarshalJSON() ([]byte, error) {
	classes := s.classes()
	switch {
	case s.foreground.rgb != "" || s.background.rgb != "":
		return json.Marshal([]string{s.text, classes, s.foreground.rgb, s.background.rgb})
	case classes != "":
		return json.Marshal([]string{s.text, classes})
	}
	return json.Marshal(s.text)
}

// style is a style of text in a terminal.
type style struct {
	bold, dim, italic, underline, struck, inverse bool
	foreground, background                        hue
}

// hue is a colour: one of the terminal's 16, or any; the zero hue is the default.
type hue struct {
	number int // from 1 to 16; 0 for none
	rgb    string
}

func (s style) classes() string {
	var b strings.Builder
	add := func(class string) {
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(class)
	}
	for _, attribute := range []struct {
		set   bool
		class string
	}{{s.bold, "b"}, {s.dim, "d"}, {s.italic, "i"}, {s.underline, "u"}, {s.struck, "x"}, {s.inverse, "v"}} {
		if attribute.set {
			add(attribute.class)
		}
	}
	if s.foreground.number > 0 {
		add(fmt.Sprintf("f%d", s.foreground.number-1))
	}
	if s.background.number > 0 {
		add(fmt.Sprintf("g%d", s.background.number-1))
	}
	return b.String()
}

var parsers = sync.Pool{New: func() any {
	p := ansi.NewParser()
	p.SetDataSize(0) // no data of strings, such as titles
	return p
}}

// segments decodes a line of output. cut is the number of bytes at its end that
// are left out.
func segments(line string) (parts []segment, cut int) {
	if len(line) > maxLine {
		end := maxLine
		for end > maxLine-utf8.UTFMax && !utf8.RuneStart(line[end]) {
			end--
		}
		line, cut = line[:end], len(line)-end
	}
	parser := parsers.Get().(*ansi.Parser)
	defer parsers.Put(parser)
	var now style
	var text strings.Builder
	returned := false // what follows overwrites the line, as progress bars do
	write := func(more string) {
		if returned {
			text.Reset()
			parts, returned = nil, false
		}
		text.WriteString(more)
	}
	flush := func() {
		if text.Len() > 0 {
			parts = append(parts, segment{text.String(), now})
			text.Reset()
		}
	}
	for line != "" {
		if n := strings.IndexFunc(line, isControl); n != 0 {
			if n < 0 {
				n = len(line)
			}
			write(strings.ToValidUTF8(line[:n], "\ufffd"))
			line = line[n:]
			continue
		}
		if line[0] == '\r' {
			returned, line = true, line[1:]
			continue
		}
		if line[0] != ansi.ESC {
			r, n := utf8.DecodeRuneInString(line)
			write(string(symbol(r)))
			line = line[n:]
			continue
		}
		sequence, _, n, _ := ansi.DecodeSequence(line, ansi.NormalState, parser)
		if n <= 0 {
			n = 1
		}
		line = line[n:]
		if !ansi.HasCsiPrefix(sequence) || ansi.Cmd(parser.Command()) != 'm' {
			continue
		}
		if next := now.apply(parser.Params()); next != now && len(parts) < maxSegments {
			flush()
			now = next
		}
	}
	flush()
	return parts, cut
}

// isControl reports whether a character is not shown as it is. Those of C1 are no
// control sequences here: few terminals accept them in UTF-8.
func isControl(r rune) bool { return r < 0x20 && r != '\t' || r >= 0x7f && r < 0xa0 }

// symbol stands for a control character.
func symbol(r rune) rune {
	switch {
	case r < 0x20:
		return 0x2400 + r
	case r == 0x7f:
		return 0x2421
	}
	return utf8.RuneError
}

// apply returns the style after a control sequence: SGR in ECMA-48.
func (s style) apply(params ansi.Params) style {
	if len(params) == 0 {
		return style{}
	}
	for i := 0; i < len(params); i++ {
		switch p := params[i].Param(0); {
		case p == 0:
			s = style{}
		case p == 1:
			s.bold = true
		case p == 2:
			s.dim = true
		case p == 3:
			s.italic = true
		case p == 4 || p == 21:
			s.underline = true
			if p == 4 && params[i].HasMore() && i+1 < len(params) { // 4:0 to 4:5
				i++
				s.underline = params[i].Param(0) != 0
			}
		case p == 7:
			s.inverse = true
		case p == 9:
			s.struck = true
		case p == 22:
			s.bold, s.dim = false, false
		case p == 23:
			s.italic = false
		case p == 24:
			s.underline = false
		case p == 27:
			s.inverse = false
		case p == 29:
			s.struck = false
		case p >= 30 && p <= 37:
			s.foreground = hue{number: p - 30 + 1}
		case p == 39:
			s.foreground = hue{}
		case p >= 40 && p <= 47:
			s.background = hue{number: p - 40 + 1}
		case p == 49:
			s.background = hue{}
		case p >= 90 && p <= 97:
			s.foreground = hue{number: p - 90 + 9}
		case p >= 100 && p <= 107:
			s.background = hue{number: p - 100 + 9}
		case p == 38 || p == 48 || p == 58:
			h, n := readHue(params[i:])
			if p == 38 {
				s.foreground = h
			} else if p == 48 {
				s.background = h
			}
			i += max(n, 1) - 1
		}
	}
	return s
}

// readHue returns the colour that parameters from 38, 48 or 58 on select, and
// their number.
func readHue(params ansi.Params) (hue, int) {
	var c color.Color
	n := ansi.ReadStyleColor(params, &c)
	if n <= 0 || c == nil {
		return hue{}, max(n, 1)
	}
	if indexed, ok := c.(ansi.IndexedColor); ok && indexed < 16 {
		return hue{number: int(indexed) + 1}, n
	}
	if basic, ok := c.(ansi.BasicColor); ok {
		return hue{number: int(basic) + 1}, n
	}
	r, g, b, a := c.RGBA()
	if a == 0 {
		return hue{}, n
	}
	return hue{rgb: fmt.Sprintf("#%02x%02x%02x", r>>8, g>>8, b>>8)}, n
}
