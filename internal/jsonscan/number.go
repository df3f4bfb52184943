package jsonscan

import (
	"math"
	"strconv"
)

// Number reads a finite number, or NaN for null.
func (p *Parser) Number() (float64, error) {
	ok, err := p.wants(Number)
	if err != nil {
		return 0, err
	}
	if !ok {
		return math.NaN(), nil
	}
	if v, n := decimal(p.data[p.next:]); n > 0 {
		p.next += n
		return v, nil
	}
	text, err := p.digits()
	if err != nil {
		return 0, err
	}
	v, err := strconv.ParseFloat(string(text), 64)
	if err != nil || math.IsInf(v, 0) {
		return 0, p.Fail("%s is out of range", text)
	}
	return v, nil
}

// Quantities reads an array of numbers, none below 0, and appends them to list.
// At anything else it returns false and the list as it was, and has read
// nothing: Array then tells what is there.
func (p *Parser) Quantities(list []float64) ([]float64, bool) {
	next, start := p.next, p.start
	longer, ok := p.quantities(list)
	if !ok {
		p.next, p.start = next, start
		return list, false
	}
	return longer, true
}

func (p *Parser) quantities(list []float64) ([]float64, bool) {
	if !p.space() || p.data[p.next] != '[' || p.depth >= MaxDepth {
		return nil, false
	}
	p.next++
	for n := 0; ; n++ {
		// Mostly a number follows at once.
		v, length := decimal(p.data[p.next:])
		p.next += length
		if length == 0 {
			if more, err := p.more(']', 0); err != nil || !more {
				return list, err == nil && n == 0
			}
			kind, err := p.Kind()
			if err != nil || kind != Number {
				return nil, false
			}
			if v, err = p.Number(); err != nil {
				return nil, false
			}
		}
		if v < 0 {
			return nil, false
		}
		list = append(list, v)
		if p.next < len(p.data) && p.data[p.next] == ',' {
			p.next++
			continue
		}
		if more, err := p.more(']', 1); err != nil || !more {
			return list, err == nil
		}
	}
}

// powers are those of ten that a float64 holds exactly.
var powers = [...]float64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

// decimal reads a number that is plain enough to be exact at once: its digits
// make a whole number that a float64 holds, and so is the power of ten that it
// is multiplied with or divided by, which leaves one rounding. It returns how
// long the number is: 0, if it is not of that kind, or no number.
//
// Source: Clinger (1990), How to read floating point numbers accurately, PLDI.
func decimal(text []byte) (v float64, length int) {
	i := 0
	negative := len(text) > 0 && text[0] == '-'
	if negative {
		i++
	}
	digits, first := uint64(0), i
	for ; i < len(text); i++ {
		c := text[i] - '0'
		if c > 9 {
			break
		}
		digits = digits*10 + uint64(c)
	}
	if i == first || i > first+1 && text[first] == '0' {
		return 0, 0
	}
	figures, exponent := i-first, 0
	if i < len(text) && text[i] == '.' {
		point := i + 1
		for i = point; i < len(text); i++ {
			c := text[i] - '0'
			if c > 9 {
				break
			}
			digits = digits*10 + uint64(c)
		}
		exponent = point - i
		if exponent == 0 {
			return 0, 0
		}
		figures -= exponent
	}
	if i < len(text) && text[i]|0x20 == 'e' {
		var n int
		if n, i = power(text, i+1); i == 0 {
			return 0, 0
		}
		exponent += n
	}
	// 19 digits do not overflow; what they make is looked at then.
	if figures > 19 || digits > 1<<53 || exponent > 22 || exponent < -22 {
		return 0, 0
	}
	if i < len(text) {
		switch text[i] {
		case ',', ']', '}', ' ', '\t', '\n', '\r':
		default:
			return 0, 0
		}
	}
	v = float64(digits)
	if exponent < 0 {
		v /= powers[-exponent]
	} else {
		v *= powers[exponent]
	}
	if negative {
		v = -v
	}
	return v, i
}

// power reads what is behind the e of a number, of at most three digits, and
// returns where it ends: 0, if it is no such power.
func power(text []byte, i int) (n, end int) {
	negative := false
	if i < len(text) && (text[i] == '+' || text[i] == '-') {
		negative = text[i] == '-'
		i++
	}
	first := i
	for ; i < len(text) && text[i] >= '0' && text[i] <= '9'; i++ {
		if i-first >= 3 {
			return 0, 0
		}
		n = n*10 + int(text[i]-'0')
	}
	if i == first {
		return 0, 0
	}
	if negative {
		n = -n
	}
	return n, i
}
