package rekordbox

import (
	"bufio"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxDepth bounds how deeply elements may nest. Exports stay under 20, playlist
// folders included; each open element costs memory.
const maxDepth = 10_000

// Read reads the export r and calls each for every track, in the order of the
// file; name stands for the file in errors. Every TRACK at any depth under
// DJ_PLAYLISTS/COLLECTION is one track; those under PLAYLISTS are references
// to them. A track's beat grid entries and marks are counted up to its end or
// to a track inside it, whichever comes first.
//
// What is wrong with the file is a *SyntaxError. An error of r comes wrapped,
// and one of each as it is; both end the reading.
func Read(r io.Reader, name string, each func(Track) error) (Summary, error) {
	src := &source{r: bufio.NewReaderSize(r, 64<<10), line: 1}
	p := &parser{
		name: name,
		src:  src,
		dec:  xml.NewDecoder(src),
		each: each,
		sum:  Summary{Entries: -1},
	}
	p.dec.CharsetReader = charset
	err := p.run()
	return p.sum, err
}

// errEncoding marks a declaration of an encoding that is not UTF-8.
var errEncoding = errors.New("the encoding is not UTF-8")

// charset accepts ASCII, which is UTF-8 already.
func charset(label string, r io.Reader) (io.Reader, error) {
	if strings.EqualFold(label, "us-ascii") || strings.EqualFold(label, "ascii") {
		return r, nil
	}
	return nil, fmt.Errorf("%w but %q", errEncoding, label)
}

// source counts lines for the decoder, whose own InputPos is a line off after
// it has put back a line end. It also keeps the error of the reader, which
// the decoder does not tell apart from its own.
type source struct {
	r         *bufio.Reader
	offset    int64 // bytes handed out
	line      int   // of the next byte
	lineStart int64 // offset of that line
	prevStart int64 // offset of the line before
	err       error // of r, not io.EOF

	partial []byte   // the bytes so far of a rune of several
	bad     position // of the first byte that XML in UTF-8 cannot have, if any
}

func (s *source) ReadByte() (byte, error) {
	b, err := s.r.ReadByte()
	if err != nil {
		if err != io.EOF {
			s.err = err
		}
		return 0, err
	}
	s.check(b)
	s.offset++
	if b == '\n' {
		s.line++
		s.prevStart, s.lineStart = s.lineStart, s.offset
	}
	return b, nil
}

// check notes where the text goes wrong: the decoder looks at a whole
// attribute or text at once, and says no more than that it has passed it.
func (s *source) check(b byte) {
	if b < utf8.RuneSelf && len(s.partial) == 0 {
		if b < ' ' && b != '\t' && b != '\n' && b != '\r' && s.bad.line == 0 {
			s.bad = s.at(s.offset)
		}
		return
	}
	s.partial = append(s.partial, b)
	if !utf8.FullRune(s.partial) {
		return
	}
	if r, size := utf8.DecodeRune(s.partial); r == utf8.RuneError && size == 1 && s.bad.line == 0 {
		s.bad = s.at(s.offset)
		s.bad.column -= len(s.partial) - 1 // no line end among them
	}
	s.partial = s.partial[:0]
}

// Read is there because the decoder wants an io.Reader; it calls ReadByte.
func (s *source) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	b, err := s.ReadByte()
	if err != nil {
		return 0, err
	}
	p[0] = b
	return 1, nil
}

// position is a place in the file: line and column from 1, column in bytes.
type position struct{ line, column int }

func (p position) String() string { return fmt.Sprintf("%d:%d", p.line, p.column) }

// at returns the position of offset, which is that of the next byte or of the
// one before it: the decoder puts back one byte at most.
func (s *source) at(offset int64) position {
	if offset < s.lineStart {
		return position{s.line - 1, int(offset-s.prevStart) + 1}
	}
	return position{s.line, int(offset-s.lineStart) + 1}
}

// element is an open element.
type element struct {
	name xml.Name
	at   position
}

type parser struct {
	name string
	src  *source
	dec  *xml.Decoder
	each func(Track) error

	open        []element
	root        bool // DJ_PLAYLISTS has been seen
	collections int
	entries     string // the last COLLECTION's statement, if it is no number
	track       *Track // the open track that has not been handed on
	current     Track  // what track points to
	odd         oddities
	sum         Summary
}

// run reads to the end of the file. RawToken, and not Token, so that nesting
// is checked here, where it is known which element was opened where.
func (p *parser) run() error {
	for {
		at := p.here()
		token, err := p.dec.RawToken()
		if err == io.EOF && p.src.err == nil {
			return p.end(at)
		}
		if err != nil {
			return p.broken(at, err)
		}
		switch t := token.(type) {
		case xml.StartElement:
			err = p.start(t, at)
		case xml.EndElement:
			err = p.close(t, at)
		case xml.CharData:
			if len(p.open) == 0 {
				err = p.stray(t, at)
			}
		}
		if err != nil {
			return err
		}
	}
}

func (p *parser) here() position { return p.src.at(p.dec.InputOffset()) }

func (p *parser) errorf(at position, format string, args ...any) error {
	return &SyntaxError{File: p.name, Line: at.line, Column: at.column, Msg: fmt.Sprintf(format, args...)}
}

// broken turns an error of the decoder, which began a token at the given
// position, into one that says where and what.
func (p *parser) broken(at position, err error) error {
	if p.src.err != nil {
		return fmt.Errorf("reading %s: %w", p.name, p.src.err)
	}
	if errors.Is(err, errEncoding) {
		what := err.Error()
		return p.errorf(at, "%s; expected an export in UTF-8", what[strings.Index(what, errEncoding.Error()):])
	}
	var syntax *xml.SyntaxError
	if !errors.As(err, &syntax) {
		return p.errorf(at, "%s", strings.TrimPrefix(err.Error(), "xml: "))
	}
	switch {
	case syntax.Msg == "unexpected EOF":
		return p.errorf(p.here(), "the file ends in the middle of what starts at %s%s", at, p.inside())
	case syntax.Msg == "invalid UTF-8" && p.src.bad.line > 0:
		return p.errorf(p.src.bad, "text that is not UTF-8; expected an export in UTF-8")
	case strings.HasPrefix(syntax.Msg, "illegal character") && p.src.bad.line > 0:
		return p.errorf(p.src.bad, "%s%s", syntax.Msg, p.inside())
	}
	// The decoder has read one byte further than it went wrong, or none.
	return p.errorf(p.here(), "%s%s", syntax.Msg, p.inside())
}

// inside names the innermost open element, for errors.
func (p *parser) inside() string {
	if len(p.open) == 0 {
		return ""
	}
	e := p.open[len(p.open)-1]
	return fmt.Sprintf(", inside <%s> from %s", tag(e.name), e.at)
}

// tag writes an element's name with its prefix.
func tag(n xml.Name) string {
	if n.Space != "" {
		return n.Space + ":" + n.Local
	}
	return n.Local
}

// stray refuses text outside the root element, but for white space and the
// byte order mark.
func (p *parser) stray(text xml.CharData, at position) error {
	rest := strings.TrimLeft(string(text), "\ufeff \t\r\n")
	if rest == "" {
		return nil
	}
	skipped := string(text[:len(text)-len(rest)])
	if n := strings.Count(skipped, "\n"); n > 0 {
		at.line += n
		at.column = len(skipped) - strings.LastIndexByte(skipped, '\n')
	} else {
		at.column += len(skipped)
	}
	if p.root {
		return p.errorf(at, "text after </DJ_PLAYLISTS>; expected the end of the file")
	}
	return p.errorf(at, "text that is not XML; expected <DJ_PLAYLISTS>")
}

// end is called at the end of the file.
func (p *parser) end(at position) error {
	switch {
	case len(p.open) > 0:
		e := p.open[len(p.open)-1]
		return p.errorf(at, "the file ends too early; expected </%s> for the element from %s", tag(e.name), e.at)
	case !p.root && p.dec.InputOffset() == 0:
		return p.errorf(at, "the file is empty; expected <DJ_PLAYLISTS>")
	case !p.root:
		return p.errorf(at, "no element in the file; expected <DJ_PLAYLISTS>")
	case p.collections == 0:
		return p.errorf(at, "no collection in the file; expected <COLLECTION> in <DJ_PLAYLISTS>")
	}
	p.warn()
	return nil
}

// warn fills in the warnings about the whole file.
func (p *parser) warn() {
	add := func(format string, args ...any) {
		p.sum.Warnings = append(p.sum.Warnings, fmt.Sprintf(format, args...))
	}
	if p.collections > 1 {
		add("%d collections in the file; their tracks are taken together", p.collections)
	}
	switch {
	case p.entries != "":
		add("the collection states %q entries; found %d tracks", p.entries, p.sum.Tracks)
	case p.sum.Entries >= 0 && p.sum.Entries != p.sum.Tracks:
		add("the collection states %d entries; found %d tracks", p.sum.Entries, p.sum.Tracks)
	}
	p.sum.Warnings = append(p.sum.Warnings, p.odd.warnings()...)
}

// start handles a start tag; that of a self-closing element too, whose end
// tag the decoder makes up.
func (p *parser) start(t xml.StartElement, at position) error {
	switch depth := len(p.open); {
	case depth == 0 && p.root:
		return p.errorf(at, "<%s> after </DJ_PLAYLISTS>; expected the end of the file", tag(t.Name))
	case depth == 0 && t.Name.Local != "DJ_PLAYLISTS":
		return p.errorf(at, "the root element is <%s>; expected <DJ_PLAYLISTS>", tag(t.Name))
	case depth == maxDepth:
		return p.errorf(at, "elements nest more than %d deep", maxDepth)
	}
	p.root = true
	p.open = append(p.open, element{t.Name, at})

	switch section := p.section(); {
	case section == "PRODUCT" && len(p.open) == 2:
		p.sum.Product = Text(attr(t, "Name"))
		p.sum.Version = Text(attr(t, "Version"))
	case section == "COLLECTION" && len(p.open) == 2:
		p.collection(t)
	case section == "COLLECTION":
		return p.item(t)
	case section == "PLAYLISTS" && t.Name.Local == "NODE" && attr(t, "Type") == "1":
		p.sum.Playlists++
	case section == "PLAYLISTS" && t.Name.Local == "TRACK":
		p.sum.References++
	}
	return nil
}

// section returns the name of the root's child that is open.
func (p *parser) section() string {
	if len(p.open) < 2 {
		return ""
	}
	return p.open[1].name.Local
}

func (p *parser) collection(t xml.StartElement) {
	p.collections++
	stated := attr(t, "Entries")
	if stated == "" {
		return
	}
	n, err := strconv.Atoi(strings.TrimSpace(stated))
	if err != nil || n < 0 || n > math.MaxInt32 {
		p.entries = stated
		return
	}
	p.sum.Entries = max(p.sum.Entries, 0) + n
}

// item handles an element inside the collection.
func (p *parser) item(t xml.StartElement) error {
	switch t.Name.Local {
	case "TRACK":
		if err := p.flush(); err != nil {
			return err
		}
		p.current = p.parse(t)
		p.track = &p.current
	case "TEMPO":
		if p.track != nil {
			p.track.Tempos++
		}
	case "POSITION_MARK":
		if p.track != nil {
			p.track.Marks++
		}
	}
	return nil
}

// flush hands on the open track, if there is one.
func (p *parser) flush() error {
	if p.track == nil {
		return nil
	}
	p.track = nil
	p.sum.Tracks++
	return p.each(p.current)
}

func (p *parser) close(t xml.EndElement, at position) error {
	if len(p.open) == 0 {
		return p.errorf(at, "</%s> closes nothing", tag(t.Name))
	}
	e := p.open[len(p.open)-1]
	if e.name != t.Name {
		return p.errorf(at, "</%s> where <%s> from %s is open; expected </%s>", tag(t.Name), tag(e.name), e.at, tag(e.name))
	}
	inCollection := p.section() == "COLLECTION"
	p.open = p.open[:len(p.open)-1]
	if inCollection && t.Name.Local == "TRACK" {
		return p.flush()
	}
	return nil
}

// attr returns the value of an attribute, "" if the element has none.
func attr(t xml.StartElement, name string) string {
	for _, a := range t.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// parse reads a track's attributes. Newer exports say AverageBpm and Tonality
// where others say BPM and Key.
func (p *parser) parse(t xml.StartElement) Track {
	var track Track
	for _, a := range t.Attr {
		v := a.Value
		switch a.Name.Local {
		case "TrackID":
			track.ID = Text(v)
		case "Name":
			track.Name = Text(v)
		case "Artist":
			track.Artist = Text(v)
		case "Album":
			track.Album = Text(v)
		case "Genre":
			track.Genre = Text(v)
		case "Label":
			track.Label = Text(v)
		case "Mix":
			track.Mix = Text(v)
		case "Remixer":
			track.Remixer = Text(v)
		case "Comments":
			track.Comments = Text(v)
		case "Location":
			track.Location = strings.TrimSpace(v)
		case "Tonality", "Key":
			if key := Text(v); key != "" {
				track.Key = key
			}
		}
	}
	// After the loop: what is odd is reported with the track's ID, which need
	// not be the first attribute.
	for _, a := range t.Attr {
		switch name, v := a.Name.Local, strings.TrimSpace(a.Value); name {
		case "AverageBpm", "BPM":
			if bpm := p.odd.bpm(track.ID, name, v); bpm > 0 {
				track.BPM = bpm
			}
		case "Year":
			track.Year = p.odd.count(track.ID, name, v)
		case "TotalTime":
			track.Seconds = p.odd.count(track.ID, name, v)
		case "Rating":
			track.Rating = p.odd.stars(track.ID, v)
		}
	}
	return track
}
