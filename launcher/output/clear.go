package output

import (
	"bytes"
	"regexp"
	"sync"
)

// Some programs clear their terminal by printing as many newlines as it has rows,
// then moving the cursor home and erasing everything below it. Vite does, so that
// its user can scroll back
// (https://github.com/vitejs/vite/blob/main/packages/vite/src/node/logger.ts).
// devports leaves out sequences that move the cursor, so the newlines, which are
// part of the clear, would scroll the lines of all other services out of sight.

// openLine is the number of blank lines before a text that continues an unfinished
// line.
const openLine = -1

// minClear is the minimum number of blank lines that count as part of a clear.
const minClear = 2

var (
	// clearing matches the sequences after the newlines: CUP without parameters or
	// to 1;1, then ED (ECMA-48, sections 8.3.21 and 8.3.39).
	clearing = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^\x1b\[[01]?;?[01]?H\x1b\[[0-3]?J`) })

	// clearBegins matches an incomplete one.
	clearBegins = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^(\x1b(\[[01]?;?[01]?(H(\x1b(\[[0-3]?)?)?)?)?)?$`)
	})
)

// blankRun returns the start of the run of blank lines at the end of b, and their
// number, including those before b if the run starts there.
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

// mayClear returns the length of b, which ends in a newline, without the blank
// lines at its end if they and the unfinished line that follows may be a clear.
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

// blankAfter returns the number of blank lines at the end of b, or openLine.
func blankAfter(b []byte, before int) int {
	if !bytes.HasSuffix(b, newline) {
		return openLine
	}
	_, blank := blankRun(b, before)
	return blank
}

// dropClears removes the blank lines that are part of a clear from b, in place.
func dropClears(b []byte, before int) []byte {
	if bytes.IndexByte(b, '\x1b') < 0 { // faster than a search for the lines
		return b
	}
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
