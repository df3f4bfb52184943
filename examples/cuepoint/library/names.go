package library

import (
	"math/rand/v2"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A script makes up words.
type script struct {
	syllables []string
	spaced    bool // words are set apart by spaces
}

var (
	latin = script{split(`ba be bo da de do fa fe fi ga go ka ke ki la le li lo lu ma me mi mo na ne ni no pa pe
		ra re ri ro ru sa se si so ta te ti to tu va ve vi vo za ze zo sha tri bra dro gla kro plu sta spe vel mor
		lun sol ter van wen yor zan cor dar fen`), true}
	accented = script{split(`bá ré ño çu dé fè gü hö ía jâ kê lî mô nû på rø sæ tœ ví wé ÿa zà ção ßen łu ğe ňa řa šo ů
		ła ło née rêv mün für ción`), true}
	cyrillic = script{split(`ба ве го да жи за ки ло му но па ре си ту фе хо ча ше щи ю я лёт мой рай сны`), true}
	greek    = script{split(`αλ βε γη δι εκ ζω θα κυ λο μα νη ξε πο ρι σα τω φι χο ψυ ώρα`), true}
	arabic   = script{split(`با تو ثي جا حو خي دا رو زي سا شو صي طا عو في قا كو لي ما نو`), true}
	hebrew   = script{split(`בא גו די הל וא זמ חו טי כל מא נו סי עד פה צו קר רו שי תה`), true}
	hindi    = script{split(`का की कु गा गी चा जी ता ती दा ना पा बा मी या रा ला वी सा हा`), true}
	han      = script{split(`夜 光 海 風 星 月 雨 空 花 夢 火 山 川 雲 影 音 心 雪 森 道`), false}
	kana     = script{split(`あ か さ た な は ま や ら わ が ざ だ ば ぱ ア カ サ タ ナ ハ マ ヤ ラ ン ー`), false}
	hangul   = script{split(`가 나 다 라 마 바 사 아 자 차 카 타 파 하 별 달 빛 밤 꿈 길`), true}
	thai     = script{split(`กา ขี คู งา จี ชู ดา ตี ทู นา บี ปู มา ยี รู ลา วี สู`), false}
	marks    = script{split("ba\u0301 ne\u0308 o\u0304ra i\u0302lo u\u030ame c\u0327a n\u0303o ve\u030c"), true} // as combining marks
)

// others are the scripts besides plain Latin.
var others = []script{accented, cyrillic, greek, arabic, hebrew, hindi, han, kana, hangul, thai, marks}

var (
	nouns = split(`night light city river signal mirror ocean desert engine garden shadow motion summer winter echo
		machine heart paper glass copper silver thunder harbour island window circuit velvet marble forest temple
		rocket orbit satellite corridor ladder compass lantern market station bridge carousel voltage static tide`)
	adjectives = split(`deep broken golden endless silent electric lost hidden burning frozen distant double early
		late heavy hollow liquid lonely modern narrow open purple quiet rolling second slow strange tender upper wild`)
	verbs  = split(`run hold move feel break turn call follow leave find carry chase drift fall burn wait shine lift`)
	genres = []string{"House", "Deep House", "Tech House", "Techno", "Drum & Bass", "Jungle", "Trance", "UK Garage",
		"Hip-Hop", "R&B", "Disco", "Nu Disco", "Dubstep", "Ambient", "Afro House", "Breaks", "Électro", "Música Popular", ""}
	mixes = []string{"Original Mix", "Extended Mix", "Radio Edit", "Club Mix", "Instrumental", "Dub", "VIP Mix",
		"Extended Version", "Acapella", "2019 Remaster", "Bootleg"}
	remixes  = []string{"Remix", "Remix", "Remix", "Edit", "Rework", "Dub Mix", "Flip"}
	sites    = []string{"www.djsite.com", "[tunes4free.net]", "(www.best-beats.org)", "[clubdrops.ru]", "www.promo-pool.co.uk"}
	offers   = []string{"(Free Download)", "[FREE DL]", "- FREE DOWNLOAD!!!", "(Official Video)", "[Official Audio]", "(OUT NOW)"}
	comments = []string{"", "", "", "", "peak time", "8A - Energy 7", "=SUM(A1:A9)", "@cmd", "+1 floor", "-", "\"vinyl rip\", side B",
		"🔥🔥🔥 closing", "first line\nsecond line", "tab\there", "<b>do not play</b>", "warm up; 2 a.m.", "it's \u00a0fine",
		"żółć, naïve, 日本", "https://www.djsite.com/?a=1&b=2", "   ", "e\u0301toile", "👩‍🎤 live", "100%", "\\server\\share"}
	flatKeys = split(`C Cm Db Dbm D Dm Eb Ebm E Em F Fm F# F#m G Gm Ab Abm A Am Bb Bbm B Bm`)
)

func split(s string) []string { return strings.Fields(s) }

// word makes up a word of two or three syllables.
func (s script) word(rng *rand.Rand) string {
	var b strings.Builder
	for range 2 + rng.IntN(2) {
		b.WriteString(pick(rng, s.syllables))
	}
	return capital(b.String())
}

// phrase makes up n words.
func (s script) phrase(rng *rand.Rand, n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = s.word(rng)
	}
	if s.spaced {
		return strings.Join(list, " ")
	}
	return strings.Join(list, "")
}

func pick[T any](rng *rand.Rand, list []T) T { return list[rng.IntN(len(list))] }

func capital(s string) string {
	r, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToTitle(r)) + s[size:]
}

// anyScript returns Latin three times out of four.
func anyScript(rng *rand.Rand) script {
	if rng.IntN(4) > 0 {
		return latin
	}
	return pick(rng, others)
}

// artist makes up one artist.
func artist(rng *rand.Rand) string {
	s := anyScript(rng)
	switch rng.IntN(8) {
	case 0:
		return "DJ " + s.word(rng)
	case 1:
		return "The " + capital(pick(rng, adjectives)) + " " + capital(pick(rng, nouns)) + "s"
	case 2:
		return s.word(rng) + " " + capital(pick(rng, nouns))
	case 3:
		return s.word(rng)
	case 4:
		return strings.ToUpper(s.word(rng))
	default:
		return s.phrase(rng, 2)
	}
}

// artists makes up one artist, or a few.
func artists(rng *rand.Rand) string {
	name := artist(rng)
	switch rng.IntN(12) {
	case 0, 1:
		return name + " & " + artist(rng)
	case 2:
		return name + ", " + artist(rng) + ", " + artist(rng)
	case 3:
		return name + " vs. " + artist(rng)
	}
	return name
}

// title makes up a title.
func title(rng *rand.Rand) string {
	s := anyScript(rng)
	n, a := capital(pick(rng, nouns)), capital(pick(rng, adjectives))
	switch rng.IntN(10) {
	case 0:
		return a + " " + n
	case 1:
		return capital(pick(rng, verbs)) + " the " + n
	case 2:
		return s.word(rng) + " " + n
	case 3:
		return n + " & " + s.word(rng)
	case 4:
		return "Don't " + capital(pick(rng, verbs)) + " My " + s.word(rng)
	case 5:
		return s.word(rng) + " (" + a + " " + s.word(rng) + ")"
	case 6:
		return s.phrase(rng, 3)
	case 7:
		return "\"" + s.word(rng) + "\" <" + n + ">"
	case 8:
		return a + " " + s.word(rng) + " " + pick(rng, []string{"🌊", "🔥", "❤️", "pt. 2", "'94", "III"})
	default:
		return s.phrase(rng, 2)
	}
}
