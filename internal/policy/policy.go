// Package policy reads pacer.yaml into judge's Policy. It is the only package
// that knows YAML.
//
// A mistake is an *Error with file, line and column: what was found, what was
// expected, and for a misspelt key the nearest one. Nothing is guessed: a key
// that is not known is an error, because a budget that is silently ignored is
// a gate that silently passes.
package policy

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/unit"
	"github.com/pacer-perf/pacer/run"
)

// MaxSize is the largest policy that Read accepts, in bytes.
const MaxSize = 1 << 20

// Error is a policy that Read refuses: where, and what is wrong.
type Error struct {
	File         string
	Line, Column int    // from 1
	Key          string // budgets.startup.target
	Msg          string
	Excerpt      string // the line, empty if there is none
}

func (e *Error) Error() string {
	key := e.Key
	if key != "" {
		key += ": "
	}
	return fmt.Sprintf("%s:%d:%d: %s%s", e.File, e.Line, e.Column, key, e.Msg)
}

// Read reads a policy; name stands for the file in errors.
//
//	app: cuepoint
//	budgets:
//	  startup:      {target: 2s, warning: 3s, critical: 5s}
//	  table.filter: {statistic: p95, target: 200ms}
//	thresholds:
//	  startup: {min_change: 20ms}
func Read(r io.Reader, name string) (judge.Policy, error) {
	text, err := io.ReadAll(io.LimitReader(r, MaxSize+1))
	if err != nil {
		return judge.Policy{}, fmt.Errorf("reading %s: %w", name, err)
	}
	p := &reader{file: name, lines: strings.Split(string(text), "\n")}
	if len(text) > MaxSize {
		return judge.Policy{}, p.fail(nil, "", "the file is larger than %d MiB", MaxSize>>20)
	}
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		return judge.Policy{}, p.syntax(err)
	}
	policy := judge.Policy{File: name}
	if len(file.Docs) > 1 && file.Docs[1].Body != nil {
		return judge.Policy{}, p.fail(file.Docs[1].Body.GetToken(), "", "a second YAML document: expected one")
	}
	if len(file.Docs) == 0 || file.Docs[0].Body == nil {
		return policy, nil
	}
	err = p.mapping(file.Docs[0].Body, "", []string{"app", "budgets", "thresholds"}, func(key string, _ *token.Token, value ast.Node) (err error) {
		switch key {
		case "app":
			policy.App, err = p.text(value, key)
		case "budgets":
			err = p.mapping(value, key, nil, func(metric string, at *token.Token, value ast.Node) error {
				b, err := p.budget(value, at, metric)
				policy.Budgets = append(policy.Budgets, b)
				return err
			})
		case "thresholds":
			err = p.mapping(value, key, nil, func(metric string, at *token.Token, value ast.Node) error {
				t, err := p.threshold(value, at, metric)
				policy.Thresholds = append(policy.Thresholds, t)
				return err
			})
		}
		return err
	})
	if err != nil {
		return judge.Policy{}, err
	}
	return policy, nil
}

type reader struct {
	file  string
	lines []string
}

// fail returns the *Error at a token.
func (p *reader) fail(at *token.Token, key, format string, args ...any) error {
	e := &Error{File: p.file, Line: 1, Column: 1, Key: key, Msg: fmt.Sprintf(format, args...)}
	if at != nil && at.Position != nil {
		e.Line, e.Column = max(1, at.Position.Line), max(1, at.Position.Column)
	}
	if e.Line <= len(p.lines) {
		e.Excerpt = strings.TrimRight(p.lines[e.Line-1], "\r")
	}
	return e
}

// syntax turns the YAML parser's error into ours.
func (p *reader) syntax(err error) error {
	var at yaml.Error
	if errors.As(err, &at) {
		return p.fail(at.GetToken(), "", "%s", at.GetMessage())
	}
	return p.fail(nil, "", "%v", err)
}

// mapping calls each with the keys of a mapping and their values. With keys
// given, any other is an error. An absent mapping has no keys.
func (p *reader) mapping(node ast.Node, path string, keys []string, each func(key string, at *token.Token, value ast.Node) error) error {
	var values []*ast.MappingValueNode
	switch node := node.(type) {
	case *ast.MappingNode:
		values = node.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{node}
	case *ast.NullNode:
		return nil
	default:
		return p.fail(node.GetToken(), path, "expected keys with values, found %s", kind(node))
	}
	seen := make(map[string]bool)
	for _, v := range values {
		name, ok := v.Key.(ast.ScalarNode)
		if !ok {
			return p.fail(v.Key.GetToken(), path, "expected a plain key, found %s", kind(v.Key))
		}
		key := fmt.Sprint(name.GetValue())
		if _, merge := v.Key.(*ast.MergeKeyNode); merge {
			return p.fail(v.Key.GetToken(), path, "merge keys are not read: write the values out")
		}
		if keys != nil && !slices.Contains(keys, key) {
			return p.fail(v.Key.GetToken(), join(path, key), "unknown key: expected %s%s", list(keys), nearest(key, keys))
		}
		if seen[key] {
			return p.fail(v.Key.GetToken(), join(path, key), "the key is there twice")
		}
		seen[key] = true
		if err := each(key, v.Key.GetToken(), v.Value); err != nil {
			return err
		}
	}
	return nil
}

func (p *reader) text(node ast.Node, path string) (string, error) {
	switch node := node.(type) {
	case *ast.StringNode:
		return node.Value, nil
	case *ast.NullNode:
		return "", nil
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		// 2024, 1.4 and yes are what somebody wrote, not what YAML made of it.
		return node.GetToken().Value, nil
	}
	return "", p.fail(node.GetToken(), path, "expected a text, found %s", kind(node))
}

func (p *reader) quantity(node ast.Node, path string) (judge.Quantity, error) {
	text, err := p.text(node, path)
	if err != nil {
		return judge.Quantity{}, err
	}
	v, base, err := unit.Parse(text)
	if err != nil {
		return judge.Quantity{}, p.fail(node.GetToken(), path, "%v", err)
	}
	if v < 0 {
		return judge.Quantity{}, p.fail(node.GetToken(), path, "%s is negative", text)
	}
	return judge.Quantity{Value: v, Unit: base}, nil
}

func (p *reader) place(at *token.Token) string {
	return fmt.Sprintf("%s:%d:%d", p.file, at.Position.Line, at.Position.Column)
}

func (p *reader) budget(node ast.Node, at *token.Token, metric string) (judge.Budget, error) {
	path := join("budgets", metric)
	b := judge.Budget{Metric: metric, Limits: make(map[judge.Tier]judge.Quantity), Place: p.place(at)}
	err := p.mapping(node, path, []string{"statistic", "target", "warning", "critical"}, func(key string, _ *token.Token, value ast.Node) (err error) {
		if key == "statistic" {
			b.Statistic, err = p.text(value, join(path, key))
			if err == nil && !run.ValidStatistic(b.Statistic) {
				err = p.fail(value.GetToken(), join(path, key), "%q: %v", b.Statistic, run.ErrStatistic)
			}
			return err
		}
		b.Limits[judge.Tier(key)], err = p.quantity(value, join(path, key))
		return err
	})
	if err == nil && len(b.Limits) == 0 {
		err = p.fail(node.GetToken(), path, "the budget has no limit: expected target, warning or critical, as in target: 200ms")
	}
	return b, err
}

func (p *reader) threshold(node ast.Node, at *token.Token, metric string) (judge.Threshold, error) {
	path := join("thresholds", metric)
	t := judge.Threshold{Metric: metric, Place: p.place(at)}
	set := false
	err := p.mapping(node, path, []string{"min_change"}, func(key string, _ *token.Token, value ast.Node) (err error) {
		set = true
		t.MinChange, err = p.quantity(value, join(path, key))
		return err
	})
	if err == nil && !set {
		err = p.fail(node.GetToken(), path, "the threshold says nothing: expected min_change, as in min_change: 20ms")
	}
	return t, err
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func kind(node ast.Node) string {
	switch node.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return "keys with values"
	case *ast.SequenceNode:
		return "a list"
	case *ast.NullNode:
		return "nothing"
	case *ast.AliasNode, *ast.AnchorNode:
		return "an anchor or alias, which are not read"
	case *ast.TagNode:
		return "a tag, which is not read"
	}
	return "a single value"
}

func list(keys []string) string {
	if len(keys) == 1 {
		return keys[0]
	}
	return strings.Join(keys[:len(keys)-1], ", ") + " or " + keys[len(keys)-1]
}

// nearest suggests the key that was meant, if one is near.
func nearest(key string, keys []string) string {
	best, distance := "", 3 // more than two slips are another word
	for _, k := range keys {
		if d := edits(key, k); d < distance {
			best, distance = k, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %s?", best)
}

// edits returns the Levenshtein distance of two short words.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
