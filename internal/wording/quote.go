package wording

import "strings"

// Plain reports whether s means itself in every shell, wherever it stands.
func Plain(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_./:@-", r))
	}) < 0
}

// QuoteSh quotes s for POSIX shells (XCU 2.2.2), unless it is plain: nothing is
// special between single quotes but the quote itself.
func QuoteSh(s string) string {
	if Plain(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
