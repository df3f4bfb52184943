package report

import "unicode"

// Control tells whether a character steers what shows it and is not shown
// itself: control characters, and those that turn the direction of text, with
// which a name could be shown as another.
//
// Source: Unicode Standard Annex #9, table 1; CVE-2021-42574.
func Control(r rune) bool {
	return unicode.IsControl(r) || r >= '\u202A' && r <= '\u202E' || r >= '\u2066' && r <= '\u2069'
}
