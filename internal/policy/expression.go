package policy

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/run"
)

// expressionForm is a threshold of k6: an aggregator, an operator, a value.
//
// Source: "Threshold expression syntax" in k6's documentation of thresholds.
var expressionForm = regexp.MustCompile(`^\s*([A-Za-z][A-Za-z0-9.]*)\s*(\(\s*[^()]*\))?\s*(===|==|!=|<=|>=|<|>)\s*(.*?)\s*$`)

// expressions reads a budget that is written as a threshold of k6,
// p(95)<500ms, or as a list of them. A metric has one budget on one statistic:
// a list may not have more.
func (p *reader) expressions(node ast.Node, path string, b *judge.Budget) error {
	items := []ast.Node{node}
	if seq, ok := node.(*ast.SequenceNode); ok {
		items = seq.Values
		if len(items) == 0 {
			return p.fail(start(node), path, "the budget has no limit: expected an expression, as in p(95)<500ms")
		}
	}
	for i, item := range items {
		text, err := p.text(item, path)
		if err != nil {
			return err
		}
		e, err := p.expression(text, item, path)
		if err != nil {
			return err
		}
		switch {
		case i == 0:
			b.Statistic, b.Better = e.statistic, e.better
			b.Limits[judge.Target] = e.limit
		case e.statistic == b.Statistic:
			return p.fail(start(item), path, "a second limit on the %s: keep the stricter one, or write tiers, as in {statistic: %s, target: 200ms, critical: 1s}", e.statistic, e.statistic)
		default:
			return p.fail(start(item), path, "a metric has one budget, on one statistic: it is on the %s already, and this is on the %s", b.Statistic, e.statistic)
		}
	}
	return nil
}

// expression is one threshold of k6. Strictly less and less or equal are the
// same here: being at a limit is being within it.
type expression struct {
	statistic string
	better    run.Better
	limit     judge.Quantity
}

func (p *reader) expression(text string, node ast.Node, path string) (expression, error) {
	fail := func(format string, args ...any) (expression, error) {
		return expression{}, p.fail(start(node), path, format, args...)
	}
	parts := expressionForm.FindStringSubmatch(text)
	if parts == nil {
		return fail("%q is no budget: expected limits, as in {target: 200ms}, or an expression, as in p(95)<200ms", text)
	}
	statistic, err := aggregator(parts[1], parts[2])
	if err != nil {
		return fail("%q: %v", text, err)
	}
	better, ok := map[string]run.Better{"<": run.Lower, "<=": run.Lower, ">": run.Higher, ">=": run.Higher}[parts[3]]
	if !ok {
		return fail("%q: a measured value is never sure to equal another one: expected <, <=, > or >= in place of %s", text, parts[3])
	}
	limit, err := p.amount(parts[4], node, path)
	return expression{statistic, better, limit}, err
}

// aggregator returns the statistic that k6 calls by a name, with an argument
// in brackets: avg, min, max, med, p(95).
func aggregator(name, argument string) (string, error) {
	const expected = "expected avg, min, max, med or p(N)"
	argument = strings.TrimSpace(strings.Trim(argument, "()"))
	switch name {
	case "avg", "mean":
		name = "mean"
	case "med", "median":
		name = "median"
	case "p":
		if s := "p" + argument; argument != "" && run.ValidStatistic(s) {
			return s, nil
		}
		return "", fmt.Errorf("expected p with a percentile from 0 to 100 in brackets, as in p(95)")
	case "rate", "count", "value":
		return "", fmt.Errorf("%s is of k6's rates and counters, and no statistic of what was measured: %s", name, expected)
	default:
		if !run.ValidStatistic(name) { // p95, min, max, stddev
			return "", fmt.Errorf("unknown statistic %s: %s", name, expected)
		}
	}
	if argument != "" {
		return "", fmt.Errorf("%s takes nothing in brackets", name)
	}
	return name, nil
}
