package palette

import (
	"math"
	"reflect"
	"strconv"
	"strings"
	"testing"
)

type rgb [3]int

// luminance is the relative luminance of WCAG 2.
func luminance(color rgb) float64 {
	var linear [3]float64
	for i, c := range color {
		if v := float64(c) / 255; v <= 0.04045 {
			linear[i] = v / 12.92
		} else {
			linear[i] = math.Pow((v+0.055)/1.055, 2.4)
		}
	}
	return 0.2126*linear[0] + 0.7152*linear[1] + 0.0722*linear[2]
}

// contrast is the contrast ratio of WCAG 2.
func contrast(a, b rgb) float64 {
	high, low := luminance(a), luminance(b)
	return (max(high, low) + 0.05) / (min(high, low) + 0.05)
}

// fixed returns one of the colours 16 to 255.
func fixed(n int) rgb {
	if n >= 232 {
		gray := 8 + 10*(n-232)
		return rgb{gray, gray, gray}
	}
	level := func(i int) int { return []int{0, 95, 135, 175, 215, 255}[i%6] }
	n -= 16
	return rgb{level(n / 36), level(n / 6), level(n)}
}

// sixteen are the first 16 colours of terminals.
var sixteen = map[string][16]rgb{
	"xterm": {
		{0, 0, 0},
		{205, 0, 0},
		{0, 205, 0},
		{205, 205, 0},
		{0, 0, 238},
		{205, 0, 205},
		{0, 205, 205},
		{229, 229, 229},
		{127, 127, 127},
		{255, 0, 0},
		{0, 255, 0},
		{255, 255, 0},
		{92, 92, 255},
		{255, 0, 255},
		{0, 255, 255},
		{255, 255, 255},
	},
	"the Linux console": {
		{0, 0, 0},
		{170, 0, 0},
		{0, 170, 0},
		{170, 85, 0},
		{0, 0, 170},
		{170, 0, 170},
		{0, 170, 170},
		{170, 170, 170},
		{85, 85, 85},
		{255, 85, 85},
		{85, 255, 85},
		{255, 255, 85},
		{85, 85, 255},
		{255, 85, 255},
		{85, 255, 255},
		{255, 255, 255},
	},
}

// shades returns what an SGR parameter looks like, by terminal.
func shades(t *testing.T, sgr string) map[string]rgb {
	if n, ok := strings.CutPrefix(sgr, "38;5;"); ok {
		number, err := strconv.Atoi(n)
		if err != nil || number < 16 || number > 255 {
			t.Fatalf("%s is not one of the fixed colours", sgr)
		}
		return map[string]rgb{"every terminal": fixed(number)}
	}
	n, err := strconv.Atoi(sgr)
	switch {
	case err == nil && n >= 30 && n <= 37:
		n -= 30
	case err == nil && n >= 90 && n <= 97:
		n -= 90 - 8
	default:
		t.Fatalf("%q is not a colour", sgr)
	}
	all := map[string]rgb{}
	for name, table := range sixteen {
		all[name] = table[n]
	}
	return all
}

func TestContrast(t *testing.T) {
	for name, p := range map[string]Palette{"many": many, "few": few} {
		for i, sgr := range append([]string{p.Good, p.Busy, p.Bad, p.Quiet, p.Note}, p.Names...) {
			if sgr == "" {
				continue // the terminal's own
			}
			for where, shade := range shades(t, sgr) {
				for background, color := range map[string]rgb{"black": {}, "white": {255, 255, 255}} {
					if got := contrast(shade, color); got < 3 {
						t.Errorf("%s, colour %d: %s has a contrast of %.2f with %s on %s", name, i, sgr, got, background, where)
					}
				}
			}
		}
	}
}

// The formula itself, with values of WCAG's own examples.
func TestFormula(t *testing.T) {
	for _, test := range []struct {
		color rgb
		want  float64
	}{{rgb{}, 21}, {rgb{255, 255, 255}, 1}, {rgb{119, 119, 119}, 4.48}, {rgb{255, 0, 0}, 4.00}} {
		if got := contrast(test.color, rgb{255, 255, 255}); math.Abs(got-test.want) > 0.01 {
			t.Errorf("%v on white: %.2f, want %.2f", test.color, got, test.want)
		}
	}
}

// Neighbours in the list of names look different.
func TestNames(t *testing.T) {
	for _, p := range []Palette{many, few} {
		seen := map[string]bool{}
		for _, sgr := range p.Names {
			if seen[sgr] {
				t.Errorf("%s is there twice", sgr)
			}
			seen[sgr] = true
		}
	}
}

func TestFor(t *testing.T) {
	for _, test := range []struct {
		term, colorterm string
		want            Palette
	}{
		{"xterm-256color", "", many},
		{"xterm", "truecolor", many},
		{"xterm", "", few},
		{"linux", "", few},
		{"screen", "", few},
		{"screen.xterm-256color", "", many},
		{"tmux-256color", "", many},
		{"alacritty", "", many},
		{"xterm-kitty", "", many},
		{"vt220", "", few},
		{"rxvt-16color", "", few},
		{"", "", many},
	} {
		if got := For(test.term, test.colorterm); !reflect.DeepEqual(got, test.want) {
			t.Errorf("TERM=%s COLORTERM=%s: %v", test.term, test.colorterm, got)
		}
	}
}
