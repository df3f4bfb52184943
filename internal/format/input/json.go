package input

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/pacer-perf/pacer/internal/jsonscan"
)

// Document is a JSON document that was read.
type Document struct {
	name string
	text []byte
}

// Read reads a source as a whole, up to MaxJSON.
func Read(src *Source) (*Document, error) {
	text, err := io.ReadAll(io.LimitReader(src, MaxJSON+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", src.Name, err)
	}
	if len(text) > MaxJSON {
		return nil, src.Fail(0, "the document is larger than %d MiB, the most that is read", MaxJSON>>20)
	}
	return NewDocument(src.Name, bytes.TrimPrefix(text, []byte("\ufeff"))), nil
}

// NewDocument returns the document of a text.
func NewDocument(name string, text []byte) *Document { return &Document{name, text} }

// Text is the document's text.
func (d *Document) Text() []byte { return d.text }

// Decode reads the document into v, as encoding/json does, and expects nothing
// behind it. Errors are *jsonscan.SyntaxError: line, column and key.
func (d *Document) Decode(v any) error {
	p, err := jsonscan.New(d.text, d.name)
	if err != nil {
		return err
	}
	if err := p.Skip(); err != nil {
		return err
	}
	if err := p.Close(); err != nil {
		return err
	}
	err = json.Unmarshal(d.text, v)
	var wrong *json.UnmarshalTypeError
	var odd *valueError
	switch {
	case errors.As(err, &wrong):
		found, _, _ := strings.Cut(wrong.Value, " ")
		at := place{before: int(wrong.Offset)}
		p.Seek(0)
		at.look(p)
		return d.Fail(at.key, "expected %s, found %s", kindOf(wrong.Type.Kind().String()), article(found))
	case errors.As(err, &odd):
		// The text of the value is a part of the document's, from there on.
		if from := cap(d.text) - cap(odd.text); from >= 0 && from <= len(d.text) && bytes.HasPrefix(d.text[from:], odd.text) {
			at := place{before: from + 1}
			p.Seek(0)
			at.look(p)
			return d.Fail(at.key, "%v", odd)
		}
	}
	if err != nil {
		return &Error{File: d.name, Msg: err.Error()}
	}
	return nil
}

// valueError is a value of another kind than expected.
type valueError struct {
	text     []byte
	expected string
}

func (e *valueError) Error() string {
	return "expected " + e.expected + ", found " + Clean(string(e.text), 40)
}

// place is the last value that begins before an offset.
type place struct {
	before int
	key    string
}

func (at *place) look(p *jsonscan.Parser) error {
	kind, err := p.Kind()
	if err != nil || p.Offset() >= at.before {
		return errors.Join(err, io.EOF)
	}
	at.key = p.Key()
	switch kind {
	case jsonscan.Object:
		_, err = p.Object(func(string) bool { return false }, func(string) error { return at.look(p) })
	case jsonscan.Array:
		_, err = p.Array(func(int) error { return at.look(p) })
	default:
		err = p.Skip()
	}
	return err
}

// kindOf names a type of Go in the words of JSON.
func kindOf(kind string) string {
	switch {
	case strings.HasPrefix(kind, "float"):
		return "a number"
	case strings.HasPrefix(kind, "int"), strings.HasPrefix(kind, "uint"):
		return "a whole number"
	case kind == "string":
		return "a string"
	case kind == "bool":
		return "true or false"
	case kind == "slice", kind == "array":
		return "an array"
	}
	return "an object"
}

func article(kind string) string {
	if kind == "array" || kind == "object" {
		return "an " + kind
	}
	if kind == "bool" {
		return "true or false"
	}
	return "a " + kind
}

// Fail returns the error for what is wrong with the value at a key, such as
// results[3].times[0].
func (d *Document) Fail(key, format string, args ...any) error {
	at := &jsonscan.SyntaxError{File: d.name, Line: 1, Column: 1, Key: key, Msg: fmt.Sprintf(format, args...)}
	if p, err := jsonscan.New(d.text, d.name); err == nil {
		var found *jsonscan.SyntaxError
		if errors.As(find(p, key), &found) {
			at.Line, at.Column = found.Line, found.Column
		}
	}
	return at
}

// find walks to a key and returns an error at its value; nil if it is not
// there.
func find(p *jsonscan.Parser, key string) error {
	// What is on the way is a prefix of the key that ends where a step does.
	here := p.Key()
	if here == key {
		if _, err := p.Kind(); err != nil {
			return err
		}
		return p.FailAt(p.Offset(), "here")
	}
	rest, ok := strings.CutPrefix(key, here)
	if !ok || here != "" && rest[0] != '.' && rest[0] != '[' {
		return p.Skip()
	}
	kind, err := p.Kind()
	if err != nil {
		return err
	}
	switch kind {
	case jsonscan.Object:
		_, err = p.Object(func(string) bool { return false }, func(string) error { return find(p, key) })
	case jsonscan.Array:
		_, err = p.Array(func(int) error { return find(p, key) })
	default:
		err = p.Skip()
	}
	return err
}

// Number is a number that some tools write as a text ("NaN", "1.5"), or null:
// NaN where it is not a finite number.
type Number float64

// UnmarshalJSON reads a number, a text of one, or null.
func (n *Number) UnmarshalJSON(text []byte) error {
	*n = Number(math.NaN())
	s := string(text)
	if s == "null" {
		return nil
	}
	if strings.HasPrefix(s, `"`) {
		if err := json.Unmarshal(text, &s); err != nil {
			return err
		}
		s = strings.TrimSpace(s)
	}
	v, err := strconv.ParseFloat(s, 64)
	switch {
	case err == nil && !math.IsInf(v, 0):
		*n = Number(v)
	case err == nil, errors.Is(err, strconv.ErrRange), strings.HasPrefix(string(text), `"`):
	default:
		return &valueError{text, "a number"}
	}
	return nil
}

// Known tells whether there is a number.
func (n *Number) Known() bool { return n != nil && !math.IsNaN(float64(*n)) }

// Or returns the number, NaN if there is none.
func (n *Number) Or() float64 {
	if n == nil {
		return math.NaN()
	}
	return float64(*n)
}

// Strings is an object whose values are written as text: strings as they are,
// anything else as its JSON.
type Strings map[string]string

// UnmarshalJSON reads the object; null is none.
func (s *Strings) UnmarshalJSON(text []byte) error {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(text, &raw); err != nil {
		return &valueError{text, "an object"}
	}
	*s = nil
	for k, v := range raw {
		if *s == nil {
			*s = make(Strings)
		}
		word := string(v)
		if strings.HasPrefix(word, `"`) {
			if err := json.Unmarshal(v, &word); err != nil {
				return err
			}
		}
		(*s)[k] = word
	}
	return nil
}

// Name stands for the document in errors.
func (d *Document) Name() string { return d.name }
