// Package lighthouse reads a result of Lighthouse (LHR): --output json, and the
// lhr-*.json of Lighthouse CI.
//
// Every audit with a number becomes a metric by its id, times in seconds; the
// scores of categories are score.performance, from 0 to 1. The page and the
// form factor are labels of the run, so that several results of one page merge
// into one run and different pages are not compared. See docs/formats.md.
package lighthouse

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pacer-perf/pacer/internal/format/input"
	"github.com/pacer-perf/pacer/internal/unit"
	"github.com/pacer-perf/pacer/run"
)

// Looks tells whether a file looks like a result of Lighthouse.
func Looks(h *input.Head) bool {
	return h.Shape.Is("lighthouseVersion") && h.Shape.Has("audits", "fetchTime", "requestedUrl", "categories")
}

type document struct {
	LighthouseVersion                         string
	FetchTime                                 string
	RequestedURL, FinalURL, FinalDisplayedURL string
	MainDocumentURL                           string
	RunWarnings                               []json.RawMessage
	RuntimeError                              *struct{ Code, Message string }
	Environment                               struct{ BenchmarkIndex *input.Number }
	ConfigSettings                            struct{ FormFactor, EmulatedFormFactor string }
	Categories                                map[string]struct{ Score *input.Number }
	Audits                                    map[string]audit
}

type audit struct {
	ScoreDisplayMode string
	NumericValue     *input.Number
	NumericUnit      string
	ErrorMessage     string
	Details          json.RawMessage
}

// Read reads a file.
func Read(src *input.Source) ([]run.Run, error) {
	doc, err := input.Read(src)
	if err != nil {
		return nil, err
	}
	var in document
	if err := doc.Decode(&in); err != nil {
		return nil, err
	}
	b := input.NewBuilder()
	if at, err := input.Time(in.FetchTime); err == nil {
		b.Run.Timestamp = at
	}
	b.Label("url", cmp.Or(in.RequestedURL, in.FinalURL, in.FinalDisplayedURL, in.MainDocumentURL))
	b.Label("form_factor", cmp.Or(in.ConfigSettings.FormFactor, in.ConfigSettings.EmulatedFormFactor))
	if e := in.RuntimeError; e != nil && e.Code != "" && e.Code != "NO_ERROR" {
		b.Fail("Lighthouse: %s: %s", e.Code, e.Message)
	}
	for _, w := range in.RunWarnings {
		var text string
		if json.Unmarshal(w, &text) == nil {
			b.Warn("Lighthouse: %s", text)
		}
	}
	value := func(name, base string, better run.Better, v float64) error {
		m, err := b.Metric(input.Name(name), base, nil)
		if err != nil {
			return err
		}
		m.Better = better
		return m.Add(v)
	}
	for _, id := range slices.Sorted(maps.Keys(in.Categories)) {
		if score := in.Categories[id].Score; score.Known() {
			if err := value("score."+id, unit.Ratio, run.Higher, score.Or()); err != nil {
				return nil, doc.Fail("categories."+id, "%v", err)
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(in.Audits)) {
		a := in.Audits[id]
		if a.ScoreDisplayMode == "error" {
			b.Fail("audit %s: %s", id, cmp.Or(a.ErrorMessage, "error"))
		}
		if id == "metrics" {
			if err := details(value, a.Details); err != nil {
				return nil, doc.Fail("audits.metrics.details", "%v", err)
			}
			continue // its number is that of interactive
		}
		if !a.NumericValue.Known() {
			continue
		}
		base, scale := unitOf(a.NumericUnit)
		if err := value(id, base, run.Lower, scale.Apply(a.NumericValue.Or())); err != nil {
			return nil, doc.Fail("audits."+id+".numericValue", "%v", err)
		}
	}
	if in.Environment.BenchmarkIndex.Known() && *in.Environment.BenchmarkIndex > 0 {
		// How fast the machine is, as Lighthouse found.
		if err := value("environment.benchmarkIndex", "", run.Neither, in.Environment.BenchmarkIndex.Or()); err != nil {
			return nil, doc.Fail("environment", "%v", err)
		}
	}
	if !b.Has() && len(b.Run.Failures) == 0 {
		return nil, doc.Fail("", "there is no audit with a number")
	}
	r, err := b.Finish()
	if err != nil {
		return nil, doc.Fail("", "%v", err)
	}
	return []run.Run{r}, nil
}

func unitOf(word string) (string, input.Scale) {
	if word == "unitless" {
		return "", input.One
	}
	return input.Unit(word)
}

// repeated are the metrics of details that are audits of their own, or points
// from which the others are counted.
var repeated = []string{"observedTimeOrigin", "observedNavigationStart", "observedTraceEnd", "firstContentfulPaint", "largestContentfulPaint", "interactive", "speedIndex", "totalBlockingTime", "maxPotentialFID", "cumulativeLayoutShift"}

// details takes what the audit "metrics" says beside the audits: what was
// observed before the simulation, in milliseconds. Points in time are no
// measurements.
func details(value func(string, string, run.Better, float64) error, raw json.RawMessage) error {
	var in struct{ Items []map[string]json.RawMessage }
	if json.Unmarshal(raw, &in) != nil || len(in.Items) == 0 {
		return nil
	}
	for _, key := range slices.Sorted(maps.Keys(in.Items[0])) {
		var v float64
		text := in.Items[0][key]
		if strings.HasSuffix(key, "Ts") || slices.Contains(repeated, key) || string(text) == "null" || json.Unmarshal(text, &v) != nil {
			continue
		}
		base, scale := unit.Seconds, input.Scale{Times: 1, By: 1e3}
		if strings.Contains(key, "LayoutShift") {
			base, scale = "", input.One
		}
		if err := value("metrics."+key, base, run.Lower, scale.Apply(v)); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
	}
	return nil
}
