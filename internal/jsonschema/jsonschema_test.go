package jsonschema_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
	validator "github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/pacer-perf/pacer/internal/jsonschema"
	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/policy"
	"github.com/pacer-perf/pacer/internal/unit"
	"github.com/pacer-perf/pacer/run"
)

// docs/schema holds what the package writes. go generate, or UPDATE=1 go test,
// writes it anew.
func TestFiles(t *testing.T) {
	t.Parallel()
	for _, name := range jsonschema.Names() {
		want, err := jsonschema.Document(name)
		if err != nil {
			t.Fatal(err)
		}
		file := "../../docs/schema/" + name + ".schema.json"
		if os.Getenv("UPDATE") != "" {
			if err := os.WriteFile(file, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s is out of step: go generate ./internal/jsonschema (-want +got):\n%s", file, diff)
		}
	}
	if _, err := jsonschema.Document("report"); err == nil || !strings.Contains(err.Error(), "expected policy, waivers, run or verdict") {
		t.Errorf("error = %v", err)
	}
}

// document returns a schema as JSON values, which the caller may change.
func document(t testing.TB, name string) map[string]any {
	t.Helper()
	text, err := jsonschema.Document(name)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := validator.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return doc.(map[string]any)
}

func compile(t testing.TB, doc map[string]any) *validator.Schema {
	t.Helper()
	c := validator.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// closed forbids the keys that a schema does not list, at every depth: what it
// then accepts is described in full.
func closed(schema any) any {
	switch s := schema.(type) {
	case map[string]any:
		for _, v := range s {
			closed(v)
		}
		if _, has := s["properties"].(map[string]any); has {
			s["additionalProperties"] = false
		}
	case []any:
		for _, v := range s {
			closed(v)
		}
	}
	return schema
}

// values are what a validator takes.
func values(t testing.TB, text []byte) any {
	t.Helper()
	v, err := validator.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return v
}

// fill sets everything in a value to something that is not zero, to the depth
// of its types.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)))
			return
		}
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.Array:
		for i := range v.Len() {
			fill(v.Index(i))
		}
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(key)
		fill(value)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.String:
		v.SetString(map[reflect.Type]string{
			reflect.TypeFor[run.Better](): "lower", reflect.TypeFor[judge.Word](): "pass", reflect.TypeFor[judge.Change](): "regressed",
			reflect.TypeFor[judge.BudgetStatus](): "within", reflect.TypeFor[judge.Tier](): "target",
		}[v.Type()])
		if v.String() == "" {
			v.SetString("x")
		}
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(1)
	case reflect.Float64:
		v.SetFloat(1.5)
	default:
		panic("cannot fill " + v.Type().String())
	}
}

// Every key that a run can write is in the schema, and what the schema says of
// it holds.
func TestRunInFull(t *testing.T) {
	t.Parallel()
	var r run.Run
	fill(reflect.ValueOf(&r).Elem())
	full := r.Metrics[0]
	sampled, folded, summed := full, full, full
	sampled.Name, sampled.Unit, sampled.Samples, sampled.Histogram, sampled.Summary = run.Processing, "s", []float64{1, 2, 3}, nil, nil
	sampled.Labels = nil
	folded.Name, folded.Samples, folded.Summary = "folded", nil, nil
	folded.Histogram = run.NewHistogram("s")
	folded.Histogram.Add(0.5)
	summed.Name, summed.Samples, summed.Histogram = "summed", nil, nil
	r.Main = run.Processing
	r.Metrics = []run.Metric{sampled, folded, summed,
		{Name: run.Startup, Unit: "s", Samples: []float64{1}}, {Name: run.MemoryPeak, Unit: "bytes", Samples: []float64{1}}, {Name: run.Speed, Unit: "items/s", Samples: []float64{1}}}
	text, err := r.Encode()
	if err != nil {
		t.Fatal(err)
	}
	doc := document(t, "run")
	if err := compile(t, closed(doc).(map[string]any)).Validate(values(t, text)); err != nil {
		t.Errorf("%v\n%s", err, text)
	}
	// And the other way: the schema has no key on top that is never written.
	top := values(t, text).(map[string]any)
	for key := range doc["properties"].(map[string]any) {
		if _, written := top[key]; !written {
			t.Errorf("the schema has %s, which the run does not", key)
		}
	}
}

func TestRunDocuments(t *testing.T) {
	t.Parallel()
	schema := compile(t, document(t, "run"))
	files, err := filepath.Glob("../../run/testdata/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal("no documents", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(values(t, text)); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		r, err := run.Read(bytes.NewReader(text), file)
		if err != nil {
			t.Fatal(err)
		}
		written, err := r.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(values(t, written)); err != nil {
			t.Errorf("%s, written: %v", file, err)
		}
	}
	for _, broken := range []string{
		`[]`, `{"schema": "pacer.run/v2"}`, `{"startup_time": "2s"}`, `{"startup_time": -1}`, `{"id": "a b"}`, `{"metrics": {}}`,
		`{"metrics": [{"name": "a"}]}`, `{"metrics": [{"unit": "s"}]}`, `{"metrics": [{"name": "a", "unit": "s", "better": "less"}]}`,
		`{"metrics": [{"name": "a", "unit": "s", "samples": ["1"]}]}`, `{"stages": [{"path": "a"}]}`, `{"environment": {"cores": 1.5}}`,
	} {
		if schema.Validate(values(t, []byte(broken))) == nil {
			t.Errorf("the schema accepts %s", broken)
		}
	}
}

func TestVerdicts(t *testing.T) {
	t.Parallel()
	schema := compile(t, document(t, "verdict"))
	var full judge.Verdict
	fill(reflect.ValueOf(&full).Elem())
	full.Schema = judge.Schema
	text, err := json.Marshal(full)
	if err != nil {
		t.Fatal(err)
	}
	if err := compile(t, closed(document(t, "verdict")).(map[string]any)).Validate(values(t, text)); err != nil {
		t.Errorf("%v\n%s", err, text)
	}

	f, err := os.Open("../../run/testdata/full.json")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	base, err := run.Read(f, "full.json")
	if err != nil {
		t.Fatal(err)
	}
	current := base
	current.Metrics = slices.Clone(base.Metrics)
	current.Metrics[0].Samples = []float64{5, 6, 7}
	current.Metrics = append(current.Metrics[:2], run.Metric{Name: "new", Unit: "x", Samples: []float64{1}})
	p, err := policy.Read(strings.NewReader("budgets:\n  startup: {target: 1s, critical: 2s}\n  absent: {target: 1s}\n"), "p")
	if err != nil {
		t.Fatal(err)
	}
	cases := []judge.Case{
		{Current: &base}, {Current: &run.Run{}},
		{Current: &current, Baseline: judge.Baseline{Runs: []*run.Run{&base}, Chosen: "file"}, Policy: p},
		{Current: &base, Baseline: judge.Baseline{Runs: []*run.Run{&base, &current}, Chosen: "file"}, Policy: p},
	}
	for i, c := range cases {
		v, err := judge.Judge(c)
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(values(t, text)); err != nil {
			t.Errorf("verdict %d: %v\n%s", i, err, text)
		}
	}
	for _, broken := range []string{
		`{}`, strings.Replace(string(text), `"verdict":"pass"`, `"verdict":"good"`, 1), strings.Replace(string(text), `"change":"regressed"`, `"change":7`, 1),
	} {
		if broken == string(text) || schema.Validate(values(t, []byte(broken))) == nil {
			t.Errorf("the schema accepts %s", broken)
		}
	}
}

// The words that a schema lists are the constants of their type.
func TestWords(t *testing.T) {
	t.Parallel()
	constants := make(map[string][]string)
	for _, dir := range []string{"../judge", "../../run"} {
		files, err := filepath.Glob(dir + "/*.go")
		if err != nil || len(files) == 0 {
			t.Fatal(dir, err)
		}
		for _, file := range files {
			f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(f, func(n ast.Node) bool {
				if spec, ok := n.(*ast.ValueSpec); ok && len(spec.Values) == 1 {
					id, typed := spec.Type.(*ast.Ident)
					literal, isLiteral := spec.Values[0].(*ast.BasicLit)
					if typed && isLiteral {
						word, _ := strconv.Unquote(literal.Value)
						constants[id.Name] = append(constants[id.Name], word)
					}
				}
				return true
			})
		}
	}
	for _, typ := range []reflect.Type{reflect.TypeFor[judge.Word](), reflect.TypeFor[judge.Change](), reflect.TypeFor[judge.BudgetStatus](), reflect.TypeFor[judge.Tier](), reflect.TypeFor[run.Better]()} {
		got, want := slices.Sorted(slices.Values(jsonschema.Words[typ])), slices.Sorted(slices.Values(constants[typ.Name()]))
		if len(want) == 0 || !slices.Equal(got, want) {
			t.Errorf("%v: the schema has %q, the package %q", typ, got, want)
		}
	}
}

// fromYAML gives a validator what YAML makes of a text.
func fromYAML(t testing.TB, text string) (any, error) {
	t.Helper()
	var v any
	if err := yaml.Unmarshal([]byte(text), &v); err != nil {
		return nil, err
	}
	asJSON, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return values(t, asJSON), nil
}

func TestPolicies(t *testing.T) {
	t.Parallel()
	schema := compile(t, document(t, "policy"))
	for _, file := range []string{"../policy/testdata/all.yaml", "../policy/testdata/cuepoint.yaml", "../../examples/cuepoint/app/pacer.yaml"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		v, err := fromYAML(t, string(text))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(v); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
	// Accepted or refused by both the reader and the schema.
	tests := []struct {
		text string
		ok   bool
	}{
		{"", true},
		{"budgets:\nthresholds:\nenvironment:\n", true},
		{"confidence: 0.95\n", true},
		{"budgets: {a: {target: 40}}\n", true},
		{"budgets: {a: {target: 1.5 items/s}}\n", true},
		{"budgets: {a: [med>=4]}\n", true},
		{"thresholds: {a: {change: 0}}\n", true},
		{"budget: {a: {target: 2s}}\n", false},
		{"budgets: {a: {taget: 2s}}\n", false},
		{"budgets: {a: {target: 2 parsecs}}\n", false},
		{"budgets: {a: {target: [2s]}}\n", false},
		{"budgets: {a: {statistic: p95}}\n", false},
		{"budgets: {a: {statistic: fast, target: 2s}}\n", false},
		{"budgets: {a: 2s}\n", false},
		{"budgets: {a: rate<0.1}\n", false},
		{"budgets: {a: [med<4, avg<4]}\n", false},
		{"budgets: {a: {target: -4}}\n", false},
		{"budgets: [a]\n", false},
		{"thresholds: {a: {}}\n", false},
		{"thresholds: {a: {change: 5}}\n", false},
		{"thresholds: {a: {ignore: sure}}\n", false},
		{"confidence: 95\n", false},
		{"strict: 1\n", false},
		{"fail_on: fatal\n", false},
		{"environment: {any: [cpus]}\n", false},
		{"environment: {all: [cpu]}\n", false},
		{"app: [x]\n", false},
	}
	for _, tt := range tests {
		v, err := fromYAML(t, tt.text)
		if err != nil {
			t.Fatalf("%q: %v", tt.text, err)
		}
		_, readErr := policy.Read(strings.NewReader(tt.text), "p")
		schemaErr := schema.Validate(v)
		if (readErr == nil) != tt.ok || (schemaErr == nil) != tt.ok {
			t.Errorf("%q: want ok %v; the reader says %v, the schema %v", tt.text, tt.ok, readErr, schemaErr)
		}
	}
}

func TestWaivers(t *testing.T) {
	t.Parallel()
	schema := compile(t, document(t, "waivers"))
	files, err := filepath.Glob("../policy/testdata/waivers/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no files", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		v, err := fromYAML(t, string(text))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(v); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
	tests := []struct {
		text string
		ok   bool
	}{
		{"waivers:\n", true},
		{"waivers: [{metric: a, reason: long enough, until: 2027-01-01}]\n", true},
		{"waivers: [{metric: a, reason: long enough, until_version: 2.0, since: 2026-11-23T10:00:00Z}]\n", true},
		{"waivers: [{metric: a, reason: long enough, worse_by: 10%}]\n", true},
		{"waivers: [{metric: a, reason: long enough}]\n", false},
		{"waivers: [{metric: a, reason: short, worse_by: 10%}]\n", false},
		{"waivers: [{metric: a, worse_by: 10%}]\n", false},
		{"waivers: [{reason: long enough, worse_by: 10%}]\n", false},
		{"waivers: [{metric: a, reason: long enough, worse_by: 10}]\n", false},
		{"waivers: [{metric: a, reason: long enough, until: soon}]\n", false},
		{"waivers: [{metric: a, reason: long enough, util: 2027-01-01}]\n", false},
		{"waivers: {a: {reason: long enough}}\n", false},
		{"budgets:\n", false},
	}
	for _, tt := range tests {
		v, err := fromYAML(t, tt.text)
		if err != nil {
			t.Fatalf("%q: %v", tt.text, err)
		}
		_, readErr := policy.ReadWaivers(strings.NewReader(tt.text), "w")
		schemaErr := schema.Validate(v)
		if (readErr == nil) != tt.ok || (schemaErr == nil) != tt.ok {
			t.Errorf("%q: want ok %v; the reader says %v, the schema %v", tt.text, tt.ok, readErr, schemaErr)
		}
	}
}

// Every example of the documentation reads, and fits its schema.
func TestDocs(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/policy.md")
	if err != nil {
		t.Fatal(err)
	}
	ofPolicy, ofWaivers := compile(t, document(t, "policy")), compile(t, document(t, "waivers"))
	policies, waivers := 0, 0
	for i, block := range strings.Split(string(text), "```")[1:] {
		example, ok := strings.CutPrefix(block, "yaml\n")
		if i%2 == 1 {
			continue // between two examples
		}
		if !ok {
			t.Errorf("an example in no language: %.20q", block)
			continue
		}
		v, err := fromYAML(t, example)
		if err != nil {
			t.Fatalf("%v\n%s", err, example)
		}
		schema := ofPolicy
		if strings.Contains(example, "waivers:\n") {
			waivers++
			schema = ofWaivers
			_, err = policy.ReadWaivers(strings.NewReader(example), "docs/policy.md")
		} else {
			policies++
			_, err = policy.Read(strings.NewReader(example), "docs/policy.md")
		}
		if err != nil {
			t.Errorf("%v\n%s", err, example)
		}
		if err := schema.Validate(v); err != nil {
			t.Errorf("%v\n%s", err, example)
		}
	}
	if policies < 5 || waivers < 1 {
		t.Errorf("found %d policies and %d lists of waivers", policies, waivers)
	}
	for _, keys := range []map[string][]string{policy.Keys(), policy.WaiverKeys()} {
		for _, list := range keys {
			for _, key := range list {
				if !strings.Contains(string(text), key) {
					t.Errorf("docs/policy.md does not say %s", key)
				}
			}
		}
	}
}

// The schemas of the two files have the readers' keys, each with a
// description.
func TestKeys(t *testing.T) {
	t.Parallel()
	p, w := document(t, "policy"), document(t, "waivers")
	at := func(v any, path ...any) map[string]any {
		for _, step := range path {
			switch step := step.(type) {
			case string:
				v = v.(map[string]any)[step]
			case int:
				v = v.([]any)[step]
			}
		}
		return v.(map[string]any)
	}
	found := map[string]map[string]any{
		"policy":              at(p, "properties"),
		"policy environment":  at(p, "properties", "environment", "properties"),
		"policy budgets.*":    at(p, "$defs", "budget", "anyOf", 0, "properties"),
		"policy thresholds.*": at(p, "$defs", "threshold", "properties"),
		"waivers":             at(w, "properties"),
		"waivers waivers.*":   at(w, "properties", "waivers", "items", "properties"),
	}
	read := make(map[string][]string)
	for path, keys := range policy.Keys() {
		read[strings.TrimSpace("policy "+path)] = keys
	}
	for path, keys := range policy.WaiverKeys() {
		read[strings.TrimSpace("waivers "+path)] = keys
	}
	for path, keys := range read {
		properties, ok := found[path]
		if !ok {
			t.Errorf("no mapping %s in the schema", path)
			continue
		}
		got := slices.Sorted(maps.Keys(properties))
		if want := slices.Sorted(slices.Values(keys)); !slices.Equal(got, want) {
			t.Errorf("%s: the schema has %q, the reader %q", path, got, want)
		}
		for key := range properties {
			if at(properties, key)["description"] == nil {
				t.Errorf("%s: %s has no description", path, key)
			}
		}
	}
}

// The units of the schema are those of the reader.
func TestUnits(t *testing.T) {
	t.Parallel()
	for _, name := range jsonschema.Units {
		if _, _, err := unit.Parse("1" + name); err != nil {
			t.Error(err)
		}
	}
	_, _, err := unit.Parse("1 parsec")
	_, listed, ok := strings.Cut(fmt.Sprint(err), "expected one of ")
	if !ok {
		t.Fatal(err)
	}
	for name := range strings.FieldsFuncSeq(strings.TrimSuffix(listed, " or none"), func(r rune) bool { return r == ',' || r == ' ' }) {
		if !slices.Contains(jsonschema.Units, name) {
			t.Errorf("the schema lacks the unit %s", name)
		}
	}
}

// What the readers accept, the schemas do.
func FuzzAgreement(f *testing.F) {
	var seeds []string
	for _, pattern := range []string{"../policy/testdata/*.yaml", "../policy/testdata/waivers/*.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			f.Fatalf("no seeds: %v", err)
		}
		seeds = append(seeds, files...)
	}
	for _, file := range seeds {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	ofPolicy, ofWaivers := compile(f, document(f, "policy")), compile(f, document(f, "waivers"))
	f.Fuzz(func(t *testing.T, text string) {
		v, err := fromYAML(t, text)
		if err != nil {
			return
		}
		if _, err := policy.Read(strings.NewReader(text), "p"); err == nil {
			if err := ofPolicy.Validate(v); err != nil {
				t.Errorf("%q: %v", text, err)
			}
		}
		if _, err := policy.ReadWaivers(strings.NewReader(text), "w"); err == nil {
			if err := ofWaivers.Validate(v); err != nil {
				t.Errorf("%q: %v", text, err)
			}
		}
	})
}
