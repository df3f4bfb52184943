package policy

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/pacer-perf/pacer/internal/judge"
)

// Edits are changes of a pacer.yaml. Empty texts of Checks leave things as they
// are.
type Edits struct {
	Budgets []BudgetEdit
	Checks  []CheckEdit
}

// BudgetEdit says what the budget of a pattern is to be. A text without
// anything in it is a limit, or a statistic, that the budget does not have;
// without any limit there is no budget.
type BudgetEdit struct {
	Metric                               judge.Pattern
	Statistic, Target, Warning, Critical string
}

func (e *BudgetEdit) texts() [4]string {
	return [4]string{e.Statistic, e.Target, e.Warning, e.Critical}
}

// gone tells whether nothing is left of the budget.
func (e *BudgetEdit) gone() bool { return e.Target == "" && e.Warning == "" && e.Critical == "" }

// CheckEdit says what one of the other keys is to be; without a value it is
// taken away.
type CheckEdit struct {
	Key   string // confidence, fail_on, or change: the threshold of "*"
	Value string
}

// FieldError is an edit that the file would not take: the value of a budget's
// statistic or limit, or of another key.
type FieldError struct {
	Metric judge.Pattern // "": it is not about a budget
	Field  string        // statistic, target, warning, critical; or the key
	Msg    string
}

func (e *FieldError) Error() string {
	if e.Metric == "" {
		return e.Field + ": " + e.Msg
	}
	return fmt.Sprintf("budget of %s, %s: %s", e.Metric, e.Field, e.Msg)
}

// Edit makes changes in the text of a pacer.yaml and returns the new text. Only
// what is changed is written: every other line, comment and space stays as it
// is. A budget that is as it should be is not touched, however it is written;
// new ones come last.
//
// What is returned reads back as the old policy with the edits. The error is an
// *Error if the text does not read, a *FieldError for a value that would not,
// and ErrByHand for a text that is written in a way which Edit cannot change
// without touching the rest.
func Edit(text []byte, e Edits) ([]byte, error) {
	const name = "pacer.yaml"
	old, err := Read(bytes.NewReader(text), name)
	if err != nil {
		return nil, err
	}
	want := old
	want.Budgets, want.Thresholds = slices.Clone(old.Budgets), slices.Clone(old.Thresholds)
	out := text
	for i := range e.Budgets {
		b := &e.Budgets[i]
		wanted, err := b.read()
		if err != nil {
			return nil, err
		}
		at := slices.IndexFunc(want.Budgets, func(o judge.Budget) bool { return o.Metric == b.Metric })
		switch {
		case at < 0 && b.gone():
			continue
		case at >= 0 && !b.gone() && same(want.Budgets[at], wanted):
			continue
		case b.gone():
			want.Budgets = slices.Delete(want.Budgets, at, at+1)
			out, err = change(out, step{path: []string{"budgets", string(b.Metric)}})
		case at < 0:
			want.Budgets = append(want.Budgets, wanted)
			out, err = change(out, step{path: []string{"budgets", string(b.Metric)}, value: b.flow()})
		default:
			out, err = b.update(out, &want.Budgets[at])
			if wanted.Better = want.Budgets[at].Better; err == nil {
				want.Budgets[at] = wanted
			}
		}
		if err != nil {
			return nil, err
		}
	}
	for _, c := range e.Checks {
		if out, err = c.apply(out, &want); err != nil {
			return nil, err
		}
	}
	got, err := Read(bytes.NewReader(out), name)
	if err != nil || !samePolicy(got, want) {
		return nil, ErrByHand
	}
	return out, nil
}

// read returns the budget that an edit asks for.
func (e *BudgetEdit) read() (judge.Budget, error) {
	if p, err := judge.ParsePattern(string(e.Metric)); err != nil || p != e.Metric {
		return judge.Budget{}, &FieldError{Metric: e.Metric, Field: "metric", Msg: fmt.Sprint(cmpErr(err, "it is not written as patterns are"))}
	}
	if e.gone() {
		return judge.Budget{Metric: e.Metric}, nil
	}
	// Each field on its own, so that the error is at its place.
	for i, field := range budgetKeys {
		value := e.texts()[i]
		if value == "" {
			continue
		}
		one := BudgetEdit{Metric: "m", Target: "1s"}
		switch field {
		case "statistic":
			one.Statistic = value
		default:
			one.Target = value
		}
		if _, err := readBudget(&one); err != nil {
			return judge.Budget{}, &FieldError{Metric: e.Metric, Field: field, Msg: messageOf(err)}
		}
	}
	return readBudget(e)
}

func cmpErr(err error, text string) error {
	if err == nil {
		return errors.New(text)
	}
	return err
}

// readBudget reads a budget out of a file of its own.
func readBudget(e *BudgetEdit) (judge.Budget, error) {
	p, err := Read(strings.NewReader("budgets:\n  "+quote(string(e.Metric))+": "+e.flow()+"\n"), "")
	if err != nil {
		return judge.Budget{}, err
	}
	return p.Budgets[0], nil
}

// messageOf is the message of an error of Read without its place.
func messageOf(err error) string {
	var at *Error
	if errors.As(err, &at) {
		return at.Msg
	}
	return err.Error()
}

// flow writes a budget on a line.
func (e *BudgetEdit) flow() string {
	var parts []string
	for i, field := range budgetKeys {
		if value := e.texts()[i]; value != "" {
			parts = append(parts, field+": "+inFlow(value))
		}
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// inFlow writes a value as it can stand within braces: 2s, 40 items/s, "50%".
func inFlow(s string) string {
	if quantityForm.MatchString(s) || plainForm.MatchString(s) && !keywordForm.MatchString(s) {
		return s
	}
	return quote(s)
}

// same tells whether two budgets say the same, wherever they stand.
func same(a, b judge.Budget) bool {
	return a.Metric == b.Metric && a.Statistic == b.Statistic && maps.Equal(a.Limits, b.Limits)
}

// samePolicy compares what policies say, wherever it stands and in whatever
// order.
func samePolicy(a, b judge.Policy) bool {
	bare := func(p judge.Policy) judge.Policy {
		p.Budgets, p.Thresholds = slices.Clone(p.Budgets), slices.Clone(p.Thresholds)
		for i := range p.Budgets {
			p.Budgets[i].Place = ""
		}
		for i := range p.Thresholds {
			p.Thresholds[i].Place = ""
		}
		slices.SortFunc(p.Budgets, func(a, b judge.Budget) int { return strings.Compare(string(a.Metric), string(b.Metric)) })
		slices.SortFunc(p.Thresholds, func(a, b judge.Threshold) int { return strings.Compare(string(a.Metric), string(b.Metric)) })
		if len(p.Budgets) == 0 {
			p.Budgets = nil
		}
		if len(p.Thresholds) == 0 {
			p.Thresholds = nil
		}
		return p
	}
	return reflect.DeepEqual(bare(a), bare(b))
}

// update changes a budget that is there: limit by limit, or as a whole where it
// is an expression.
func (e *BudgetEdit) update(text []byte, old *judge.Budget) ([]byte, error) {
	path := []string{"budgets", string(e.Metric)}
	node, _, err := lookup(text, path)
	if err != nil {
		return nil, err
	}
	if _, isMapping := mappingOf(node); !isMapping {
		if old.Better != "" && old.Better != "lower" {
			return nil, ErrByHand // which way is good is said by the expression alone
		}
		old.Better = ""
		return change(text, step{path: path, value: e.flow()})
	}
	wanted, err := e.read()
	if err != nil {
		return nil, err
	}
	// What goes goes last: an entry beside it shows how the others are written.
	var set, remove []step
	for i, field := range budgetKeys {
		tier := judge.Tier(field)
		is, has := old.Limits[tier]
		will, wants := wanted.Limits[tier]
		equal := has == wants && is == will
		if field == "statistic" {
			wants, equal = wanted.Statistic != "", old.Statistic == wanted.Statistic
		}
		s := step{path: append(slices.Clone(path), field), order: budgetKeys}
		switch {
		case equal:
		case wants:
			s.value = inFlow(e.texts()[i])
			set = append(set, s)
		default:
			remove = append(remove, s)
		}
	}
	for _, s := range append(set, remove...) {
		if text, err = change(text, s); err != nil {
			return nil, err
		}
	}
	return text, nil
}

// apply changes one of the other keys.
func (c CheckEdit) apply(text []byte, want *judge.Policy) ([]byte, error) {
	s := step{path: []string{c.Key}}
	line := c.Key + ": " + inFlow(c.Value) + "\n"
	switch c.Key {
	case "confidence", "fail_on":
	case "change":
		s.path = []string{"thresholds", "*", "change"}
		s.order = thresholdKeys
		line = "thresholds:\n  \"*\": {change: " + inFlow(c.Value) + "}\n"
	default:
		return nil, &FieldError{Field: c.Key, Msg: "no such key is edited"}
	}
	var p judge.Policy
	if c.Value != "" {
		s.value = inFlow(c.Value)
		var err error
		if p, err = Read(strings.NewReader(line), ""); err != nil {
			return nil, &FieldError{Field: c.Key, Msg: messageOf(err)}
		}
	}
	switch c.Key {
	case "confidence":
		if want.Confidence == p.Confidence {
			return text, nil
		}
		want.Confidence = p.Confidence
	case "fail_on":
		if want.FailOn == p.FailOn {
			return text, nil
		}
		want.FailOn = p.FailOn
	case "change":
		at := slices.IndexFunc(want.Thresholds, func(t judge.Threshold) bool { return t.Metric == "*" })
		switch {
		case at < 0 && c.Value == "":
			return text, nil
		case at < 0:
			want.Thresholds = append(want.Thresholds, p.Thresholds[0])
			s = step{path: []string{"thresholds", "*"}, value: "{change: " + inFlow(c.Value) + "}"}
		case c.Value == "":
			t := want.Thresholds[at]
			if t.Change == nil {
				return text, nil
			}
			if t.Change = nil; t.MinChange == nil && t.Counted == nil && t.Ignore == nil {
				want.Thresholds = slices.Delete(want.Thresholds, at, at+1)
				s = step{path: []string{"thresholds", "*"}}
			} else {
				want.Thresholds[at] = t
			}
		default:
			t := want.Thresholds[at]
			if t.Change != nil && *t.Change == *p.Thresholds[0].Change {
				return text, nil
			}
			t.Change = p.Thresholds[0].Change
			want.Thresholds[at] = t
		}
	}
	return change(text, s)
}

// mappingOf returns the entries of a mapping, and false if the node is none.
func mappingOf(node ast.Node) ([]*ast.MappingValueNode, bool) {
	switch n := node.(type) {
	case *ast.MappingNode:
		return n.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}, true
	}
	return nil, false
}
