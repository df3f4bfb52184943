package policy

import (
	"io"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"github.com/pacer-perf/pacer/internal/judge"
)

// MinReason is how many characters the reason of a waiver has at least: fewer
// tell the next reader nothing.
const MinReason = 8

// ReadWaivers reads accepted changes; name stands for the file in errors,
// which are *Error as those of Read.
//
//	waivers:
//	  - metric: track.process
//	    reason: fuzzier matching is worth 8 % (issue 41)
//	    until: 2027-02-01
//
// One that nothing ends is an error. A date in until is the last day.
func ReadWaivers(r io.Reader, name string) ([]judge.Waiver, error) {
	p, body, err := parse(r, name)
	if err != nil || body == nil {
		return nil, err
	}
	return p.waivers(body)
}

func (p *reader) waivers(body ast.Node) (waivers []judge.Waiver, err error) {
	if _, bare := body.(*ast.SequenceNode); bare {
		return nil, p.fail(start(body), "", "expected the key waivers before the list")
	}
	err = p.mapping(body, "", waiversKeys, func(key string, _ *token.Token, value ast.Node) error {
		return p.sequence(value, key, "expected a list of waivers, each with - metric:", func(item ast.Node) error {
			w, err := p.waiver(item, key)
			waivers = append(waivers, w)
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	return waivers, nil
}

func (p *reader) waiver(node ast.Node, path string) (judge.Waiver, error) {
	w := judge.Waiver{Place: p.place(start(node))}
	err := p.mapping(node, path, waiverKeys, func(key string, _ *token.Token, value ast.Node) (err error) {
		path := join(path, key)
		switch key {
		case "metric":
			var text string
			if text, err = p.text(value, path); err == nil {
				if w.Metric, err = judge.ParsePattern(text); err != nil {
					err = p.fail(start(value), path, "%v", err)
				}
			}
		case "reason":
			if w.Reason, err = p.trimmed(value, path); err == nil && utf8.RuneCountInString(w.Reason) < MinReason {
				err = p.fail(start(value), path, "%q tells the next reader nothing: expected at least %d characters", w.Reason, MinReason)
			}
		case "author":
			w.Author, err = p.trimmed(value, path)
		case "since":
			w.Since, _, err = p.moment(value, path)
		case "until_version":
			if w.UntilVersion, err = p.trimmed(value, path); err == nil && w.UntilVersion == "" {
				err = p.fail(start(value), path, "expected a version, as in 2.0")
			}
		case "until":
			var day bool
			if w.Until, day, err = p.moment(value, path); day {
				w.Until = w.Until.AddDate(0, 0, 1)
			}
		case "worse_by":
			if w.WorseBy, err = p.percentage(value, path); err == nil && w.WorseBy == 0 {
				err = p.fail(start(value), path, "expected more than 0%%")
			}
		}
		return err
	})
	if err != nil {
		return w, err
	}
	switch at := start(node); {
	case w.Metric == "":
		err = p.fail(at, path, "a waiver without a metric: expected metric, as in metric: track.process")
	case w.Reason == "":
		err = p.fail(at, path, "the waiver of %s has no reason: expected one of at least %d characters", w.Metric, MinReason)
	case w.Until.IsZero() && w.UntilVersion == "" && w.WorseBy == 0:
		err = p.fail(at, path, "the waiver of %s has no end: expected until, until_version or worse_by, as in until: 2027-02-01", w.Metric)
	case !w.Until.IsZero() && w.Since.After(w.Until):
		err = p.fail(at, path, "the waiver of %s ends before it begins", w.Metric)
	}
	return w, err
}

func (p *reader) trimmed(node ast.Node, path string) (string, error) {
	text, err := p.text(node, path)
	return strings.TrimSpace(text), err
}
