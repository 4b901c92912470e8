package terminal

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Answerer answers a program's queries to its terminal while it is attached to no
// user's terminal: for status and cursor position (DSR), device attributes (DA1,
// DA2), and colours (OSC 10 and 11). Programs wait for the answers, some forever.
// An answer never contains bytes the program has chosen: they would be its input.
// For the sequences, see ECMA-48 and xterm's documentation.
//
// The zero Answerer is ready to use. It tracks the column of the cursor as far as
// text moves it.
type Answerer struct {
	state    answerState
	sequence []byte // what follows the introducer, up to maxQuery
	column   int    // from 0
}

type answerState int

const (
	inText      answerState = iota
	inEscape                // after ESC
	inControl               // CSI
	inOSC                   // OSC
	inString                // DCS, SOS, PM or APC, whose queries are not answered
	inOSCEnd                // ESC in OSC
	inStringEnd             // ESC in a string
)

// maxQuery is longer than each query that is answered.
const maxQuery = 16

// Answer returns the answers to the queries in what the program has written to a
// terminal of that many columns.
func (a *Answerer) Answer(written []byte, columns int) (answers []byte) {
	for _, b := range written {
		answers = append(answers, a.take(b, columns)...)
	}
	return answers
}

func (a *Answerer) take(b byte, columns int) (answer string) {
	switch a.state {
	case inText:
		a.move(b, columns)
	case inEscape:
		a.escape(b)
	case inControl:
		switch {
		case b == '\x1b':
			a.state = inEscape
		case b >= '@' && b <= '~':
			a.state = inText
			return a.control(string(a.sequence), b)
		default:
			a.keep(b)
		}
	case inOSC:
		switch b {
		case '\a':
			a.state = inText
			return color(string(a.sequence), "\a")
		case '\x1b':
			a.state = inOSCEnd
		default:
			a.keep(b)
		}
	case inOSCEnd:
		if b == '\\' {
			a.state = inText
			return color(string(a.sequence), "\x1b\\")
		}
		a.escape(b)
	case inString:
		if b == '\x1b' {
			a.state = inStringEnd
		}
	case inStringEnd:
		if b == '\\' {
			a.state = inText
		} else {
			a.escape(b)
		}
	}
	return ""
}

// keep appends a byte to the sequence, unless that is too long to be a query.
func (a *Answerer) keep(b byte) {
	if len(a.sequence) < maxQuery {
		a.sequence = append(a.sequence, b)
	}
}

// escape takes the byte after ESC.
func (a *Answerer) escape(b byte) {
	a.sequence = a.sequence[:0]
	switch {
	case b == '[':
		a.state = inControl
	case b == ']':
		a.state = inOSC
	case b == 'P', b == 'X', b == '^', b == '_':
		a.state = inString
	case b == '\x1b', b >= ' ' && b <= '/':
		a.state = inEscape
	default:
		a.state = inText
	}
}

// move moves the cursor as text does.
func (a *Answerer) move(b byte, columns int) {
	switch {
	case b == '\x1b':
		a.state = inEscape
	case b == '\r', b == '\n':
		a.column = 0
	case b == '\b':
		a.column = max(a.column-1, 0)
	case b == '\t':
		a.column = min(a.column/8*8+8, max(columns-1, 0))
	case b >= ' ' && b != 0x7f && utf8.RuneStart(b):
		if a.column++; a.column >= columns {
			a.column = 0
		}
	}
}

// control answers a control sequence, if it is a query.
func (a *Answerer) control(parameters string, final byte) string {
	switch parameters + string(final) {
	case "5n":
		return "\x1b[0n"
	case "6n":
		return fmt.Sprintf("\x1b[1;%dR", a.column+1)
	case "c", "0c":
		return "\x1b[?1;2c" // a VT100 with advanced video, like tmux and screen
	case ">c", ">0c":
		return "\x1b[>0;0;0c"
	}
	switch final {
	case 'G', '`':
		a.moveTo(parameters)
	case 'H', 'f':
		_, column, _ := strings.Cut(parameters, ";")
		a.moveTo(column)
	}
	return ""
}

// moveTo moves the cursor to a column, counted from 1. The default is 1.
func (a *Answerer) moveTo(column string) {
	n, _ := strconv.ParseUint(column, 10, 15)
	a.column = max(int(n)-1, 0)
}

// color answers an OSC query for a colour with the same terminator: white on
// black, since the user's colours are unknown.
func color(query, end string) string {
	switch query {
	case "10;?":
		return "\x1b]10;rgb:ffff/ffff/ffff" + end
	case "11;?":
		return "\x1b]11;rgb:0000/0000/0000" + end
	}
	return ""
}
