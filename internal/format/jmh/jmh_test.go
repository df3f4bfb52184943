package jmh

import (
	"strings"
	"testing"

	"github.com/pacer-perf/pacer/internal/format/formattest"
	"github.com/pacer-perf/pacer/run"
)

// The direction comes from the unit, "NaN" is nothing, profilers' metrics lose
// their dot, params are labels, a histogram is its values.
func TestResults(t *testing.T) {
	t.Parallel()
	r := formattest.One(t, Read, "results.json")
	formattest.Want(t, r, `
		org.example.ParseBench.parse{kind=csv,mode=thrpt,size=100} [ops/s] higher: 1519000 1521800 1520000 1521000
		org.example.ParseBench.parse.gc.alloc.rate{kind=csv,mode=thrpt,size=100} [bytes/s] neither: 851443712 852492288 851968000 851968000
		org.example.ParseBench.parse.gc.alloc.rate.norm{kind=csv,mode=thrpt,size=100} [bytes/op] lower: 560 560 560 560
		org.example.ParseBench.parse.gc.count{kind=csv,mode=thrpt,size=100} [counts] lower: 5 4 5 4
		org.example.ParseBench.parse{kind=csv,mode=avgt,size=100,threads=4} [s] lower: 6.6e-07
		org.example.ParseBench.open{mode=sample} [s] lower: 0.001 0.001 0.002 0.002 0.002 0.002 0.002 0.004
		org.example.ParseBench.cold{mode=ss} [s] lower: {"mean":0.0415,"min":0.04,"max":0.0435,"p50":0.041,"p90":0.043,"percentiles":{"99.99":0.0435},"interval":[0.039,0.044]}`)
	formattest.Notes(t, r.Warnings)
	formattest.Notes(t, r.Failures)
}

// Every unit of JMH has a base unit and a direction.
func TestUnits(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		word, base string
		value      float64
		better     run.Better
	}{
		{"ops/ns", "ops/s", 2e9, run.Higher}, {"ops/us", "ops/s", 2e6, run.Higher}, {"ops/s", "ops/s", 2, run.Higher}, {"ops/min", "ops/s", 2. / 60, run.Higher}, {"ops/day", "ops/s", 2. / 86400, run.Higher},
		{"ns/op", "s", 2e-9, run.Lower}, {"s/op", "s", 2, run.Lower}, {"min/op", "s", 120, run.Lower}, {"hr/op", "s", 7200, run.Lower},
		{"B/op", "bytes/op", 2, run.Lower}, {"#/op", "#/op", 2, run.Lower},
	} {
		runs, err := formattest.Text(Read, `[{"benchmark":"a","mode":"x","primaryMetric":{"score":2,"scoreUnit":"`+tt.word+`","rawData":[[2]]}}]`)
		if err != nil {
			t.Fatal(err)
		}
		m := runs[0].Metrics[0]
		if m.Unit != tt.base || m.Samples[0] != tt.value || m.Direction() != tt.better {
			t.Errorf("2 %s is %v %s, %s better", tt.word, m.Samples, m.Unit, m.Direction())
		}
	}
}

// A histogram of very many values stays one.
func TestLargeHistogram(t *testing.T) {
	t.Parallel()
	runs, err := formattest.Text(Read, `[{"benchmark":"a","mode":"sample","primaryMetric":{"score":2,"scoreUnit":"ms/op","rawDataHistogram":[[[[1,9000],[2,9000]]],[[[4,1]]]]}}]`)
	if err != nil {
		t.Fatal(err)
	}
	formattest.Want(t, &runs[0], `a{mode=sample} [s] lower: histogram of 18001 from 0.001 to 0.004, sum 27.004`)
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`[]`: "there are no benchmarks",
		`[{"benchmark":"","primaryMetric":{"score":1,"scoreUnit":"s/op"}}]`:                           "f:1:2: [0]: the benchmark has no name",
		"[\n{\"benchmark\":\"a\",\"primaryMetric\":{\"score\":-1,\"scoreUnit\":\"s/op\"}}]":           "f:2:34: [0].primaryMetric: a: -1 s is a negative duration",
		`[{"benchmark":"a","primaryMetric":{"score":true}}]`:                                          "f:1:44: [0].primaryMetric.score: expected a number, found true",
		`[{"benchmark":"a","primaryMetric":{"scoreUnit":"s/op","rawDataHistogram":[[[[1,0.5]]]]}}]`:   "0.5 is no number of values",
		`[{"benchmark":"a","primaryMetric":{"scoreUnit":"s/op","rawDataHistogram":[[[[1,1e300]]]]}}]`: "is no number of values",
		`[{"benchmark":"` + strings.Repeat("a", 2000) + `","primaryMetric":{"score":1}}`:              "ends too early",
	} {
		formattest.Refuses(t, Read, text, want)
	}
}

func FuzzRead(f *testing.F) { formattest.Fuzz(f, Read) }
