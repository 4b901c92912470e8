package text

import "strings"

// Nearest returns the candidate that name most likely misspells, if
// one is near enough: at most one mistake for every three letters, rounded up.
// It ignores names of more than 64 letters.
func Nearest(name string, candidates []string) (string, bool) {
	best, found := "", false
	limit := (len(name) + 2) / 3
	for _, c := range candidates {
		if len(name) > 64 || len(c) > 64 {
			continue // the time is the product of the lengths
		}
		d := mistakes(strings.ToLower(name), strings.ToLower(c))
		if d < limit || d == limit && !found && d < len(name) {
			best, found, limit = c, true, d
		}
	}
	return best, found
}

// mistakes returns the optimal string alignment distance of two words: the
// number of letters to insert, delete, replace or swap with their neighbour.
// Swapped neighbours are the most frequent typing error, and the Levenshtein
// distance of libraries counts them as two.
func mistakes(a, b string) int {
	d := make([][]int, len(a)+1)
	for i := range d {
		d[i] = make([]int, len(b)+1)
		d[i][0] = i
	}
	for j := range d[0] {
		d[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			replaced := d[i-1][j-1]
			if a[i-1] != b[j-1] {
				replaced++
			}
			d[i][j] = min(d[i-1][j]+1, d[i][j-1]+1, replaced)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(a)][len(b)]
}
