package run

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/pacer-perf/pacer/internal/jsonscan"
)

// parser reads a document. What is common to all JSON is the scanner's; this
// adds what the values of a run document may be.
type parser struct {
	*jsonscan.Parser
	file   string
	run    Run
	flat   flatKeys
	flatAt map[string]int // offsets of the flat keys present
	floats []float64      // reused from metric to metric
}

// refused returns an error of the scanner as the one that this package
// promises.
func refused(err error) error {
	var at *jsonscan.SyntaxError
	if !errors.As(err, &at) {
		return err
	}
	refused := SyntaxError(*at)
	if refused.Key == "metrics" && strings.HasPrefix(refused.Msg, "expected an array, found") {
		refused.Msg += ": is this a report? It holds the run under this key"
	}
	return &refused
}

// fail returns the error for what is wrong at an offset.
func (p *parser) fail(offset int, format string, args ...any) error {
	return p.FailAt(offset, format, args...)
}

// text reads a string into one; null leaves it as it is.
func (p *parser) text(into *string) error {
	s, ok, err := p.Text()
	if ok {
		*into = s
	}
	return err
}

// word is text that is likely to come again.
func (p *parser) word(into *string) error {
	s, ok, err := p.Word()
	if ok {
		*into = s
	}
	return err
}

// samples reads an array of numbers, none below 0, as most are. It returns
// false for anything else, having read nothing.
func (p *parser) samples() ([]float64, bool) {
	list, ok := p.Quantities(p.floats[:0])
	switch {
	case !ok, len(list) == 0:
		return nil, ok
	case len(list) > 1000: // rather than twice in memory
		p.floats = nil
		return list, true
	}
	p.floats = list
	return slices.Clone(list), true
}

func (p *parser) texts(into *[]string) error {
	_, err := p.Array(func(int) error {
		word := ""
		err := p.text(&word)
		*into = append(*into, word)
		return err
	})
	return err
}

// number returns a finite number, or NaN for null.
func (p *parser) number() (float64, error) { return p.Number() }

// quantity is a number that may not be negative.
func (p *parser) quantity() (float64, error) {
	v, err := p.Number()
	if err == nil && v < 0 {
		return 0, p.Fail("%v is negative", v)
	}
	return v, err
}

// whole returns a whole number within ±2^53, or 0 for null.
func (p *parser) whole() (int64, error) {
	v, err := p.Number()
	switch {
	case err != nil:
		return 0, err
	case math.IsNaN(v):
		return 0, nil
	case v != math.Trunc(v) || math.Abs(v) > 1<<53:
		return 0, p.Fail("%v is not a whole number within 2^53", v)
	}
	return int64(v), nil
}

func (p *parser) strings() (map[string]string, error) {
	m := make(map[string]string)
	_, err := p.Object(everyKey, func(key string) error {
		value, ok, err := p.Text()
		if err == nil && !ok {
			err = p.Fail("expected a string, found null")
		}
		m[key] = value
		return err
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
		return 0, p.Fail("%d is negative", n)
	}
	return n, err
}

func (p *parser) warn(format string, args ...any) {
	p.run.Doubts = append(p.run.Doubts, p.file+": "+fmt.Sprintf(format, args...))
}

// percentiles reads {"25": 1.5, "99.99": 3}.
func (p *parser) percentiles(into *Stats) error {
	_, err := p.Object(nil, func(key string) error {
		percent, err := strconv.ParseFloat(key, 64)
		if err != nil || !(percent > 0 && percent < 100) {
			return p.Fail("%q: expected a percentage between 0 and 100", key)
		}
		v, err := p.Number()
		if err == nil && !math.IsNaN(v) {
			into.SetPercentile(percent, v)
		}
		return err
	})
	return err
}

// interval reads [low, high], or nil for null.
func (p *parser) interval() (*[2]float64, error) {
	var ends []float64
	ok, err := p.Array(func(int) error {
		v, err := p.Number()
		ends = append(ends, v)
		return err
	})
	if err != nil || !ok {
		return nil, err
	}
	if len(ends) != 2 {
		return nil, p.Fail("expected two numbers, found %d", len(ends))
	}
	return &[2]float64{ends[0], ends[1]}, nil
}
