package library

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net/url"
	"strconv"
	"strings"
)

// Config says what to generate. The same Config always gives the same bytes.
type Config struct {
	Seed         uint64
	Tracks       int
	Rekordbox    int  // 5, 6 or 7; zero means 6
	WrongEntries bool // the collection states a number of tracks that it does not have
}

// A Song is the truth about a generated track: what it is called, before the
// library has done anything to the names. Title is empty if the track says
// nowhere what it is.
type Song struct {
	TrackID string
	Title   string
	Artist  string
	Mix     string
}

// Generate writes a library. It holds one track at a time, whatever their
// number; the errors are those of w.
func Generate(w io.Writer, c Config) error {
	return generate(w, c, func(Song) {})
}

// Songs returns the truth about the tracks of a generated library, in order.
func Songs(c Config) []Song {
	songs := make([]Song, 0, c.Tracks)
	if err := generate(io.Discard, c, func(s Song) { songs = append(songs, s) }); err != nil {
		panic(err) // io.Discard never fails
	}
	return songs
}

// generator writes one library. The first error stays with the bufio.Writer.
type generator struct {
	w      *bufio.Writer
	rng    *rand.Rand
	config Config
	id     int
	recent []Song // to repeat
}

func generate(w io.Writer, c Config, each func(Song)) error {
	if c.Rekordbox == 0 {
		c.Rekordbox = 6
	}
	g := &generator{w: bufio.NewWriter(w), rng: rand.New(rand.NewPCG(c.Seed, uint64(c.Rekordbox))), config: c, id: 1000}
	version := map[int]string{5: "5.8.6", 6: "6.8.5", 7: "7.0.9"}[c.Rekordbox]
	entries := c.Tracks
	if c.WrongEntries {
		entries += 1 + g.rng.IntN(9)
	}
	fmt.Fprintf(g.w, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\n<DJ_PLAYLISTS Version=\"1.0.0\">\n")
	fmt.Fprintf(g.w, "  <PRODUCT Name=\"rekordbox\" Version=\"%s\" Company=\"AlphaTheta\"/>\n", version)
	fmt.Fprintf(g.w, "  <COLLECTION Entries=\"%d\">\n", entries)
	for range c.Tracks {
		each(g.track())
	}
	fmt.Fprint(g.w, "  </COLLECTION>\n")
	g.playlists()
	fmt.Fprint(g.w, "</DJ_PLAYLISTS>\n")
	return g.w.Flush()
}

// one reports true once in n times.
func (g *generator) one(n int) bool { return g.rng.IntN(n) == 0 }

// song makes up the truth, or repeats a recent one: libraries hold duplicates.
func (g *generator) song() Song {
	g.id += 1 + g.rng.IntN(40)
	if len(g.recent) > 0 && g.one(40) {
		s := g.recent[g.rng.IntN(len(g.recent))]
		s.TrackID = strconv.Itoa(g.id)
		return s
	}
	s := Song{TrackID: strconv.Itoa(g.id), Title: title(g.rng), Artist: artists(g.rng)}
	switch {
	case g.one(3):
		s.Mix = pick(g.rng, mixes)
	case g.one(4):
		s.Mix = artist(g.rng) + " " + pick(g.rng, remixes)
	}
	if g.one(200) {
		s.Title = anyScript(g.rng).phrase(g.rng, 100) // a very long name
	}
	if len(g.recent) < 32 {
		g.recent = append(g.recent, s)
	} else {
		g.recent[g.rng.IntN(len(g.recent))] = s
	}
	return s
}

// field is an attribute. Its value may be escaped twice, as rekordbox does.
type field struct {
	name, value string
	twice       bool
}

// track writes a track and returns the truth about it.
func (g *generator) track() Song {
	s := g.song()
	name, artist := g.dress(s)
	file := s.Artist + " - " + s.Title
	if name == "" && g.one(2) {
		// Neither the name nor the file says anything.
		file, s.Title, s.Artist, s.Mix, artist = "", "", "", "", ""
	} else if name == "" {
		s.Mix = ""
	}
	remixer, remixed := strings.CutSuffix(s.Mix, " Remix")
	if !remixed {
		remixer = ""
	}
	twice := g.one(3)
	bpmName, keyName := "AverageBpm", "Tonality"
	if (g.config.Rekordbox < 6) != g.one(20) { // collections get merged
		bpmName, keyName = "BPM", "Key"
	}
	fields := []field{
		{"TrackID", s.TrackID, false},
		{"Name", name, twice},
		{"Artist", artist, twice},
		{"Composer", "", false},
		{"Album", g.maybe(2, title), twice},
		{"Grouping", "", false},
		{"Genre", pick(g.rng, genres), twice},
		{"Kind", pick(g.rng, []string{"MP3 File", "WAV File", "AIFF File", "FLAC File"}), false},
		{"Size", strconv.Itoa(4_000_000 + g.rng.IntN(60_000_000)), false},
		{"TotalTime", strconv.Itoa(120 + g.rng.IntN(400)), false},
		{"DiscNumber", "0", false},
		{"TrackNumber", strconv.Itoa(g.rng.IntN(16)), false},
		{"Year", g.year(), false},
		{bpmName, g.bpm(), false},
		{"DateAdded", fmt.Sprintf("20%02d-%02d-%02d", 10+g.rng.IntN(15), 1+g.rng.IntN(12), 1+g.rng.IntN(28)), false},
		{"BitRate", "320", false},
		{"SampleRate", "44100", false},
		{"Comments", pick(g.rng, comments), twice},
		{"PlayCount", strconv.Itoa(g.rng.IntN(50)), false},
		{"Rating", g.rating(), false},
		{"Location", g.location(file), false},
		{"Remixer", remixer, twice},
		{keyName, g.key(), false},
		{"Label", g.label(), twice},
		{"Mix", "", false},
	}
	if g.one(30) {
		fields = append(fields, field{"Colour", "0xFF007F", false})
	}
	g.w.WriteString("    <TRACK")
	for _, f := range fields {
		if f.value == "" && g.one(12) {
			continue // left out, not empty
		}
		v := escape(f.value)
		if f.twice && strings.ContainsAny(f.value, "&<>\"") {
			v = escape(v)
		}
		g.w.WriteString(" " + f.name + `="` + v + `"`)
	}
	g.children()
	return s
}

// children writes what is inside a track, and its end.
func (g *generator) children() {
	if g.one(2) {
		g.w.WriteString("/>\n")
		return
	}
	g.w.WriteString(">\n")
	for range g.rng.IntN(3) {
		fmt.Fprintf(g.w, "      <TEMPO Inizio=\"%.3f\" Bpm=\"%.2f\" Metro=\"4/4\" Battito=\"1\"/>\n",
			g.rng.Float64()*60, 80+g.rng.Float64()*100)
	}
	for i := range g.rng.IntN(3) {
		fmt.Fprintf(g.w, "      <POSITION_MARK Name=\"%s\" Type=\"0\" Start=\"%.3f\" Num=\"%d\"/>\n",
			escape(pick(g.rng, []string{"", "drop", "break & build", "\"in\""})), g.rng.Float64()*300, i-1)
	}
	g.w.WriteString("    </TRACK>\n")
}

// dress does to the names of a song what libraries do.
func (g *generator) dress(s Song) (name, artist string) {
	name, artist = s.Title, s.Artist
	if g.one(50) {
		return "", artist
	}
	bare := g.one(12) // the name says everything
	guest := ""
	if g.one(8) {
		guest = pick(g.rng, []string{"feat.", "ft.", "featuring", "Feat."}) + " " + latin.word(g.rng)
		if g.one(3) {
			if bare || g.one(2) {
				artist += " " + guest
			} else {
				name += " " + guest
			}
		} else {
			name += " (" + guest + ")"
		}
	}
	if s.Mix != "" {
		switch {
		case g.one(8) && guest == "":
			name += " - " + s.Mix
		case g.one(3):
			name += " [" + s.Mix + "]"
		default:
			name += " (" + s.Mix + ")"
		}
	}
	if bare {
		name, artist = artist+" - "+name, ""
	}
	if g.one(15) {
		name = fmt.Sprintf(pick(g.rng, []string{"%02d - ", "%02d. ", "A%d. "}), 1+g.rng.IntN(20)) + name
	}
	if g.one(12) {
		name += " " + pick(g.rng, offers)
	}
	if g.one(12) {
		name += " " + pick(g.rng, sites)
	}
	switch {
	case g.one(25):
		name = strings.ReplaceAll(name, " ", "_")
	case g.one(30):
		name = strings.ReplaceAll(name, " ", pick(g.rng, []string{"  ", "\u00a0", " \n", "\t"}))
	}
	return name, artist
}

// maybe makes something up once in n times.
func (g *generator) maybe(n int, what func(*rand.Rand) string) string {
	if g.one(n) {
		return what(g.rng)
	}
	return ""
}

func (g *generator) year() string {
	switch {
	case g.one(10):
		return "0"
	case g.one(100):
		return "ca. 1998"
	}
	return strconv.Itoa(1978 + g.rng.IntN(47))
}

func (g *generator) bpm() string {
	switch {
	case g.one(15):
		return "0.00"
	case g.one(100):
		return pick(g.rng, []string{"", "abc", "128,00", "NaN"})
	}
	return fmt.Sprintf("%.2f", 80+float64(g.rng.IntN(10000))/100)
}

func (g *generator) rating() string {
	if g.one(150) {
		return pick(g.rng, []string{"x", "7", "-51"})
	}
	return strconv.Itoa(51 * g.rng.IntN(6))
}

func (g *generator) key() string {
	switch {
	case g.one(8):
		return ""
	case g.one(3):
		return fmt.Sprintf("%d%c", 1+g.rng.IntN(12), "AB"[g.rng.IntN(2)])
	}
	return pick(g.rng, flatKeys)
}

func (g *generator) label() string {
	if g.one(4) {
		return ""
	}
	return anyScript(g.rng).word(g.rng) + " " + pick(g.rng, []string{"Records", "Recordings", "Audio", "Music", "Ltd. & Co"})
}

// location is the URL of a file; its name is cut, as file systems want it.
func (g *generator) location(file string) string {
	r := []rune(strings.NewReplacer("/", "-", "\"", "", "<", "", ">", "").Replace(file))
	file = string(r[:min(len(r), 60)])
	return "file://localhost/C:/Music/" + url.PathEscape(file) + pick(g.rng, []string{".mp3", ".wav", ".aiff", ".flac"})
}

// playlists writes folders in folders, whose TRACK elements are references.
func (g *generator) playlists() {
	const folders = 3
	fmt.Fprintf(g.w, "  <PLAYLISTS>\n    <NODE Type=\"0\" Name=\"ROOT\" Count=\"%d\">\n", folders)
	for i := range folders {
		fmt.Fprintf(g.w, "      <NODE Name=\"%s\" Type=\"0\" Count=\"2\">\n", escape(title(g.rng)))
		for range 2 {
			n := g.rng.IntN(12)
			fmt.Fprintf(g.w, "        <NODE Name=\"%s\" Type=\"1\" KeyType=\"%d\" Entries=\"%d\">\n", escape(title(g.rng)), i%2, n)
			for range n {
				fmt.Fprintf(g.w, "          <TRACK Key=\"%d\"/>\n", 1000+g.rng.IntN(max(1, g.id-999)))
			}
			g.w.WriteString("        </NODE>\n")
		}
		g.w.WriteString("      </NODE>\n")
	}
	g.w.WriteString("    </NODE>\n  </PLAYLISTS>\n")
}

// escape writes s as an attribute's value.
func escape(s string) string { return escaper.Replace(s) }

var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&apos;",
	"\n", "&#10;", "\t", "&#9;", "\r", "&#13;")
