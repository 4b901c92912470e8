package dashboard

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/devports/devports/launcher/output"
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
	var now style
	var text strings.Builder
	flush := func() {
		if text.Len() > 0 {
			parts = append(parts, segment{text.String(), now})
			text.Reset()
		}
	}
	for rest := output.Printable(line); rest != ""; {
		before, sequence, found := strings.Cut(rest, "\x1b")
		text.WriteString(before)
		if !found {
			break
		}
		if link, ok := strings.CutPrefix(sequence, "]"); ok {
			n := strings.IndexAny(link, "\a\x1b") + 1 // the end is BEL, or ESC and a backslash
			if n > 0 && link[n-1] == '\x1b' {
				n++
			}
			rest = link[min(max(n, 1), len(link)):]
			continue
		}
		params, after, _ := strings.Cut(strings.TrimPrefix(sequence, "["), "m")
		rest = after
		if next := now.apply(params); next != now && len(parts) < maxSegments {
			flush()
			now = next
		}
	}
	flush()
	return parts, cut
}

// apply returns the style after a control sequence with these parameters: SGR in
// ECMA-48, and colours as in ITU T.416 or as xterm has them.
func (s style) apply(params string) style {
	for params, more := params, true; more; {
		var p string
		p, params, more = strings.Cut(params, ";")
		p, sub, _ := strings.Cut(p, ":")
		switch n := number(p); {
		case n == 0:
			s = style{}
		case n == 1:
			s.bold = true
		case n == 2:
			s.dim = true
		case n == 3:
			s.italic = true
		case n == 4:
			s.underline = sub != "0"
		case n == 7:
			s.inverse = true
		case n == 9:
			s.struck = true
		case n == 21:
			s.underline = true
		case n == 22:
			s.bold, s.dim = false, false
		case n == 23:
			s.italic = false
		case n == 24:
			s.underline = false
		case n == 27:
			s.inverse = false
		case n == 29:
			s.struck = false
		case n >= 30 && n <= 37:
			s.foreground = hue{number: n - 30 + 1}
		case n == 39:
			s.foreground = hue{}
		case n >= 40 && n <= 47:
			s.background = hue{number: n - 40 + 1}
		case n == 49:
			s.background = hue{}
		case n >= 90 && n <= 97:
			s.foreground = hue{number: n - 90 + 9}
		case n >= 100 && n <= 107:
			s.background = hue{number: n - 100 + 9}
		case n == 38 || n == 48 || n == 58:
			var h hue
			if sub != "" {
				h = colonHue(strings.Split(sub, ":"))
			} else {
				h, params, more = semicolonHue(params, more)
			}
			if n == 38 {
				s.foreground = h
			} else if n == 48 {
				s.background = h
			}
		}
	}
	return s
}

// number parses a parameter; absent ones are 0. It is -1 for others.
func number(text string) int {
	n, err := strconv.ParseUint("0"+text, 10, 16)
	if err != nil {
		return -1
	}
	return int(n)
}

// colonHue reads a colour such as 5:196, 2:255:0:0 or 2::255:0:0.
func colonHue(params []string) hue {
	switch {
	case len(params) >= 2 && params[0] == "5":
		return indexed(number(params[1]))
	case len(params) >= 5 && params[0] == "2":
		return direct(params[2], params[3], params[4])
	case len(params) == 4 && params[0] == "2":
		return direct(params[1], params[2], params[3])
	}
	return hue{}
}

// semicolonHue reads a colour such as 5;196 or 2;255;0;0, and returns the
// parameters after it.
func semicolonHue(params string, more bool) (h hue, rest string, left bool) {
	next := func() (p string) {
		if !more {
			return "missing"
		}
		p, params, more = strings.Cut(params, ";")
		return p
	}
	switch next() {
	case "5":
		h = indexed(number(next()))
	case "2":
		r, g, b := next(), next(), next()
		h = direct(r, g, b)
	}
	return h, params, more
}

func direct(r, g, b string) hue {
	return rgb(number(r), number(g), number(b))
}

func rgb(r, g, b int) hue {
	if min(r, g, b) < 0 || max(r, g, b) > 255 {
		return hue{}
	}
	return hue{rgb: fmt.Sprintf("#%02x%02x%02x", r, g, b)}
}

// indexed is a colour of xterm's palette of 256: 16 of the terminal, a cube, and
// grey.
func indexed(n int) hue {
	switch {
	case n < 0 || n > 255:
		return hue{}
	case n < 16:
		return hue{number: n + 1}
	case n >= 232:
		grey := 8 + 10*(n-232)
		return rgb(grey, grey, grey)
	}
	level := func(n int) int {
		if n == 0 {
			return 0
		}
		return 55 + 40*n
	}
	n -= 16
	return rgb(level(n/36), level(n/6%6), level(n%6))
}
