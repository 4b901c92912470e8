package portserver

import "math"

const (
	maxRequest = 20  // bytes of a pid
	readSize   = 100 // bytes that the server reads
)

// noPID represents all numbers that are too large for a pid. It is never a pid:
// those of Linux and macOS are far smaller, and those of Windows are multiples
// of 4.
const noPID = math.MaxInt32

// parsePID parses a request of at most 20 bytes like Python's int. A negative
// number is a valid request, which is denied.
func parsePID(request []byte) (pid int, ok bool) {
	if len(request) > maxRequest {
		return 0, false
	}
	digits := trimSpace(request)
	negative := false
	if len(digits) > 0 && (digits[0] == '+' || digits[0] == '-') {
		negative = digits[0] == '-'
		digits = digits[1:]
	}
	pid, ok = parseDigits(digits)
	if negative {
		pid = -pid
	}
	return pid, ok
}

// parseDigits parses a decimal number with single underscores between digits.
func parseDigits(s []byte) (n int, ok bool) {
	digit := false // whether the previous byte was a digit
	for _, c := range s {
		switch {
		case '0' <= c && c <= '9':
			n, digit = accumulate(n, int(c-'0')), true
		case c == '_' && digit:
			digit = false
		default:
			return 0, false
		}
	}
	return n, digit
}

func accumulate(n, digit int) int {
	if n > (noPID-digit)/10 {
		return noPID
	}
	return n*10 + digit
}

// trimSpace removes the white space that Python's int ignores in bytes: ASCII
// only. bytes.TrimSpace would also remove U+0085 and others.
func trimSpace(s []byte) []byte {
	for len(s) > 0 && isSpace(s[0]) {
		s = s[1:]
	}
	for len(s) > 0 && isSpace(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	return s
}

func isSpace(c byte) bool { return c == ' ' || '\t' <= c && c <= '\r' }
