package portserver

import "math"

const (
	maxRequest = 20  // bytes that a pid may take
	readSize   = 100 // bytes that the server reads
)

// noPID stands for all numbers that are too large for a pid. No system gives it
// to a process: Linux and macOS stop far below, and Windows takes multiples of 4.
const noPID = math.MaxInt32

// parsePID reads a request as Python's int reads bytes, of which it may have
// at most 20. A negative number is a well-formed request that will be denied.
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

// parseDigits reads a decimal number with single underscores between digits.
func parseDigits(s []byte) (n int, ok bool) {
	digit := false // whether the byte before was one
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

// trimSpace removes what Python's int takes for blanks in bytes. That is ASCII
// alone; bytes.TrimSpace would also take U+0085 and others.
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
