package jsonscan

import (
	"bytes"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// string reads a string and returns its text, which holds until the next one.
func (p *Parser) string() ([]byte, error) {
	p.next++ // the quote
	begin := p.next
	for i := p.next; i < len(p.data); i++ {
		switch c := p.data[i]; {
		case c == '"':
			p.next = i + 1
			return p.data[begin:i], nil
		case c == '\\':
			p.text = append(p.text[:0], p.data[begin:i]...)
			p.next = i
			return p.escaped()
		case c < ' ':
			return nil, p.FailAt(i, "not JSON: a string holds the control character %q", c)
		}
	}
	return nil, p.ends()
}

// escaped reads the rest of a string from its first escape on.
func (p *Parser) escaped() ([]byte, error) {
	for p.next < len(p.data) {
		switch c := p.data[p.next]; {
		case c == '"':
			p.next++
			return p.text, nil
		case c == '\\':
			if err := p.escape(); err != nil {
				return nil, err
			}
		case c < ' ':
			return nil, p.FailAt(p.next, "not JSON: a string holds the control character %q", c)
		default:
			p.text = append(p.text, c)
			p.next++
		}
	}
	return nil, p.ends()
}

var escapes = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// escape reads one escape. Half of a surrogate pair alone becomes U+FFFD.
func (p *Parser) escape() error {
	if p.next+1 >= len(p.data) {
		return p.ends()
	}
	c := p.data[p.next+1]
	if plain := escapes[c]; plain != 0 {
		p.text = append(p.text, plain)
		p.next += 2
		return nil
	}
	r, ok := p.unicode(p.next)
	if !ok {
		return p.FailAt(p.next, "not JSON: an unknown escape in a string")
	}
	p.next += 6
	if utf16.IsSurrogate(r) {
		low, ok := p.unicode(p.next)
		if pair := utf16.DecodeRune(r, low); ok && pair != utf8.RuneError {
			p.next += 6
			r = pair
		}
	}
	p.text = utf8.AppendRune(p.text, r)
	return nil
}

// unicode reads \uXXXX at an offset.
func (p *Parser) unicode(at int) (rune, bool) {
	if at+6 > len(p.data) || p.data[at] != '\\' || p.data[at+1] != 'u' {
		return 0, false
	}
	v, err := strconv.ParseUint(string(p.data[at+2:at+6]), 16, 32)
	return rune(v), err == nil
}

// digits reads the text of a number.
func (p *Parser) digits() ([]byte, error) {
	i, data := p.next, p.data
	run := func() bool {
		from := i
		for i < len(data) && data[i] >= '0' && data[i] <= '9' {
			i++
		}
		return i > from
	}
	if i < len(data) && data[i] == '-' {
		i++
	}
	ok := true
	if i < len(data) && data[i] == '0' {
		i++
	} else {
		ok = run()
	}
	if ok && i < len(data) && data[i] == '.' {
		i++
		ok = run()
	}
	if ok && i < len(data) && (data[i] == 'e' || data[i] == 'E') {
		if i++; i < len(data) && (data[i] == '+' || data[i] == '-') {
			i++
		}
		ok = run()
	}
	if !ok {
		if i >= len(data) {
			return nil, p.ends()
		}
		return nil, p.FailAt(p.next, "not JSON: %s is no number", bytes.TrimSpace(data[p.next:i+1]))
	}
	text := data[p.next:i]
	p.next = i
	return text, p.delimited()
}
