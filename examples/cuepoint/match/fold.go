package match

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

const (
	maxBytes = 512 // of a name, that take part in matching
	maxWords = 48
)

// letters are those that differ from a plain one by more than a mark.
var letters = map[rune]string{
	'ß': "ss", 'æ': "ae", 'œ': "oe", 'ø': "o", 'đ': "d", 'ð': "d",
	'ł': "l", 'ħ': "h", 'ı': "i", 'þ': "th", 'ς': "σ",
}

// Fold returns s as it is compared: lower case, without accents and other
// marks, compatibility forms (full width, ligatures) as plain letters.
func Fold(s string) string {
	ascii := true
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			ascii = false
			break
		}
	}
	if ascii {
		return strings.ToLower(s)
	}
	var b strings.Builder
	b.Grow(len(s))
	for _, r := range norm.NFKD.String(s) {
		if unicode.In(r, unicode.Mn, unicode.Cf) {
			continue // accents; joiners and direction marks
		}
		r = unicode.ToLower(r)
		if plain, ok := letters[r]; ok {
			b.WriteString(plain)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// apostrophes are dropped: "don't" and "dont" are one word.
var apostrophes = strings.NewReplacer("'", "", "’", "")

// words returns the folded words of s: runs of letters and digits. Scripts
// written without spaces give pairs of neighbours instead, and a symbol, such
// as an emoji, is a word of its own, since there are titles of nothing else.
func words(s string) []string {
	s = apostrophes.Replace(Fold(clip(s, maxBytes)))
	var list []string
	for s != "" && len(list) < maxWords {
		r, size := utf8.DecodeRuneInString(s)
		switch {
		case unspaced(r):
			run := prefix(s, unspaced)
			list = append(list, pairs(run)...)
			s = s[len(run):]
		case spaced(r):
			run := prefix(s, spaced)
			list = append(list, run)
			s = s[len(run):]
		case unicode.Is(unicode.So, r):
			list = append(list, s[:size])
			s = s[size:]
		default:
			s = s[size:]
		}
	}
	return list[:min(len(list), maxWords)]
}

// prefix returns the start of s of which every rune is in the class.
func prefix(s string, class func(rune) bool) string {
	end := strings.IndexFunc(s, func(r rune) bool { return !class(r) })
	if end < 0 {
		return s
	}
	return s[:end]
}

// pairs returns the neighbours in s, or s if it is one rune.
func pairs(s string) []string {
	var list []string
	_, first := utf8.DecodeRuneInString(s)
	from, mid := 0, first
	for mid < len(s) {
		_, size := utf8.DecodeRuneInString(s[mid:])
		list = append(list, s[from:mid+size])
		from, mid = mid, mid+size
	}
	if list == nil {
		return []string{s}
	}
	return list
}

// unspaced reports whether r is of a script that puts no spaces between words.
func unspaced(r rune) bool {
	return r >= 0x0E00 && unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar)
}

// spaced reports whether r is a letter, digit or vowel sign of any other script.
func spaced(r rune) bool {
	if r < utf8.RuneSelf {
		return r >= 'a' && r <= 'z' || r >= '0' && r <= '9'
	}
	return (unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.Is(unicode.Mc, r)) && !unspaced(r)
}

// clip cuts s to n bytes, or a few fewer, at the start of a rune.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
