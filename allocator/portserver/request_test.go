package portserver

import (
	"math/big"
	"regexp"
	"strings"
	"testing"
)

func TestParsePID(t *testing.T) {
	for request, want := range map[string]int{
		"123":                   123,
		"123\n":                 123,
		"+123":                  123,
		" \t\r\n\v\f123\f\v\n ": 123,
		"1_2_3":                 123,
		"00123":                 123,
		"-5\n":                  -5,
		"0":                     0,
		"-0":                    0,
		"2147483646":            2147483646,
		"2147483648":            noPID,
		"99999999999999999999":  noPID,
		"-9999999999999999999":  -noPID,
	} {
		if got, ok := parsePID([]byte(request)); !ok || got != want {
			t.Errorf("%q is %d, %t; want %d", request, got, ok, want)
		}
	}
}

// malformed are requests that Python's int, or the limit of 20 bytes, rejects.
var malformed = []string{
	"", "\n", " ", "+", "-", "abc\n", "12a", "1__2", "_1", "1_", "+_1", "++1", "+-1", "- 1", "1 2", "1\n2\n",
	"0x10", "1.0", "1e3", "12\x00", "\x00", "\x85123", "\u00a0123", "١٢٣", "\xff\xfe",
	"000000000000000000123", strings.Repeat(" ", 20) + "1",
	strings.Repeat("1", 99), strings.Repeat("1", 100), strings.Repeat("1", 100_000), strings.Repeat("\x00\xff", 50_000),
}

func TestParsePIDMalformed(t *testing.T) {
	for _, request := range malformed {
		if got, ok := parsePID([]byte(request)); ok {
			t.Errorf("%.40q is %d, want none", request, got)
		}
	}
}

// python is the grammar of int(bytes).
var python = regexp.MustCompile(`^[ \t-\r]*([+-]?[0-9]+(?:_[0-9]+)*)[ \t-\r]*$`)

// parsePID accepts the same requests as the grammar, with the same values, up
// to the largest possible pid.
func FuzzParsePID(f *testing.F) {
	for _, request := range append(malformed, "123\n", " +1_2 ", "-5", "99999999999999999999") {
		if len(request) <= readSize {
			f.Add([]byte(request))
		}
	}
	f.Fuzz(func(t *testing.T, request []byte) {
		got, ok := parsePID(request)
		match := python.FindSubmatch(request)
		if want := match != nil && len(request) <= maxRequest; ok != want {
			t.Fatalf("%q is accepted: %t, want %t", request, ok, want)
		}
		if !ok {
			return
		}
		want, _ := new(big.Int).SetString(strings.ReplaceAll(string(match[1]), "_", ""), 10)
		if limit := big.NewInt(noPID); want.CmpAbs(limit) > 0 {
			want.Mul(limit, big.NewInt(int64(want.Sign())))
		}
		if want.Cmp(big.NewInt(int64(got))) != 0 {
			t.Fatalf("%q is %d, want %v", request, got, want)
		}
	})
}
