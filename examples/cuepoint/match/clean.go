package match

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

var (
	// site is the name of a shop or a download site.
	site = regexp.MustCompile(`(?i)(?:https?://)?\b(?:www\.[\w-]+(?:\.[\w-]+)+|[\w-]+\.(?:com|net|org|info|biz|ru))\b(?:/\S*)?`)

	// offer is what uploads add to a name.
	offer = regexp.MustCompile(`(?i)\b(?:free\s+(?:download|dl)|official\s+(?:music\s+|lyric\s+)?(?:video|audio)|out\s+now)\b[\s!*]*`)

	// number is a track's number in front of its name: "01 - ", "7. ", "A1.".
	number = regexp.MustCompile(`^(?:\d{1,3}\s*[-.)]\s+|[A-Da-d]\d{1,2}(?:[.:)]\s*|\s+-\s+))`)

	// featuring leads in the guests.
	featuring = regexp.MustCompile(`(?i)(?:^|\s)(?:feat\.?|ft\.?|featuring)\s+`)

	// dash parts "Artist - Title".
	dash = regexp.MustCompile(`\s+[-–—]\s+`)
)

// mixNames are the words that make a bracket the name of a mix.
var mixNames = []string{
	"mix", "remix", "rmx", "edit", "version", "dub", "rework", "bootleg", "vip", "instrumental",
	"acapella", "refix", "flip", "mashup", "remaster", "remastered", "extended", "original",
}

// clean takes a name apart. An empty artist is looked for in the name.
func clean(name, artist string) Subject {
	var s Subject
	text := s.brackets(strings.ReplaceAll(name, "_", " "))
	text = trim(junk(text))
	if rest := number.ReplaceAllString(text, ""); len(words(rest)) > 0 {
		text = rest
	}

	s.Artist = strings.ReplaceAll(artist, "_", " ")
	if strings.EqualFold(s.Artist, "Unknown Artist") {
		s.Artist = ""
	}
	s.Artist = s.guests(trim(junk(s.brackets(s.Artist))))
	if at := dash.FindStringIndex(text); at != nil {
		before, after := text[:at[0]], text[at[1]:]
		var guests Subject
		lead := guests.guests(before)
		switch {
		case s.Artist == "":
			s.Artist = lead
			s.Featured = join(s.Featured, guests.Featured)
			text = after
		case Fold(lead) == Fold(s.Artist):
			text = after
		}
	}
	// "Title - Radio Edit" says the mix without brackets.
	if all := dash.FindAllStringIndex(text, -1); s.Mix == "" && len(all) > 0 {
		at := all[len(all)-1]
		if isMix(text[at[1]:]) {
			s.Mix, text = trim(text[at[1]:]), text[:at[0]]
		}
	}
	s.Title = trim(s.guests(text))
	if len(words(s.Title)) == 0 {
		// Nothing is left, so what looked like an addition is the name.
		s.Title, s.Mix = name, ""
	}
	return s
}

// junk drops site names and offers.
func junk(text string) string {
	if strings.Contains(text, ".") {
		text = site.ReplaceAllString(text, " ")
	}
	return offer.ReplaceAllString(text, " ")
}

// trim makes single spaces and drops what is left over at the ends where
// something was taken out.
func trim(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	for {
		t := strings.TrimSpace(text)
		t = strings.TrimSuffix(strings.TrimPrefix(t, "- "), " -")
		t = strings.TrimSuffix(strings.TrimPrefix(t, "– "), " –")
		if t == "-" || t == "–" || t == "|" {
			return ""
		}
		if t == text {
			return t
		}
		text = t
	}
}

// join lists names.
func join(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + ", " + b
}

// guests takes "feat. X" off the end of a text.
func (s *Subject) guests(text string) string {
	if !strings.Contains(text, " f") && !strings.Contains(text, " F") {
		return text // as most do, and the expression is slow to find out
	}
	at := featuring.FindStringIndex(text)
	if at == nil || at[0] == 0 {
		return text
	}
	s.Featured = join(s.Featured, trim(text[at[1]:]))
	return strings.TrimSpace(text[:at[0]])
}

// brackets takes brackets that say the mix, name guests or hold nothing but
// junk out of a text. Other brackets stay, and so does what is not closed.
func (s *Subject) brackets(text string) string {
	if !strings.ContainsAny(text, "([{") {
		return text
	}
	var b strings.Builder
	for {
		open := strings.IndexAny(text, "([{")
		if open < 0 {
			break
		}
		length := closing(text[open:])
		if length == 0 {
			break // nothing further is closed either, or it is not worth a look
		}
		b.WriteString(text[:open])
		whole := text[open : open+length]
		inner := trim(junk(whole[1 : len(whole)-1]))
		at := featuring.FindStringIndex(inner)
		switch {
		case inner == "":
			b.WriteByte(' ')
		case at != nil && at[0] == 0:
			s.Featured = join(s.Featured, trim(inner[at[1]:]))
			b.WriteByte(' ')
		case isMix(inner):
			s.Mix = join(s.Mix, inner)
			b.WriteByte(' ')
		default:
			b.WriteString(whole)
		}
		text = text[open+length:]
	}
	b.WriteString(text)
	return b.String()
}

// closing returns the length of the bracket that text begins with, those
// inside it included, or 0 if it is not closed.
func closing(text string) int {
	depth := 0
	for i := range len(text) {
		switch text[i] {
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return 0
}

// isMix reports whether text is the name of a mix.
func isMix(text string) bool {
	return slices.ContainsFunc(words(text), func(w string) bool { return slices.Contains(mixNames, w) })
}

// mixWords returns the words of a mix; none for the original one, which
// catalogues name or leave out as they like.
func mixWords(mix string) []string {
	list := words(mix)
	if len(list) > 0 && list[0] == "original" && len(list) <= 2 {
		return nil
	}
	return list
}

// between parts the names of several artists.
var between = regexp.MustCompile(`(?i)\s*(?:,|;|/|\s&\s|\s\+\s|\sx\s|\svs\.?\s|\sand\s)\s*`)

// firstArtist returns the first of several artists.
func firstArtist(artist string) string {
	if at := between.FindStringIndex(artist); at != nil && at[0] > 0 {
		return artist[:at[0]]
	}
	return artist
}

// fileName returns the name of the file at a location, without its extension.
func fileName(location string) string {
	name := location[strings.LastIndexAny(location, `/\`)+1:]
	if plain, err := url.PathUnescape(name); err == nil {
		name = plain
	}
	if dot := strings.LastIndexByte(name, '.'); dot >= 0 && len(name)-dot <= 5 {
		name = name[:dot]
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, strings.ToValidUTF8(name, ""))
}
