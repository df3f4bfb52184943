// Package jsonscan reads JSON value by value, in the order in which it comes,
// and knows at every moment where it is: an error has a line, a column and the
// path of keys that leads there.
//
// It is strict: RFC 8259 and UTF-8, no NaN, no trailing comma, nothing after
// the document. It costs no allocation for a number and for a key that came
// before. The caller says which types it expects; what it is not interested in,
// it skips.
package jsonscan

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// MaxDepth is how deeply arrays and objects may be nested.
const MaxDepth = 1000

// SyntaxError is a document that is refused: where, and what is wrong.
type SyntaxError struct {
	File         string
	Line, Column int    // from 1; the column counts characters
	Key          string // metrics[2].samples[7]; empty for the document itself
	Msg          string
}

func (e *SyntaxError) Error() string {
	key := e.Key
	if len(key) > 200 { // a document can be as deep as it likes
		key = strings.ToValidUTF8(key[:100], "") + "..." + strings.ToValidUTF8(key[len(key)-60:], "")
	}
	if key != "" {
		key += ": "
	}
	return fmt.Sprintf("%s:%d:%d: %s%s", e.File, e.Line, e.Column, key, e.Msg)
}

// Kind is the type of a value.
type Kind byte

const (
	End    Kind = iota // of the document
	Null               // null
	Bool               // true or false
	Number             // a number
	String             // a string
	Object             // {
	Array              // [
)

// String names a kind as errors do.
func (k Kind) String() string {
	return [...]string{"the end of the document", "null", "a boolean", "a number", "a string", "an object", "an array"}[k]
}

// part is one step of a path: a key, or the index of an element.
type part struct {
	key   string
	index int // -1: a key
}

// Parser walks a document. Its zero value is of no use: New makes one.
type Parser struct {
	// Empty is said of a document without anything in it; New sets it.
	Empty string
	// Words are strings that are likely to come, each under itself: they cost no
	// allocation. The parser only reads them.
	Words map[string]string

	file  string
	data  []byte
	next  int // offset of what comes next
	start int // offset of the value, key or bracket read last
	path  []part
	seen  []string // keys of the objects that are open
	depth int
	keys  map[string]string // keys read before, for they come again
	text  []byte            // of a string with escapes
}

// New returns a parser of a document; name stands for it in errors. It fails
// if the text is not UTF-8.
func New(data []byte, name string) (*Parser, error) {
	p := &Parser{file: name, data: data, Empty: "the file is empty"}
	if !utf8.Valid(data) {
		at := 0
		for at < len(data) {
			c, size := utf8.DecodeRune(data[at:])
			if c == utf8.RuneError && size == 1 {
				break
			}
			at += size
		}
		return nil, p.FailAt(at, "the text is not UTF-8")
	}
	p.Seek(0)
	if bytes.HasPrefix(data, []byte("\ufeff")) {
		p.next = len("\ufeff")
	}
	return p, nil
}

// Seek goes on at an offset, which is that of a value, at the top of the
// document.
func (p *Parser) Seek(offset int) {
	p.next, p.start, p.depth = offset, offset, 0
	p.path, p.seen = p.path[:0], p.seen[:0]
}

// Start is the offset of the value, key or bracket that was read last.
func (p *Parser) Start() int { return p.start }

// Offset is the offset behind what was read last.
func (p *Parser) Offset() int { return p.next }

// Line is the line of what was read last, from 1. It costs a pass over the
// text before it.
func (p *Parser) Line() int { return bytes.Count(p.data[:p.start], []byte("\n")) + 1 }

// Key is the path to where the parser is: metrics[2].samples[7].
func (p *Parser) Key() string {
	var b strings.Builder
	for _, step := range p.path {
		switch {
		case step.index >= 0:
			fmt.Fprintf(&b, "[%d]", step.index)
		case b.Len() > 0:
			b.WriteString("." + step.key)
		default:
			b.WriteString(step.key)
		}
	}
	return b.String()
}

// Depth is how many keys and indices lead to where the parser is.
func (p *Parser) Depth() int { return len(p.path) }

// Fail returns the *SyntaxError for what is wrong with the value read last.
func (p *Parser) Fail(format string, args ...any) error { return p.FailAt(p.start, format, args...) }

// FailAt is Fail at an offset.
func (p *Parser) FailAt(offset int, format string, args ...any) error {
	before := p.data[:min(offset, len(p.data))]
	line := bytes.Count(before, []byte("\n")) + 1
	column := utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]) + 1
	return &SyntaxError{File: p.file, Line: line, Column: column, Key: p.Key(), Msg: fmt.Sprintf(format, args...)}
}

// space passes over white space and tells whether anything follows.
func (p *Parser) space() bool {
	for p.next < len(p.data) {
		switch p.data[p.next] {
		case ' ', '\t', '\n', '\r':
			p.next++
		default:
			return true
		}
	}
	return false
}

// ends is the error of a document that stops in the middle.
func (p *Parser) ends() error {
	if len(bytes.TrimSpace(bytes.TrimPrefix(p.data, []byte("\ufeff")))) == 0 {
		return p.FailAt(0, "%s", p.Empty)
	}
	return p.FailAt(len(p.data), "the document ends too early")
}

// unexpected is the error of a character that has no place here.
func (p *Parser) unexpected(expected string) error {
	if !p.space() {
		return p.ends()
	}
	rest := p.data[p.next:]
	for _, word := range []string{"NaN", "Infinity", "-Infinity", "-NaN"} {
		if bytes.HasPrefix(rest, []byte(word)) {
			p.start = p.next
			return p.Fail("%s is not a finite number", word)
		}
	}
	c, _ := utf8.DecodeRune(rest)
	return p.FailAt(p.next, "not JSON: found %q, expected %s", c, expected)
}

// Kind returns the kind of the value that comes next, without reading it.
func (p *Parser) Kind() (Kind, error) {
	if !p.space() {
		return End, p.ends()
	}
	switch c := p.data[p.next]; {
	case c == '{':
		return Object, nil
	case c == '[':
		return Array, nil
	case c == '"':
		return String, nil
	case c == 'n':
		return Null, nil
	case c == 't', c == 'f':
		return Bool, nil
	case c >= '0' && c <= '9':
		return Number, nil
	case c == '-' && p.next+1 < len(p.data) && p.data[p.next+1] >= '0' && p.data[p.next+1] <= '9':
		return Number, nil
	}
	return End, p.unexpected("a value")
}

// wants reads the kind of the next value and notes where it begins. It returns
// false for null, having read it, and an error for any other kind.
func (p *Parser) wants(kind Kind) (bool, error) {
	found, err := p.Kind()
	if err != nil {
		return false, err
	}
	p.start = p.next
	switch found {
	case kind:
		return true, nil
	case Null:
		return false, p.word("null")
	}
	return false, p.Fail("expected %v, found %v", kind, found)
}

// word reads true, false or null.
func (p *Parser) word(word string) error {
	if !bytes.HasPrefix(p.data[p.next:], []byte(word)) {
		return p.unexpected("a value")
	}
	p.next += len(word)
	return p.delimited()
}

// delimited refuses a letter or digit right behind a word or a number.
func (p *Parser) delimited() error {
	if p.next < len(p.data) {
		switch c := p.data[p.next]; c {
		case ' ', '\t', '\n', '\r', ',', ']', '}', ':':
		default:
			return p.unexpected("a comma or the end")
		}
	}
	return nil
}

// Object reads an object and calls each with every key, with the parser at its
// value, which each has to read or skip. A key for which known is true must
// not come twice; with nil, no key may. It returns false for null.
func (p *Parser) Object(known func(string) bool, each func(key string) error) (bool, error) {
	ok, err := p.wants(Object)
	if !ok || err != nil {
		return false, err
	}
	if err := p.open(); err != nil {
		return false, err
	}
	first := len(p.seen)
	var many map[string]bool // of the keys, once they are many
	for n := 0; ; n++ {
		more, err := p.more('}', n)
		if err != nil {
			return false, err
		}
		if !more {
			break
		}
		if p.space(); p.next >= len(p.data) || p.data[p.next] != '"' {
			return false, p.unexpected("a key")
		}
		p.start = p.next
		raw, err := p.string()
		if err != nil {
			return false, err
		}
		key := p.intern(raw)
		p.path = append(p.path, part{key, -1})
		if known == nil || known(key) {
			twice := false
			if many != nil {
				twice = many[key]
				many[key] = true
			} else {
				for _, k := range p.seen[first:] {
					twice = twice || k == key
				}
			}
			if twice {
				return false, p.Fail("the key is there twice")
			}
			if many == nil {
				p.seen = append(p.seen, key)
				if len(p.seen)-first > 32 {
					many = make(map[string]bool)
					for _, k := range p.seen[first:] {
						many[k] = true
					}
				}
			}
		}
		if p.space(); p.next >= len(p.data) || p.data[p.next] != ':' {
			return false, p.unexpected("a colon")
		}
		p.next++
		if err := each(key); err != nil {
			return false, err
		}
		p.path = p.path[:len(p.path)-1]
	}
	p.seen = p.seen[:first]
	p.depth--
	return true, nil
}

// Array reads an array and calls each for every element, which each has to
// read or skip. It returns false for null.
func (p *Parser) Array(each func(i int) error) (bool, error) {
	ok, err := p.wants(Array)
	if !ok || err != nil {
		return false, err
	}
	if err := p.open(); err != nil {
		return false, err
	}
	p.path = append(p.path, part{index: 0})
	at := len(p.path) - 1
	for i := 0; ; i++ {
		more, err := p.more(']', i)
		if err != nil {
			return false, err
		}
		if !more {
			break
		}
		p.path[at].index = i
		if err := each(i); err != nil {
			return false, err
		}
	}
	p.path = p.path[:at]
	p.depth--
	return true, nil
}

// open reads the bracket of an array or object.
func (p *Parser) open() error {
	p.next++
	if p.depth++; p.depth > MaxDepth {
		return p.Fail("nested more than %d deep", MaxDepth)
	}
	return nil
}

// more reads the comma before the nth element, or the closing bracket, of which
// it returns false.
func (p *Parser) more(closing byte, n int) (bool, error) {
	if !p.space() {
		return false, p.ends()
	}
	switch c := p.data[p.next]; {
	case c == closing:
		p.start = p.next
		p.next++
		return false, nil
	case n == 0:
		return true, nil
	case c == ',':
		p.next++
		if p.space(); p.next < len(p.data) && p.data[p.next] == closing {
			return false, p.unexpected("a value behind the comma")
		}
		return true, nil
	}
	return false, p.unexpected("a comma or " + strconv.Quote(string(closing)))
}

// Skip passes over a value of any kind.
func (p *Parser) Skip() error {
	kind, err := p.Kind()
	if err != nil {
		return err
	}
	switch kind {
	case Object:
		_, err = p.Object(never, p.skipKey)
	case Array:
		_, err = p.Array(p.skipElement)
	case String:
		p.start = p.next
		_, err = p.string()
	case Number:
		p.start = p.next
		_, err = p.digits()
	case Null:
		p.start = p.next
		err = p.word("null")
	default:
		_, err = p.Bool()
	}
	return err
}

func never(string) bool { return false }

func (p *Parser) skipKey(string) error  { return p.Skip() }
func (p *Parser) skipElement(int) error { return p.Skip() }

// Bool reads true or false; null is false.
func (p *Parser) Bool() (bool, error) {
	ok, err := p.wants(Bool)
	if !ok || err != nil {
		return false, err
	}
	if p.data[p.next] == 't' {
		return true, p.word("true")
	}
	return false, p.word("false")
}

// Text reads a string, and returns false for null.
func (p *Parser) Text() (string, bool, error) {
	ok, err := p.wants(String)
	if !ok || err != nil {
		return "", false, err
	}
	raw, err := p.string()
	return string(raw), err == nil, err
}

// Word is Text for a string that is likely to come again: it costs no
// allocation then.
func (p *Parser) Word() (string, bool, error) {
	ok, err := p.wants(String)
	if !ok || err != nil {
		return "", false, err
	}
	raw, err := p.string()
	if err != nil {
		return "", false, err
	}
	return p.intern(raw), true, nil
}

// Close expects the end of the document.
func (p *Parser) Close() error {
	if !p.space() {
		return nil
	}
	c, _ := utf8.DecodeRune(p.data[p.next:])
	return p.FailAt(p.next, "expected the end of the file, found %q", c)
}

// intern returns a key as a string that is kept, for keys come again and again.
func (p *Parser) intern(raw []byte) string {
	if key, ok := p.Words[string(raw)]; ok {
		return key
	}
	if key, ok := p.keys[string(raw)]; ok {
		return key
	}
	key := string(raw)
	if p.keys == nil {
		p.keys = make(map[string]string)
	}
	if len(p.keys) < 10_000 {
		p.keys[key] = key
	}
	return key
}
