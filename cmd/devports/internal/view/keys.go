package view

import (
	"regexp"
	"sync"
	"unicode/utf8"
)

// Keys other than characters.
const (
	keyUp, keyDown        = "up", "down"
	keyEnter, keyEscape   = "enter", "escape"
	keyErase, keyEraseAll = "erase", "erase all"
	keyRedraw             = "redraw"
)

// sequences are the control sequences of such keys on ECMA-48 terminals, in
// both cursor key modes.
var sequences = map[string]string{
	"\x1b[A": keyUp, "\x1bOA": keyUp, "\x1b[B": keyDown, "\x1bOB": keyDown,
	"\r": keyEnter, "\n": keyEnter, "\x1b": keyEscape,
	"\x7f": keyErase, "\b": keyErase, "\x15": keyEraseAll, "\f": keyRedraw,
}

// unknownKey matches the sequence of any other key.
var unknownKey = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^\x1b(\[[0-?]*[ -/]*[@-~]|O.)`) })

// firstKey returns the first key in the input of a terminal, and its length in
// bytes. The key is "" if it has no meaning here.
func firstKey(sent []byte) (key string, n int) {
	if n = len(unknownKey().Find(sent)); n == 0 {
		_, n = utf8.DecodeRune(sent)
	}
	key, known := sequences[string(sent[:n])]
	if !known && sent[0] >= ' ' {
		key = string(sent[:n])
	}
	return key, n
}
