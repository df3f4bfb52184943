package run

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// parser walks the tokens of a document, so that every error knows its key and
// its place.
type parser struct {
	file    string
	data    []byte
	skipped int // bytes before the decoder's first
	dec     *json.Decoder
	path    []any // string: a key; int: an index
	start   int   // offset of the token read last
	run     Run
	flat    flatKeys
	flatAt  map[string]int // offsets of the flat keys present
}

// fail returns the *SyntaxError for what is wrong at an offset.
func (p *parser) fail(offset int, format string, args ...any) error {
	before := p.data[:min(offset, len(p.data))]
	line := bytes.Count(before, []byte("\n")) + 1
	column := utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]) + 1
	var key strings.Builder
	for _, part := range p.path {
		switch part := part.(type) {
		case int:
			fmt.Fprintf(&key, "[%d]", part)
		case string:
			if key.Len() > 0 {
				key.WriteByte('.')
			}
			key.WriteString(part)
		}
	}
	return &SyntaxError{File: p.file, Line: line, Column: column, Key: key.String(), Msg: fmt.Sprintf(format, args...)}
}

// token returns the next token and remembers where it begins.
func (p *parser) token() (json.Token, error) {
	at := p.skipped + int(p.dec.InputOffset())
	for at < len(p.data) && strings.IndexByte(" \t\r\n,:", p.data[at]) >= 0 {
		at++
	}
	p.start = at
	tok, err := p.dec.Token()
	if err == nil {
		return tok, nil
	}
	var syntax *json.SyntaxError
	switch {
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		if len(bytes.TrimSpace(p.data)) == 0 {
			return nil, p.fail(0, "the file is empty: expected a %s document", Schema)
		}
		return nil, p.fail(len(p.data), "the document ends too early")
	case errors.As(err, &syntax):
		rest := string(p.data[at:min(len(p.data), at+9)])
		for _, word := range []string{"NaN", "Infinity", "-Infinity", "-NaN"} {
			if strings.HasPrefix(rest, word) {
				return nil, p.fail(at, "%s is not a finite number", word)
			}
		}
		return nil, p.fail(at, "not JSON: %v", syntax)
	}
	return nil, p.fail(at, "not JSON: %v", err)
}

// kind names a token in the words of JSON.
func kind(tok json.Token) string {
	switch tok := tok.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case json.Number:
		return "a number"
	case string:
		return "a string"
	case json.Delim:
		if tok == '{' {
			return "an object"
		}
		return "an array"
	}
	return "something else"
}

// object reads an object and calls each with every key, with the decoder at
// its value. A key for which known is true must not come twice. It returns
// false for null.
func (p *parser) object(known func(string) bool, each func(key string) error) (bool, error) {
	tok, err := p.token()
	if err != nil || tok == nil {
		return false, err
	}
	if tok != json.Delim('{') {
		return false, p.fail(p.start, "expected an object, found %s", kind(tok))
	}
	seen := make(map[string]bool)
	for p.dec.More() {
		tok, err := p.token()
		if err != nil {
			return false, err
		}
		key := tok.(string) // the decoder lets nothing else through here
		p.path = append(p.path, key)
		if known(key) && seen[key] {
			return false, p.fail(p.start, "the key is there twice")
		}
		seen[key] = true
		if err := each(key); err != nil {
			return false, err
		}
		p.path = p.path[:len(p.path)-1]
	}
	_, err = p.token()
	return true, err
}

// array reads an array and calls each for every element. It returns false for
// null.
func (p *parser) array(each func(i int) error) (bool, error) {
	tok, err := p.token()
	if err != nil || tok == nil {
		return false, err
	}
	if tok != json.Delim('[') {
		more := ""
		if len(p.path) == 1 && p.path[0] == "metrics" {
			more = ": is this a report? It holds the run under this key"
		}
		return false, p.fail(p.start, "expected an array, found %s%s", kind(tok), more)
	}
	p.path = append(p.path, 0)
	for i := 0; p.dec.More(); i++ {
		p.path[len(p.path)-1] = i
		if err := each(i); err != nil {
			return false, err
		}
	}
	p.path = p.path[:len(p.path)-1]
	_, err = p.token()
	return true, err
}

// skip passes over a value of any kind.
func (p *parser) skip() error {
	for depth := 0; ; {
		tok, err := p.token()
		if err != nil {
			return err
		}
		if d, ok := tok.(json.Delim); ok {
			if d == '{' || d == '[' {
				depth++
			} else {
				depth--
			}
		}
		if depth == 0 {
			return nil
		}
	}
}

func (p *parser) text(into *string) error {
	tok, err := p.token()
	if err != nil || tok == nil {
		return err
	}
	s, ok := tok.(string)
	if !ok {
		return p.fail(p.start, "expected a string, found %s", kind(tok))
	}
	*into = s
	return nil
}

func (p *parser) texts(into *[]string) error {
	_, err := p.array(func(int) error {
		word := ""
		err := p.text(&word)
		*into = append(*into, word)
		return err
	})
	return err
}

// number returns a finite number, or NaN for null.
func (p *parser) number() (float64, error) {
	tok, err := p.token()
	if err != nil {
		return 0, err
	}
	if tok == nil {
		return math.NaN(), nil
	}
	n, ok := tok.(json.Number)
	if !ok {
		return 0, p.fail(p.start, "expected a number, found %s", kind(tok))
	}
	v, err := strconv.ParseFloat(string(n), 64)
	if err != nil || math.IsInf(v, 0) {
		return 0, p.fail(p.start, "%s is out of range", n)
	}
	return v, nil
}

// quantity is a number that may not be negative.
func (p *parser) quantity() (float64, error) {
	v, err := p.number()
	if err == nil && v < 0 {
		return 0, p.fail(p.start, "%v is negative", v)
	}
	return v, err
}

// whole returns a whole number within ±2^53, or 0 for null.
func (p *parser) whole() (int64, error) {
	v, err := p.number()
	switch {
	case err != nil:
		return 0, err
	case math.IsNaN(v):
		return 0, nil
	case v != math.Trunc(v) || math.Abs(v) > 1<<53:
		return 0, p.fail(p.start, "%v is not a whole number within 2^53", v)
	}
	return int64(v), nil
}

func (p *parser) strings() (map[string]string, error) {
	m := make(map[string]string)
	_, err := p.object(everyKey, func(key string) error {
		tok, err := p.token()
		if err != nil {
			return err
		}
		value, ok := tok.(string)
		if !ok {
			return p.fail(p.start, "expected a string, found %s", kind(tok))
		}
		m[key] = value
		return nil
	})
	if len(m) == 0 {
		m = nil
	}
	return m, err
}

// count is a whole number that may not be negative.
func (p *parser) count() (int64, error) {
	n, err := p.whole()
	if err == nil && n < 0 {
		return 0, p.fail(p.start, "%d is negative", n)
	}
	return n, err
}
