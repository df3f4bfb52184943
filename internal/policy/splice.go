package policy

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"github.com/pacer-perf/pacer/internal/judge"
)

// step is one change of a text: the key at a path gets a value, which is YAML
// on one line, or is taken away if that is empty.
type step struct {
	path  []string
	value string
	order []string // in which the keys beside it stand; nil: it comes last
}

// quantityForm is a quantity that means the same within braces and without
// quotes.
var quantityForm = regexp.MustCompile(`^[0-9]+(?:\.[0-9]+)?(?: ?(?:[A-Za-zµ]+(?:/s)?|%))?$`)

// change makes a step.
func change(text []byte, s step) ([]byte, error) {
	node, parents, err := lookup(text, s.path)
	if err != nil {
		return nil, err
	}
	src := newSource(text)
	last := len(parents) - 1 // of the mappings along the path that are there
	switch {
	case node != nil && s.value == "":
		return src.remove(parents[last])
	case node != nil:
		return src.replace(node, parents[last], s.value)
	case s.value == "":
		return text, nil
	}
	// What is missing of the path comes along.
	value, missing := s.value, s.path[max(0, last):]
	for i := len(missing) - 1; i > 0; i-- {
		if i == 1 && len(missing) == len(s.path) { // a new key of the file has its entries on lines
			value = src.eol + "  " + scalar(missing[i]) + ": " + value
			continue
		}
		value = "{" + scalar(missing[i]) + ": " + value + "}"
	}
	key := scalar(missing[0])
	if last < 0 {
		return src.append(key, value)
	}
	return src.insert(parents[last], key, value, s.order)
}

// place is a mapping on the way to a key, and the entry of the way in it.
type place struct {
	node    ast.Node // *ast.MappingNode, *ast.MappingValueNode; *ast.NullNode: it is empty
	entries []*ast.MappingValueNode
	entry   *ast.MappingValueNode // nil: the key is not there
	parent  *ast.MappingValueNode // whose value the mapping is; nil: it is the document
}

// lookup follows a path. It returns the value at its end, nil if that is not
// there, and the mappings on the way.
func lookup(text []byte, path []string) (ast.Node, []place, error) {
	_, body, err := parse(bytes.NewReader(text), "pacer.yaml")
	if err != nil || body == nil {
		return nil, nil, err
	}
	var places []place
	node := body
	var parent *ast.MappingValueNode
	for _, key := range path {
		at := place{node: node, parent: parent}
		var isMapping bool
		if at.entries, isMapping = mappingOf(node); !isMapping {
			if _, empty := node.(*ast.NullNode); !empty {
				return nil, nil, ErrByHand
			}
		}
		for _, e := range at.entries {
			if keyOf(e) == key {
				at.entry = e
			}
		}
		places = append(places, at)
		if at.entry == nil {
			return nil, places, nil
		}
		node, parent = at.entry.Value, at.entry
	}
	return node, places, nil
}

// keyOf is the key of an entry; a pattern as patterns are written.
func keyOf(e *ast.MappingValueNode) string {
	name, ok := e.Key.(ast.ScalarNode)
	if !ok {
		return ""
	}
	key := fmt.Sprint(name.GetValue())
	if p, err := judge.ParsePattern(key); err == nil {
		return string(p)
	}
	return key
}

// source is a text by lines.
type source struct {
	text  []byte
	lines []int // where each begins
	eol   string
}

func newSource(text []byte) *source {
	s := &source{text: text, lines: []int{0}, eol: "\n"}
	for i, b := range text {
		if b == '\n' {
			s.lines = append(s.lines, i+1)
		}
	}
	if bytes.Contains(text, []byte("\r\n")) {
		s.eol = "\r\n"
	}
	return s
}

// at is the byte at which a token stands: the parser counts characters.
func (s *source) at(t *token.Token) (int, error) {
	line, column := t.Position.Line-1, t.Position.Column-1
	if line < 0 || line >= len(s.lines) {
		return 0, ErrByHand
	}
	i := s.lines[line]
	for ; column > 0; column-- {
		if i >= len(s.text) || s.text[i] == '\n' {
			return 0, ErrByHand
		}
		_, n := utf8.DecodeRune(s.text[i:])
		i += n
	}
	return i, nil
}

// span is the part of the text that a value on one line takes.
func (s *source) span(node ast.Node) (from, to int, err error) {
	switch n := node.(type) {
	case *ast.MappingNode:
		if n.IsFlowStyle && n.Start != nil && n.End != nil {
			return s.between(n.Start, n.End)
		}
	case *ast.SequenceNode:
		if n.IsFlowStyle && n.Start != nil && n.End != nil {
			return s.between(n.Start, n.End)
		}
	case *ast.StringNode, *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		t := node.GetToken()
		if from, err = s.at(t); err != nil {
			return 0, 0, err
		}
		rest := s.text[from:]
		switch {
		case len(rest) > 0 && (rest[0] == '"' || rest[0] == '\''):
			if n := quoted(rest); n > 0 {
				return from, from + n, nil
			}
		case bytes.HasPrefix(rest, []byte(t.Value)) && t.Value != "":
			return from, from + len(t.Value), nil
		}
	}
	return 0, 0, ErrByHand
}

func (s *source) between(first, last *token.Token) (from, to int, err error) {
	if from, err = s.at(first); err != nil {
		return 0, 0, err
	}
	if to, err = s.at(last); err != nil {
		return 0, 0, err
	}
	if to <= from || to >= len(s.text) || !strings.ContainsRune("{[", rune(s.text[from])) || !strings.ContainsRune("}]", rune(s.text[to])) {
		return 0, 0, ErrByHand
	}
	return from, to + 1, nil
}

// quoted returns how long a quoted text on one line is, 0 if it does not end
// there.
func quoted(rest []byte) int {
	mark := rest[0]
	for i := 1; i < len(rest) && rest[i] != '\n'; i++ {
		switch {
		case mark == '"' && rest[i] == '\\':
			i++
		case mark == '\'' && rest[i] == mark && i+1 < len(rest) && rest[i+1] == mark:
			i++
		case rest[i] == mark:
			return i + 1
		}
	}
	return 0
}

func (s *source) splice(from, to int, with string) []byte {
	return slices.Concat(s.text[:from], []byte(with), s.text[to:])
}

// replace puts another value in the place of one.
func (s *source) replace(node ast.Node, in place, value string) ([]byte, error) {
	if _, empty := node.(*ast.NullNode); empty {
		colon, err := s.at(in.entry.Start)
		if err != nil || colon >= len(s.text) || s.text[colon] != ':' {
			return nil, ErrByHand
		}
		return s.splice(colon+1, colon+1, " "+value), nil
	}
	from, to, err := s.span(node)
	if err != nil {
		return nil, err
	}
	return s.splice(from, to, value), nil
}

// flow returns the braces of a mapping that is written within some.
func flow(node ast.Node) (*ast.MappingNode, bool) {
	m, ok := node.(*ast.MappingNode)
	return m, ok && m.IsFlowStyle && m.Start != nil && m.End != nil
}

// remove takes an entry out of its mapping.
func (s *source) remove(in place) ([]byte, error) {
	if _, braces := flow(in.node); !braces {
		first, end := s.extent(in.entry)
		return s.splice(first, end, ""), nil
	}
	i := slices.Index(in.entries, in.entry)
	from, err := s.at(in.entry.Key.GetToken())
	if err != nil {
		return nil, err
	}
	_, to, err := s.span(in.entry.Value)
	switch {
	case err != nil:
		return nil, err
	case i+1 < len(in.entries):
		to, err = s.at(in.entries[i+1].Key.GetToken())
	case i > 0:
		_, from, err = s.span(in.entries[i-1].Value)
	}
	if err != nil || bytes.ContainsRune(s.text[from:to], '#') {
		return nil, ErrByHand // what stands between is somebody's
	}
	return s.splice(from, to, ""), nil
}

// extent is the part of the text that an entry of a block takes, from the
// beginning of its line to that of the line behind it. Comments and blank lines
// that follow it are not part of it.
func (s *source) extent(e *ast.MappingValueNode) (from, to int) {
	t := e.Key.GetToken()
	line, column := t.Position.Line-1, t.Position.Column-1
	end := line + 1
	if m, braces := flow(e.Value); braces {
		end = max(end, m.End.Position.Line)
	}
	if q, ok := e.Value.(*ast.SequenceNode); ok && q.IsFlowStyle && q.End != nil {
		end = max(end, q.End.Position.Line)
	}
	for i := end; i < len(s.lines); i++ {
		body := strings.TrimRight(s.line(i), "\r\n")
		trimmed := strings.TrimLeft(body, " ")
		if trimmed == "" || trimmed[0] == '#' {
			continue
		}
		if len(body)-len(trimmed) <= column {
			break
		}
		end = i + 1
	}
	if end >= len(s.lines) {
		return s.lines[line], len(s.text)
	}
	return s.lines[line], s.lines[end]
}

// line is a line with its end.
func (s *source) line(i int) string {
	if i+1 < len(s.lines) {
		return string(s.text[s.lines[i]:s.lines[i+1]])
	}
	return string(s.text[s.lines[i]:])
}

// append adds a key to the end of a text without any.
func (s *source) append(key, value string) ([]byte, error) {
	lead := ""
	if len(s.text) > 0 && s.text[len(s.text)-1] != '\n' {
		lead = s.eol
	}
	return s.splice(len(s.text), len(s.text), lead+assemble(key, value)+s.eol), nil
}

// assemble puts a key before its value, which may be lines of its own.
func assemble(key, value string) string {
	if strings.HasPrefix(value, "\n") || strings.HasPrefix(value, "\r\n") {
		return key + ":" + value
	}
	return key + ": " + value
}

// insert adds an entry to a mapping: behind those that come before it in the
// order, else behind the last.
func (s *source) insert(in place, key, value string, order []string) ([]byte, error) {
	if len(in.entries) == 0 && in.parent != nil {
		if m, braces := flow(in.node); braces {
			from, _, err := s.between(m.Start, m.End)
			if err != nil {
				return nil, err
			}
			return s.splice(from+1, from+1, assemble(key, value)), nil
		}
		// The key alone: its first entry on the next line.
		t := in.parent.Key.GetToken()
		_, end := s.extent(in.parent)
		return s.newLine(end, t.Position.Column-1+2, key, value), nil
	}
	before := len(in.entries) // entries that stay in front of it
	if at := slices.Index(order, key); at >= 0 {
		before = 0
		for i, e := range in.entries {
			if slices.Index(order, keyOf(e)) < at {
				before = i + 1
			}
		}
	}
	if _, braces := flow(in.node); braces {
		if before == 0 {
			from, err := s.at(in.entries[0].Key.GetToken())
			if err != nil {
				return nil, err
			}
			return s.splice(from, from, assemble(key, value)+", "), nil
		}
		_, to, err := s.span(in.entries[before-1].Value)
		if err != nil {
			return nil, err
		}
		return s.splice(to, to, ", "+assemble(key, value)), nil
	}
	first := in.entries[0].Key.GetToken()
	column := first.Position.Column - 1
	if before == 0 {
		return s.newLine(s.lines[first.Position.Line-1], column, key, value), nil
	}
	_, end := s.extent(in.entries[before-1])
	return s.newLine(end, column, key, s.aligned(in.entries, key, column, value)), nil
}

// newLine adds an entry of a block as a line.
func (s *source) newLine(at, column int, key, value string) []byte {
	lead := ""
	if at > 0 && s.text[at-1] != '\n' {
		lead = s.eol
	}
	return s.splice(at, at, lead+strings.Repeat(" ", column)+assemble(key, value)+s.eol)
}

// aligned sets a value under those of the other entries, if these stand under
// one another.
func (s *source) aligned(entries []*ast.MappingValueNode, key string, column int, value string) string {
	at := 0
	if strings.HasPrefix(value, s.eol) {
		return value
	}
	for _, e := range entries {
		m, braces := flow(e.Value)
		if !braces || m.Start.Position.Line != e.Key.GetToken().Position.Line || at != 0 && m.Start.Position.Column != at {
			return value
		}
		at = m.Start.Position.Column
	}
	return strings.Repeat(" ", max(0, at-1-(column+utf8.RuneCountInString(key)+2))) + value
}
