package text

import "strings"

// Nearest returns the candidate that name is most likely a misspelling of, if
// any is near enough: one mistake in three letters, begun ones counted. Nobody
// misspells a name of more than 64 letters.
func Nearest(name string, candidates []string) (string, bool) {
	best, found := "", false
	limit := (len(name) + 2) / 3
	for _, c := range candidates {
		if len(name) > 64 || len(c) > 64 {
			continue // the time would be the product of the lengths
		}
		d := mistakes(strings.ToLower(name), strings.ToLower(c))
		if d < limit || d == limit && !found && d < len(name) {
			best, found, limit = c, true, d
		}
	}
	return best, found
}

// mistakes is the optimal string alignment distance of two words: how many
// letters have to be put in, left out, replaced or swapped with their
// neighbour. Swapped neighbours are the most frequent mistake in typing, and
// the Levenshtein distances that libraries have count them as two.
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
