package view

import (
	"regexp"
	"sync"
	"unicode/utf8"
)

// Keys that are no letters.
const (
	keyUp, keyDown        = "up", "down"
	keyEnter, keyEscape   = "enter", "escape"
	keyErase, keyEraseAll = "erase", "erase all"
	keyRedraw             = "redraw"
)

// sequences are what keys send that are no letters: those of ECMA-48 terminals,
// in both modes of the cursor keys.
var sequences = map[string]string{
	"\x1b[A": keyUp, "\x1bOA": keyUp, "\x1b[B": keyDown, "\x1bOB": keyDown,
	"\r": keyEnter, "\n": keyEnter, "\x1b": keyEscape,
	"\x7f": keyErase, "\b": keyErase, "\x15": keyEraseAll, "\f": keyRedraw,
}

// unknownKey is a sequence of a key that means nothing here.
var unknownKey = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^\x1b(\[[0-?]*[ -/]*[@-~]|O.)`) })

// firstKey is the first key in what a terminal has sent, "" for one that means
// nothing, and how many bytes it takes.
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
