// Package nearest finds what somebody meant who wrote a word that is not
// there.
package nearest

import (
	"cmp"
	"slices"
	"strings"
)

// Slips is how many letters a key of a file may differ in and still be meant:
// with more it is another word.
const Slips = 2

// Words returns those of known that the word may have been meant to be, at
// most n, the nearest first: within so many slips.
func Words(word string, known []string, slips, n int) []string {
	near := slices.DeleteFunc(slices.Clone(known), func(w string) bool { return edits(word, w) > slips })
	slices.SortStableFunc(near, func(a, b string) int { return cmp.Compare(edits(word, a), edits(word, b)) })
	return near[:min(n, len(near))]
}

// Metrics returns at most n of the known keys of metrics, the likest first:
// by name, then with labels. However far they are, they say what there is.
func Metrics(key string, known []string, n int) []string {
	name, _, _ := strings.Cut(key, "{")
	distance := func(other string) int {
		other, _, _ = strings.Cut(other, "{")
		return edits(name, other)
	}
	list := slices.Sorted(slices.Values(known))
	slices.SortStableFunc(list, func(a, b string) int {
		return cmp.Or(cmp.Compare(distance(a), distance(b)), cmp.Compare(edits(key, a), edits(key, b)))
	})
	return list[:min(n, len(list))]
}

// edits is the Levenshtein distance of two strings, in bytes.
//
// Source: Wagner & Fischer (1974), J. ACM 21(1), 168–173.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
