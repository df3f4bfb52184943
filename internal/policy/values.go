package policy

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/unit"
)

func (p *reader) place(at *token.Token) string {
	return fmt.Sprintf("%s:%d:%d", p.file, at.Position.Line, at.Position.Column)
}

func (p *reader) text(node ast.Node, path string) (string, error) {
	switch node := node.(type) {
	case *ast.StringNode:
		return node.Value, nil
	case *ast.LiteralNode:
		return node.Value.Value, nil
	case *ast.NullNode:
		return "", nil
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		// 2024, 1.4 and yes are what somebody wrote, not what YAML made of it.
		return node.GetToken().Value, nil
	}
	return "", p.fail(start(node), path, "expected a text, found %s", kind(node))
}

func (p *reader) boolean(node ast.Node, path string) (bool, error) {
	if b, ok := node.(*ast.BoolNode); ok {
		return b.Value, nil
	}
	return false, p.fail(start(node), path, "expected true or false")
}

func (p *reader) quantity(node ast.Node, path string) (judge.Quantity, error) {
	text, err := p.text(node, path)
	if err != nil {
		return judge.Quantity{}, err
	}
	return p.amount(text, node, path)
}

// amount reads a quantity out of the text of a node.
func (p *reader) amount(text string, node ast.Node, path string) (judge.Quantity, error) {
	v, base, err := unit.Parse(text)
	switch {
	case err != nil:
		return judge.Quantity{}, p.fail(start(node), path, "%v", err)
	case v < 0:
		return judge.Quantity{}, p.fail(start(node), path, "%s is negative", text)
	case math.IsInf(v, 0):
		return judge.Quantity{}, p.fail(start(node), path, "%s is too large", text)
	}
	return judge.Quantity{Value: v, Unit: base}, nil
}

// percentage reads 5%. A number alone, which could be 5 % as well as 500 %, is
// an error unless it is 0.
func (p *reader) percentage(node ast.Node, path string) (float64, error) {
	q, err := p.quantity(node, path)
	switch {
	case err != nil:
		return 0, err
	case q.Unit != unit.Ratio && q.Value != 0:
		return 0, p.fail(start(node), path, "expected a percentage, as in 5%%")
	case q.Value > maxChange:
		return 0, p.fail(start(node), path, "expected at most %d%%", maxChange*100)
	}
	return q.Value, nil
}

func (p *reader) confidence(node ast.Node, path string) (float64, error) {
	q, err := p.quantity(node, path)
	if err == nil && (q.Unit != unit.Ratio && q.Unit != "" || !(q.Value > 0.5 && q.Value < 1)) {
		err = p.fail(start(node), path, "expected more than 50%% and less than 100%%, as in 95%%")
	}
	return q.Value, err
}

func (p *reader) tier(node ast.Node, path string) (judge.Tier, error) {
	text, err := p.text(node, path)
	if err != nil {
		return "", err
	}
	tier, err := judge.ParseTier(text)
	if err != nil {
		return "", p.fail(start(node), path, "%v%s", err, meant(text, budgetKeys[1:]))
	}
	return tier, nil
}

// baseline reads the rule by which a baseline is chosen. Anything that is no
// rule is a run: an id, a version, a commit.
func (p *reader) baseline(node ast.Node, path string) (string, error) {
	text, err := p.text(node, path)
	if err != nil {
		return "", err
	}
	const expected = "expected previous, merge-base, branch:NAME, or a run by its id, version or commit"
	named := []string{"previous", "merge-base"}
	switch {
	case text == "" || slices.Contains(named, text):
		return text, nil
	case strings.HasPrefix(text, "branch:") && strings.TrimSpace(text) != "branch:" && !strings.ContainsFunc(text, unicode.IsSpace):
		return text, nil
	case strings.HasPrefix(text, "branch:") || strings.ContainsFunc(text, unicode.IsSpace) || meant(text, named) != "":
		return "", p.fail(start(node), path, "%q: %s%s", text, expected, meant(text, named))
	}
	return text, nil
}

// environment reads {any: [cpu, memory]}.
func (p *reader) environment(node ast.Node, path string) (fields []string, err error) {
	err = p.mapping(node, path, environmentKeys, func(key string, _ *token.Token, value ast.Node) error {
		path := join(path, key)
		return p.sequence(value, path, "expected a list, as in [cpu, memory]", func(item ast.Node) error {
			field, err := p.text(item, path)
			switch {
			case err != nil:
				return err
			case !slices.Contains(environmentFields, field):
				return p.fail(start(item), path, "unknown field %q: expected %s%s", field, list(environmentFields), meant(field, environmentFields))
			case slices.Contains(fields, field):
				return p.fail(start(item), path, "%s is there twice", field)
			}
			fields = append(fields, field)
			return nil
		})
	})
	return fields, err
}

// sequence calls each with the values of a list. An absent list has none.
func (p *reader) sequence(node ast.Node, path, expected string, each func(ast.Node) error) error {
	switch node := node.(type) {
	case *ast.SequenceNode:
		for _, item := range node.Values {
			if err := each(item); err != nil {
				return err
			}
		}
		return nil
	case *ast.NullNode:
		return nil
	}
	return p.fail(start(node), path, "%s, found %s", expected, kind(node))
}

// moment reads a date, 2027-02-01, or a time, 2027-02-01T12:00:00Z; without a
// zone it is UTC. Day tells whether it was a date.
func (p *reader) moment(node ast.Node, path string) (t time.Time, day bool, err error) {
	text, err := p.text(node, path)
	if err != nil {
		return t, false, err
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339, "2006-01-02T15:04:05", time.DateTime, "2006-01-02 15:04:05Z07:00", "2006-01-02T15:04"} {
		t, err := time.Parse(layout, text)
		if err != nil {
			continue
		}
		if t = t.UTC(); t.Year() < 2000 || t.Year() > 9998 {
			return t, false, p.fail(start(node), path, "the year of %s is no year to measure in", text)
		}
		return t, layout == time.DateOnly, nil
	}
	return t, false, p.fail(start(node), path, "%q is no date: expected one such as 2027-02-01, or a time such as 2027-02-01T12:00:00Z", text)
}
