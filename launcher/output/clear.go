package output

import (
	"bytes"
	"regexp"
	"sync"
)

// Some programs clear their terminal by printing as many newlines as it has
// rows, and then taking the cursor home and erasing what is below it: Vite does,
// so that its user can scroll back
// (https://github.com/vitejs/vite/blob/main/packages/vite/src/node/logger.ts).
// Where sequences that move the cursor are left out, those newlines would push
// the lines of all other services out of sight: they are a part of the clear.

// openLine stands for the number of blank lines before a text that goes on an
// unfinished line.
const openLine = -1

// minClear is how many blank lines at least are taken for a part of a clear.
const minClear = 2

var (
	// clearing are the sequences after the newlines: CUP without parameters or to
	// 1;1, then ED (ECMA-48, sections 8.3.21 and 8.3.39).
	clearing = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^\x1b\[[01]?;?[01]?H\x1b\[[0-3]?J`) })

	// clearBegins matches what may be the beginning of them.
	clearBegins = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^(\x1b(\[[01]?;?[01]?(H(\x1b(\[[0-3]?)?)?)?)?)?$`)
	})
)

// blankRun returns where the run of blank lines begins that b ends with, and how
// many there are, with those before b if it begins there.
func blankRun(b []byte, before int) (start, blank int) {
	start = len(b)
	for start > 0 && b[start-1] == '\n' {
		line := bytes.TrimRight(b[:start-1], "\r")
		if len(line) > 0 && line[len(line)-1] != '\n' || len(line) == 0 && before == openLine {
			break // the end of a line with text
		}
		start, blank = len(line), blank+1
	}
	if start == 0 && before > 0 {
		blank += before
	}
	return start, blank
}

// mayClear is the length of b, which ends in a newline, less the blank lines at
// its end if with the unfinished line that follows they may be a clear.
func mayClear(b, unfinished []byte, before int) int {
	unfinished = bytes.TrimLeft(unfinished, "\r")
	if len(unfinished) > 0 && unfinished[0] != '\x1b' {
		return len(b)
	}
	start, blank := blankRun(b, before)
	if blank < minClear || !clearBegins().Match(unfinished) && !clearing().Match(unfinished) {
		return len(b)
	}
	return start
}

// blankAfter is how many blank lines there are behind b, or openLine.
func blankAfter(b []byte, before int) int {
	if !bytes.HasSuffix(b, newline) {
		return openLine
	}
	_, blank := blankRun(b, before)
	return blank
}

// dropClears takes the blank lines out of b that are part of a clear, and returns
// the rest, in the same array.
func dropClears(b []byte, before int) []byte {
	for from := 0; ; {
		i := bytes.Index(b[from:], []byte("\n\x1b["))
		if i < 0 {
			return b
		}
		from += i + 1
		if !clearing().Match(b[from:]) {
			continue
		}
		if start, blank := blankRun(b[:from], before); blank >= minClear {
			b = append(b[:start], b[from:]...)
			from = start
		}
	}
}
