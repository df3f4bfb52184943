package prom

import (
	"math"
	"testing"
	"time"

	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/history/promtest"
	"github.com/pacer-perf/pacer/run"
)

// TestPrometheus reads what the SDK's own text format says out of a real
// Prometheus.
func TestPrometheus(t *testing.T) {
	t.Parallel()
	now := time.Now().UTC().Truncate(time.Hour)
	s := open(t, "prom+"+promtest.Prometheus(t, promtest.Scraped(t, now))+"?step=1h&since=3d")
	s.now = func() time.Time { return now }
	s.Names([]run.Metric{{Name: "track.process", Unit: "s", Better: run.Lower}})
	ctx := t.Context()

	heads, err := s.Heads(ctx, history.Filter{App: promtest.App})
	if err != nil || len(heads) < 60 || heads[0].Version != "2.0" || heads[len(heads)-1].Version != "1.0" {
		t.Fatalf("%d heads, %v", len(heads), err)
	}
	list, err := s.Series(ctx, history.SeriesFilter{App: promtest.App, Key: "track.process", Unit: "s"})
	if err != nil || len(list) != 1 || len(list[0].Points) < 60 {
		t.Fatalf("%+v, %v", list, err)
	}
	levels := make(map[string][]history.Point)
	for _, p := range list[0].Points {
		levels[p.Run.Version] = append(levels[p.Run.Version], p)
	}
	for version, want := range map[string]float64{"1.0": 0.1, "2.0": 0.13} {
		// The second of its windows: the first begins with the version.
		p := levels[version][1]
		if mean := p.Stats.Mean; math.Abs(mean/want-1) > 0.02 {
			t.Errorf("%s: mean %v, want %v", version, mean, want)
		}
		if p.Better != run.Lower || p.Stats.Count < 100 {
			t.Errorf("%s: %+v", version, p)
		}
	}
	r, err := s.Run(ctx, heads[1].ID)
	if err != nil {
		t.Fatal(err)
	}
	units := make(map[string]string)
	for _, m := range r.Metrics {
		units[m.Key()] = m.Unit
	}
	for key, want := range map[string]string{"track.process": "s", "table.filter{rows=1000}": "s", "cache.hits": ""} {
		if got, ok := units[key]; !ok || got != want {
			t.Errorf("%s in %q, want %q: %v", key, got, want, units)
		}
	}
}
