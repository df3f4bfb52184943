package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/report"
	"github.com/pacer-perf/pacer/internal/report/reporttest"
	"github.com/pacer-perf/pacer/internal/report/text"
)

// Every medium takes whatever can be read as a verdict, also one that no judge
// wrote: with anything missing.
func TestMediaTakeAnyVerdict(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(5, 6))
	for _, r := range []*report.Report{reporttest.Worked(), reporttest.First(), reporttest.Elsewhere(), reporttest.Calm(), reporttest.Hostile()} {
		whole, err := json.Marshal(r.Verdict)
		if err != nil {
			t.Fatal(err)
		}
		for range 20 {
			var document map[string]any
			if err := json.Unmarshal(whole, &document); err != nil {
				t.Fatal(err)
			}
			thin(rng, document)
			document["schema"] = judge.Schema
			body, err := json.Marshal(document)
			if err != nil {
				t.Fatal(err)
			}
			v, err := judge.ReadVerdict(bytes.NewReader(body), "verdict.json")
			if err != nil {
				t.Fatal(err)
			}
			thinned := &report.Report{Verdict: &v, At: r.At}
			for _, m := range mediaOf(verdictJSON) {
				if err := m.write(&bytes.Buffer{}, thinned); err != nil {
					t.Errorf("%s: %v", m.name, err)
				}
			}
			if err := text.Comparison(&bytes.Buffer{}, thinned, text.Options{Verbose: true}); err != nil {
				t.Error(err)
			}
		}
	}
}

// thin leaves out one in eight of all that is in a document.
func thin(rng *rand.Rand, v any) {
	switch v := v.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if rng.IntN(8) == 0 {
				delete(v, key)
				continue
			}
			thin(rng, v[key])
		}
	case []any:
		for _, value := range v {
			thin(rng, value)
		}
	}
}

// The formats are listed where they are asked for, each ending once, and each
// name in the document.
func TestMediaAreListed(t *testing.T) {
	t.Parallel()
	o := outputs{media: mediaOf(verdictJSON)}
	seen := make(map[string]bool)
	for _, m := range o.media {
		for _, ending := range m.extensions {
			if seen[ending] {
				t.Errorf("%s is the ending of two formats", ending)
			}
			seen[ending] = true
		}
		if !strings.Contains(o.table(), "  "+m.name+" ") || !strings.Contains(o.list(), m.name) || m.about == "" {
			t.Errorf("%s is not listed", m.name)
		}
	}
}
