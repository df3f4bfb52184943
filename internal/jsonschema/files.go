package jsonschema

import (
	"strings"

	"github.com/pacer-perf/pacer/internal/judge"
)

// Patterns of what people write in the two files: those of unit.Parse, where
// YAML has text.
const (
	number     = `\s*[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?\s*`
	percentage = `^` + number + `(%|ratio)\s*$`
	date       = `^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9:.]+(Z|[-+][0-9:]+)?)?$`
)

// units are the names that unit.Parse knows.
var units = []string{"ns", "us", "µs", "μs", "ms", "s", "sec", "m", "min", "h",
	"B", "bytes", "KB", "kB", "KiB", "MB", "MiB", "GB", "GiB", "TB", "TiB", "/s", "items/s", "items", "ratio", "%"}

// scalar is text to us, whatever YAML makes of it: 2024, 1.4, on.
func scalar() object { return typed("string", "number", "boolean") }

func anyOf(list ...object) object { return object{{"anyOf", list}} }

// optional is a mapping or list that may be left empty.
func optional(s object) object {
	return append(typed(s[0].value.(string), "null"), s[1:]...)
}

func quantity() object {
	return typed("string", "number").with("pattern", `^`+number+`(`+strings.Join(units, "|")+`)?\s*$`).with("minimum", 0)
}

func percent() object {
	return anyOf(typed("string").with("pattern", percentage), object{{"enum", []any{0, "0"}}})
}

func policySchema() object {
	var d definitions
	d.define("quantity", func() object {
		return described("A number and its unit: 200ms, 2s, 500MB, 40 items/s. Times and sizes need one. MB is 2^20 bytes.", quantity())
	})
	d.define("expression", func() object {
		return described("A threshold in k6's grammar: avg, min, max, med or p(N), then <, <=, > or >=, then a value with its unit: p(95)<500ms.",
			typed("string").with("pattern", `^\s*(avg|mean|min|max|med|median|stddev|p\s*\(.*\)|p[-+.0-9].*?)\s*(<=?|>=?)\s*\S.*$`))
	})
	d.define("budget", func() object {
		limit := func(description string) object { return described(description, ref("quantity")) }
		tiers := record(object{
			{"statistic", described("Which statistic of the metric is held: p50, p95, p99.9, median, mean, min, max or stddev. Unless said, p95 of timers, the median of start-up, the maximum of memory, the median of anything else.",
				typed("string").with("pattern", `^(median|mean|avg|min|max|stddev|p[-+.0-9].*)$`))},
			{"target", limit("What it should keep to. Being over it warns; where the budget has no higher tier it fails.")},
			{"warning", limit("Being over it warns; where the budget has no higher tier it fails.")},
			{"critical", limit("Being over it fails.")},
		}).closed().with("anyOf", []object{{{"required", []string{"target"}}}, {{"required", []string{"warning"}}}, {{"required", []string{"critical"}}}})
		return anyOf(tiers, ref("expression"), array(ref("expression")).with("minItems", 1).with("maxItems", 1))
	})
	d.define("threshold", func() object {
		return record(object{
			{"change", described("Least relative change that matters, from 0% to 1000%: 5%. By default 5% for times and memory.", percent())},
			{"min_change", described("Least absolute change that matters, in the metric's unit: 1ms, 8MB. With a glob it holds for the metrics of its unit.", ref("quantity"))},
			{"strict", described("Compared as a count: any change is real, whatever the noise. Unless said, by the unit..", typed("boolean"))},
			{"ignore", described("Its changes are shown and decide nothing.", typed("boolean"))},
		}).closed().with("minProperties", 1)
	})
	rules := func(description, of string) object {
		return described(description+" Keys are names of metrics, * for any characters, with labels in braces: table.*, table.filter{rows=1000}. The most specific rule that matches a metric and says a thing decides it.",
			optional(mapOf(ref(of))))
	}
	tiers := asStrings(judge.Target, judge.Warning, judge.Critical)
	fields := []string{"os", "arch", "cpu", "cores", "memory", "cpu_limit", "memory_limit"}
	properties := object{
		{"app", described("The app that this is for. Runs of another one are refused.", typed("string", "number", "boolean", "null"))},
		{"baseline", described("What runs are compared with: previous (the newest earlier comparable run, the default), branch:NAME, merge-base, or a run by its id, version or commit.", typed("string", "number", "boolean", "null").with("examples", []string{"previous", "branch:main", "merge-base"}))},
		{"confidence", described("How sure a verdict has to be, over 50% and under 100%: 95%.", typed("string", "number").with("pattern", `^`+number+`(%|ratio)?\s*$`).with("exclusiveMinimum", 0.5).with("exclusiveMaximum", 1))},
		{"fail_on", described("Lowest tier of a budget that fails. By default the highest tier that the budget has.", typed("string").with("enum", tiers))},
		{"strict", described("Undecided is no pass: pacer check exits with 3.", typed("boolean"))},
		{"environment", described("Which differences between machines are no reason not to compare.", optional(record(object{
			{"any", described("Fields that may differ.", optional(array(typed("string").with("enum", fields)).with("uniqueItems", true)))},
		}).closed()))},
		{"budgets", rules("Absolute limits on metrics.", "budget")},
		{"thresholds", rules("How much a metric has to change against the baseline to matter.", "threshold")},
	}
	return append(object{
		{"title", "pacer.yaml"},
		{"description", "What an application is held to: budgets and thresholds of Pacer."},
	}, optional(record(properties).closed())...).with("$defs", d.list)
}

func waiversSchema() object {
	moment := func(description string) object {
		return described(description, typed("string").with("pattern", date))
	}
	waiver := record(object{
		{"metric", described("The metric whose change is accepted, as in pacer.yaml: track.process, table.*, table.filter{rows=1000}.", scalar().with("minLength", 1))},
		{"reason", described("Why, for the next reader: at least 8 characters.", scalar().with("minLength", 8))},
		{"author", described("Who accepted it.", typed("string", "number", "boolean", "null"))},
		{"since", moment("When it was accepted: 2026-11-23. Without a zone it is UTC.")},
		{"until_version", described("Accepted in versions before this one: 2.0.", scalar())},
		{"until", moment("The last day on which it is accepted, or a moment. Without a zone it is UTC.")},
		{"worse_by", described("Accepted as long as the metric is worse by no more than this: 10%.", percent())},
	}, "metric", "reason").closed().with("anyOf", []object{{{"required", []string{"until_version"}}}, {{"required", []string{"until"}}}, {{"required", []string{"worse_by"}}}})
	properties := object{{"waivers", described("Each with a reason, and with at least one thing that ends it.", optional(array(waiver)))}}
	return append(object{
		{"title", "pacer.waivers.yaml"},
		{"description", "Changes that were accepted, for a time. It lies beside pacer.yaml."},
	}, optional(record(properties).closed())...)
}
