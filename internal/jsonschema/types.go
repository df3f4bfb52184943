package jsonschema

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/run"
)

// words are the values of types that are one of a few words.
var words = map[reflect.Type][]string{
	reflect.TypeFor[judge.Word]():         asStrings(judge.Pass, judge.Warn, judge.Fail, judge.Undecided),
	reflect.TypeFor[judge.Change]():       asStrings(judge.Improved, judge.Unchanged, judge.Regressed, judge.Inconclusive, judge.New, judge.Missing, judge.Incomparable),
	reflect.TypeFor[judge.BudgetStatus](): asStrings(judge.Within, judge.OverTarget, judge.OverWarning, judge.OverCritical, judge.NoBudget),
	reflect.TypeFor[judge.Tier]():         asStrings(judge.Target, judge.Warning, judge.Critical),
	reflect.TypeFor[run.Better]():         asStrings(run.Lower, run.Higher, run.Neither),
}

func asStrings[T ~string](list ...T) []string {
	var out []string
	for _, s := range list {
		out = append(out, string(s))
	}
	return out
}

// definitions are the schemas of structs, by the name of their type, in the
// order in which they were met.
type definitions struct {
	list  object
	types map[string]reflect.Type
	known map[reflect.Type]string // that are defined already, by name
}

// of returns the schema of what encoding/json makes of a value of the type. It
// panics on a type that it does not know: the documents are ours.
func (d *definitions) of(t reflect.Type) object {
	if list, ok := words[t]; ok {
		return typed("string").with("enum", list)
	}
	if name, ok := d.known[t]; ok {
		return ref(name)
	}
	switch t {
	case reflect.TypeFor[time.Time]():
		return typed("string").with("format", "date-time")
	case reflect.TypeFor[run.Stats]():
		return d.define("stats", statsSchema)
	}
	switch t.Kind() {
	case reflect.Pointer:
		return d.of(t.Elem())
	case reflect.String:
		return typed("string")
	case reflect.Bool:
		return typed("boolean")
	case reflect.Int, reflect.Int64:
		return typed("integer")
	case reflect.Float64:
		return typed("number")
	case reflect.Slice:
		return array(d.of(t.Elem()))
	case reflect.Array:
		return array(d.of(t.Elem())).with("minItems", t.Len()).with("maxItems", t.Len())
	case reflect.Map:
		return mapOf(d.of(t.Elem()))
	case reflect.Struct:
		name := strings.ToLower(t.Name())
		if other, taken := d.types[name]; taken && other != t {
			panic(fmt.Sprintf("%v and %v share a name", t, other))
		}
		if d.types == nil {
			d.types = make(map[string]reflect.Type)
		}
		d.types[name] = t
		return d.define(name, func() object { return d.record(t) })
	}
	panic(fmt.Sprintf("no schema of %v", t))
}

// record returns the schema of a struct by its tags: what is not left out when
// empty is required.
func (d *definitions) record(t reflect.Type) object {
	var properties object
	var required []string
	for i := range t.NumField() {
		name, options, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if name == "-" {
			continue
		}
		if name == "" {
			panic(fmt.Sprintf("%v.%s has no name in JSON", t, t.Field(i).Name))
		}
		properties = append(properties, member{name, d.of(t.Field(i).Type)})
		if !strings.Contains(options, "omit") {
			required = append(required, name)
		}
	}
	return record(properties, required...)
}

// define keeps a schema under a name and refers to it.
func (d *definitions) define(name string, make func() object) object {
	for _, m := range d.list {
		if m.key == name {
			return ref(name)
		}
	}
	at := len(d.list)
	d.list = append(d.list, member{name, nil}) // a type may refer to itself
	d.list[at].value = make()
	return ref(name)
}

func verdictSchema() object {
	var d definitions
	body := d.record(reflect.TypeFor[judge.Verdict]())
	properties := body[1].value.(object)
	properties[0].value = object{{"const", judge.Schema}}
	return append(object{
		{"title", "The verdict on a run: " + judge.Schema},
		{"description", "What pacer check --format json writes. Values are in base units (seconds, bytes, items/s); what is not known is absent. Readers pass over keys that they do not know."},
	}, body...).with("$defs", d.list)
}

// statistics are what run.Stats writes beside its count.
var statistics = []struct{ name, description string }{
	{"mean", "Arithmetic mean."}, {"min", "Smallest value."}, {"max", "Largest value."},
	{"stddev", "Standard deviation of the sample (n-1)."}, {"p50", "Median."}, {"p90", "90th percentile."},
	{"p95", "95th percentile."}, {"p99", "99th percentile."}, {"p999", "99.9th percentile."},
}

func statsProperties() object {
	p := object{{"count", described("Number of observations.", count())}}
	for _, s := range statistics {
		p = append(p, member{s.name, described(s.description, typed("number"))})
	}
	return append(p,
		member{"percentiles", described("Other percentiles that a tool wrote instead of samples: 25, 99.99.", mapOf(typed("number")))},
		member{"interval", described("Between which two values a tool puts the one that stands for the metric.", array(typed("number")).with("minItems", 2).with("maxItems", 2))})
}

func statsSchema() object { return record(statsProperties()) }

func count() object { return typed("integer").with("minimum", 0) }

func texts() object { return array(typed("string")) }

func runSchema() object {
	var d definitions
	positive := typed("number").with("minimum", 0)
	name := typed("string").with("minLength", 1).with("maxLength", run.MaxName)
	labels := mapOf(typed("string"))
	d.define("histogram", func() object {
		return record(object{
			{"tick", described("Size of one tick in the metric's unit.", typed("number"))},
			{"count", described("Number of observations.", count())},
			{"ticks", described("Sum of all values, in ticks.", typed("number"))},
			{"min", described("Smallest value, in the metric's unit.", typed("number"))},
			{"max", described("Largest value, in the metric's unit.", typed("number"))},
			{"buckets", described("Log-linear buckets, 64 to a power of two, without empty ones: the first index and its count, then for each further one how far its index lies above the one before, and its count.", array(typed("integer")))},
		}, "tick", "count", "ticks", "min", "max", "buckets")
	})
	d.define("metric", func() object {
		metric := object{
			{"name", described("Dotted, lower case; a stage with / down the tree: track.process/search.", name)},
			{"kind", described("What made it: timer, value, counter, gauge or rate; exact where it does not vary while the code is the same; witness where it tells about the measurement and is not judged.", typed("string"))},
			{"unit", described("s, bytes, items/s, ratio, or any other.", typed("string"))},
			{"labels", described("Part of the metric's identity, with its name and unit.", labels.with("maxProperties", run.MaxLabels))},
			{"better", described("The direction in which it improves; neither: it is shown and decides nothing; absent: as usual for the unit.", typed("string").with("enum", words[reflect.TypeFor[run.Better]()]))},
			{"resolution", described("Tick of the clock that it was read from, in its unit.", positive)},
			{"samples", described("What was observed, in order.", array(typed("number")))},
			{"histogram", described("What was observed, where there are more than 10,000 samples.", ref("histogram"))},
		}
		return record(append(metric, statsProperties()...), "name", "unit")
	})
	environment, stage := d.of(reflect.TypeFor[run.Environment]()), d.of(reflect.TypeFor[run.Stage]())
	processing := record(object{
		{"count", count()}, {"avg", typed("number")}, {"min", typed("number")}, {"p50", typed("number")},
		{"p95", typed("number")}, {"p99", typed("number")}, {"max", typed("number")},
	})
	properties := object{
		{"schema", object{{"const", run.Schema}}},
		{"id", described("A ULID; a file without one gets a hash of its content.", typed("string").with("pattern", "^[0-9A-Za-z._-]{1,64}$"))},
		{"app", described("What was measured.", typed("string"))},
		{"version", typed("string")},
		{"commit", typed("string")},
		{"branch", typed("string")},
		{"dirty", described("The work tree had changes beside the commit.", typed("boolean"))},
		{"pull_request", described("Number of the pull or merge request that it was made for.", typed("string"))},
		{"timestamp", described("RFC 3339; without a zone it is UTC.", typed("string"))},
		{"startup_time", described("Seconds. Derived from metrics; in a file without them it is the metric startup.", positive)},
		{"memory_usage", described("Bytes. Derived likewise: memory.peak.", positive)},
		{"processing_speed", described("Items per second, higher is better. Derived likewise: processing.speed.", positive)},
		{"processing_metrics", described("Seconds: a summary of the app's main operation.", processing)},
		{"main", described("The metric that is the app's main operation.", typed("string"))},
		{"items", described("Work done, by kind.", mapOf(count()))},
		{"command", described("What was run, without values that look like secrets.", texts())},
		{"environment", described("Where it was measured.", environment)},
		{"labels", described("What was measured, beside the app: dataset=1k.", labels)},
		{"warnings", described("Doubts about how it was measured.", texts())},
		{"failures", described("What failed while it was measured: a gate does not pass such a run.", texts())},
		{"metrics", described("Everything that was measured: the authority, where keys above disagree.", array(ref("metric")))},
		{"stages", described("The call tree of nested operations, in seconds.", array(stage))},
	}
	return append(object{
		{"title", "One run: " + run.Schema},
		{"description", "What one execution, or one repeated batch, of one version of an application measured. What was not measured is absent. Readers pass over keys that they do not know."},
	}, record(properties)...).with("$defs", d.list)
}
