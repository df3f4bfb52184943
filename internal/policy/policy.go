// Package policy reads pacer.yaml and pacer.waivers.yaml into judge's Policy,
// and writes waivers. It is the only package that knows YAML.
//
// A mistake is an *Error with file, line and column: what was found, what was
// expected, and for a misspelt key the nearest one. Nothing is guessed: a key
// that is not known is an error, because a budget that is silently ignored is
// a gate that silently passes.
package policy

import (
	"bytes"
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
	"github.com/pacer-perf/pacer/internal/nearest"
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

// The keys that mappings take, in the order in which errors list them.
var (
	rootKeys        = []string{"app", "baseline", "confidence", "fail_on", "strict", "environment", "budgets", "thresholds"}
	environmentKeys = []string{"any"}
	budgetKeys      = []string{"statistic", "target", "warning", "critical"}
	thresholdKeys   = []string{"change", "min_change", "strict", "ignore"}
	waiversKeys     = []string{"waivers"}
	waiverKeys      = []string{"metric", "reason", "author", "since", "until_version", "until", "worse_by"}
)

// environmentFields are what judge.Differences tells machines apart by.
var environmentFields = []string{"os", "arch", "cpu", "cores", "memory", "cpu_limit", "memory_limit"}

// Keys returns the keys that pacer.yaml takes, by the place of their mapping:
// "", environment, budgets.* and thresholds.*.
func Keys() map[string][]string {
	return map[string][]string{"": slices.Clone(rootKeys), "environment": slices.Clone(environmentKeys),
		"budgets.*": slices.Clone(budgetKeys), "thresholds.*": slices.Clone(thresholdKeys)}
}

// WaiverKeys returns the keys of pacer.waivers.yaml likewise: "" and
// waivers.*.
func WaiverKeys() map[string][]string {
	return map[string][]string{"": slices.Clone(waiversKeys), "waivers.*": slices.Clone(waiverKeys)}
}

// Read reads a policy; name stands for the file in errors.
//
//	app: cuepoint
//	baseline: branch:main
//	budgets:
//	  startup:       {target: 2s, warning: 3s, critical: 5s}
//	  track.process: "p(95)<500ms"
//	thresholds:
//	  "*": {change: 5%, min_change: 1ms}
//
// The error is an *Error for anything that is wrong with the content.
func Read(r io.Reader, name string) (judge.Policy, error) {
	p, body, err := parse(r, name)
	policy := judge.Policy{File: name}
	if err != nil || body == nil {
		return policy, err
	}
	err = p.mapping(body, "", rootKeys, func(key string, _ *token.Token, value ast.Node) (err error) {
		switch key {
		case "app":
			policy.App, err = p.text(value, key)
		case "baseline":
			policy.Baseline, err = p.baseline(value, key)
		case "confidence":
			policy.Confidence, err = p.confidence(value, key)
		case "fail_on":
			policy.FailOn, err = p.tier(value, key)
		case "strict":
			policy.Strict, err = p.boolean(value, key)
		case "environment":
			policy.AnyEnvironment, err = p.environment(value, key)
		case "budgets":
			err = p.rules(value, key, func(metric judge.Pattern, path string, at *token.Token, value ast.Node) error {
				b, err := p.budget(value, at, metric, path)
				policy.Budgets = append(policy.Budgets, b)
				return err
			})
		case "thresholds":
			err = p.rules(value, key, func(metric judge.Pattern, path string, at *token.Token, value ast.Node) error {
				t, err := p.threshold(value, at, metric, path)
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

// parse returns the one document of a file, nil if it holds nothing.
func parse(r io.Reader, name string) (*reader, ast.Node, error) {
	text, err := io.ReadAll(io.LimitReader(r, MaxSize+1))
	if err != nil {
		return nil, nil, fmt.Errorf("reading %s: %w", name, err)
	}
	p := &reader{file: name, lines: strings.Split(string(text), "\n")}
	if len(text) > MaxSize {
		return nil, nil, p.fail(nil, "", "the file is larger than %d MiB", MaxSize>>20)
	}
	// The parser counts the end of a line on Windows twice behind a comment.
	file, err := parser.ParseBytes(bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")), 0)
	if err != nil {
		return nil, nil, p.syntax(err)
	}
	if len(file.Docs) > 1 && file.Docs[1].Body != nil {
		return nil, nil, p.fail(start(file.Docs[1].Body), "", "a second YAML document: expected one")
	}
	if len(file.Docs) == 0 || file.Docs[0].Body == nil {
		return p, nil, nil
	}
	return p, file.Docs[0].Body, nil
}

// budget reads what a metric is held to: tiers, an expression, or a list of
// expressions.
func (p *reader) budget(node ast.Node, at *token.Token, metric judge.Pattern, path string) (judge.Budget, error) {
	b := judge.Budget{Metric: metric, Limits: make(map[judge.Tier]judge.Quantity), Place: p.place(at)}
	switch node.(type) {
	case *ast.MappingNode, *ast.MappingValueNode, *ast.NullNode:
	default:
		return b, p.expressions(node, path, &b)
	}
	err := p.mapping(node, path, budgetKeys, func(key string, _ *token.Token, value ast.Node) (err error) {
		if key == "statistic" {
			b.Statistic, err = p.text(value, join(path, key))
			if err == nil && !run.ValidStatistic(b.Statistic) {
				err = p.fail(start(value), join(path, key), "%q: %v", b.Statistic, run.ErrStatistic)
			}
			return err
		}
		b.Limits[judge.Tier(key)], err = p.quantity(value, join(path, key))
		return err
	})
	if err == nil && len(b.Limits) == 0 {
		err = p.fail(start(node), path, "the budget has no limit: expected target, warning or critical, as in target: 200ms")
	}
	return b, err
}

// maxChange is the largest relative change that a policy may call small: one
// to eleven times the baseline.
const maxChange = 10

func (p *reader) threshold(node ast.Node, at *token.Token, metric judge.Pattern, path string) (judge.Threshold, error) {
	t := judge.Threshold{Metric: metric, Place: p.place(at)}
	set := false
	err := p.mapping(node, path, thresholdKeys, func(key string, _ *token.Token, value ast.Node) (err error) {
		set = true
		path := join(path, key)
		switch key {
		case "change":
			var change float64
			change, err = p.percentage(value, path)
			t.Change = &change
		case "min_change":
			var q judge.Quantity
			q, err = p.quantity(value, path)
			t.MinChange = &q
		case "strict":
			var strict bool
			strict, err = p.boolean(value, path)
			t.Counted = &strict
		case "ignore":
			var ignore bool
			ignore, err = p.boolean(value, path)
			t.Ignore = &ignore
		}
		return err
	})
	if err == nil && !set {
		err = p.fail(start(node), path, "the threshold says nothing: expected %s, as in change: 5%%", list(thresholdKeys))
	}
	return t, err
}

// rules reads a mapping from patterns of metrics.
func (p *reader) rules(node ast.Node, path string, each func(metric judge.Pattern, path string, at *token.Token, value ast.Node) error) error {
	seen := make(map[judge.Pattern]bool)
	return p.mapping(node, path, nil, func(key string, at *token.Token, value ast.Node) error {
		metric, err := judge.ParsePattern(key)
		if err != nil {
			return p.fail(at, path, "%v", err)
		}
		if seen[metric] { // with its labels in another order
			return p.fail(at, join(path, key), "the key is there twice")
		}
		seen[metric] = true
		return each(metric, join(path, key), at, value)
	})
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
	if !errors.As(err, &at) {
		return p.fail(nil, "", "%v", err)
	}
	e := p.fail(at.GetToken(), "", "%s", at.GetMessage())
	var placed *Error
	if errors.As(e, &placed) && strings.HasPrefix(strings.TrimLeft(placed.Excerpt, " -"), "*") {
		placed.Msg += `; a name that begins with * needs quotes, as in "*":`
	}
	return e
}

// start returns the first token of a node: the parser's own of a mapping is
// its first colon.
func start(node ast.Node) *token.Token {
	switch n := node.(type) {
	case *ast.MappingNode:
		if !n.IsFlowStyle && len(n.Values) > 0 {
			return start(n.Values[0])
		}
	case *ast.MappingValueNode:
		return n.Key.GetToken()
	}
	return node.GetToken()
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
		return p.fail(start(node), path, "expected keys with values, found %s", kind(node))
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
			return p.fail(v.Key.GetToken(), join(path, key), "unknown key: expected %s%s", list(keys), meant(key, keys))
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

// list writes words as people do: a, b or c.
func list(words []string) string {
	if len(words) == 1 {
		return words[0]
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}

// meant suggests the key that was meant, if one is near.
func meant(key string, keys []string) string {
	near := nearest.Words(key, keys, nearest.Slips, 1)
	if len(near) == 0 {
		return ""
	}
	return fmt.Sprintf("; did you mean %s?", near[0])
}
