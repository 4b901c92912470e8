package registry

import (
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
)

// reader is a parser for JSON text of a known structure.
//
// encoding/json does not report the line of an unknown key or of a bad value,
// and accepts duplicate keys and keys in the wrong case. Its tokens would avoid
// that, but take seven times as long, and decoding each lease separately takes
// three times as long, see BenchmarkDecode; every command reads the whole
// registry. encoding/json accepts everything that reader accepts.
//
// After the first error, the methods read nothing and return zero values, so
// callers need not check in between.
type reader struct {
	text string
	at   int // offset of the next byte
	err  *DamagedError
}

// fail records an error at an offset, unless there already is one.
func (r *reader) fail(at int, format string, args ...any) {
	if r.err == nil {
		r.err = &DamagedError{Line: 1 + strings.Count(r.text[:at], "\n"), Err: fmt.Errorf(format, args...)}
	}
}

// next skips white space and returns the next byte without reading it; 0 at the
// end.
func (r *reader) next() byte {
	for r.at < len(r.text) {
		switch c := r.text[r.at]; c {
		case ' ', '\n', '\t', '\r':
			r.at++
		default:
			return c
		}
	}
	return 0
}

// take reads c, if it comes next.
func (r *reader) take(c byte) bool {
	if r.err != nil || r.next() != c {
		return false
	}
	r.at++
	return true
}

// unexpected fails because the next byte is not what the caller wants.
func (r *reader) unexpected(want string) {
	switch c := r.next(); {
	case r.at == len(r.text):
		r.fail(r.at, "expected %s, found the end of the file", want)
	default:
		r.fail(r.at, "expected %s, found %q", want, c)
	}
}

// list yields once for each element between brackets; the caller reads the
// element.
func (r *reader) list(open, close byte) func(yield func() bool) {
	return func(yield func() bool) {
		if !r.take(open) {
			r.unexpected(strconv.QuoteRune(rune(open)))
			return
		}
		if r.take(close) {
			return
		}
		for yield() && !r.take(close) {
			if !r.take(',') {
				r.unexpected("a comma or " + strconv.QuoteRune(rune(close)))
				return
			}
		}
	}
}

// object yields each key of an object; the caller reads the value.
func (r *reader) object() iter.Seq[string] {
	return func(yield func(string) bool) {
		var buffer [8]string
		seen := buffer[:0]
		for range r.list('{', '}') {
			r.next()
			start := r.at
			key := r.string()
			if slices.Contains(seen, key) {
				r.fail(start, "duplicate key %q", key)
			}
			seen = append(seen, key)
			if !r.take(':') {
				r.unexpected("a colon")
			}
			if r.err != nil || !yield(key) {
				return
			}
		}
	}
}

// string reads a string.
func (r *reader) string() string {
	if !r.take('"') {
		r.unexpected("a string")
		return ""
	}
	start, escaped := r.at, false
	for ; r.at < len(r.text); r.at++ {
		switch c := r.text[r.at]; {
		case c == '"':
			r.at++
			if escaped {
				return r.unescape(start - 1)
			}
			return r.text[start : r.at-1]
		case c == '\\':
			escaped = true
			r.at++
		case c < ' ':
			r.fail(r.at, "unterminated string")
			return ""
		}
	}
	r.at = len(r.text)
	r.fail(r.at, "the file ends inside a string")
	return ""
}

// unescape decodes the string that starts at start, with its quotes.
func (r *reader) unescape(start int) (s string) {
	if json.Unmarshal([]byte(r.text[start:r.at]), &s) != nil {
		r.fail(start, "invalid escape in a string")
	}
	return s
}

// integer reads a non-negative integer.
func (r *reader) integer() int {
	r.next()
	start := r.at
	for r.at < len(r.text) && '0' <= r.text[r.at] && r.text[r.at] <= '9' {
		r.at++
	}
	digits := r.text[start:r.at]
	n, err := strconv.Atoi(digits)
	switch {
	case r.err != nil:
		return 0
	case digits == "":
		r.unexpected("a number")
	case err != nil || digits[0] == '0' && digits != "0":
		r.fail(start, "invalid number %s", digits)
	}
	return n
}

// boolean reads true or false.
func (r *reader) boolean() bool {
	r.next()
	for _, word := range []string{"true", "false"} {
		if r.err == nil && strings.HasPrefix(r.text[r.at:], word) {
			r.at += len(word)
			return word == "true"
		}
	}
	r.unexpected("true or false")
	return false
}
