package storetest

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/run"
)

func series(t *testing.T, s history.Store) {
	ctx := t.Context()
	Fill(t, s, Several()...)
	for _, tt := range []struct {
		name   string
		filter history.SeriesFilter
		want   string
	}{
		{"one metric", history.SeriesFilter{App: "app", Key: "startup", Unit: "s"}, `
			app startup s: R0=0.5 R1=1.5 R2=2.5 R5=5.5
			app{dataset=1k} startup s: R3=3.5`},
		{"all units", history.SeriesFilter{App: "app", Key: "startup", Runs: []string{"R5"}}, `
			app startup ms: R5=7
			app startup s: R5=5.5`},
		{"labels", history.SeriesFilter{Key: "filter{rows=10}"}, `
			app filter{rows=10} s: R5=4`},
		{"a branch", history.SeriesFilter{Branch: "fix"}, `
			app startup s: R1=1.5`},
		{"all of some runs", history.SeriesFilter{Runs: []string{"R5", "R4", "R0", "nobody"}}, `
			app filter{rows=10} s: R5=4
			app startup ms: R5=7
			app startup s: R0=0.5 R5=5.5
			other startup s: R4=4.5`},
		{"of no runs", history.SeriesFilter{Runs: []string{}}, ""},
		{"nothing of that name", history.SeriesFilter{Key: "nothing"}, ""},
	} {
		list, err := s.Series(ctx, tt.filter)
		if err != nil {
			t.Fatal(err)
		}
		want := strings.ReplaceAll(strings.TrimPrefix(tt.want+"\n", "\n"), "\t", "")
		if diff := cmp.Diff(want, Describe(list)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}

	list, err := s.Series(ctx, history.SeriesFilter{Key: "filter{rows=10}"})
	if err != nil {
		t.Fatal(err)
	}
	head := Sample("R5")
	head.Metrics, head.Timestamp = nil, head.Timestamp.Add(2*time.Hour)
	nan := math.NaN()
	want := []history.Series{{App: "app", Name: "filter", Labels: map[string]string{"rows": "10"}, Unit: "s", Points: []history.Point{{
		Run: head, Resolution: 1e-9, Center: 4, Statistic: "median",
		Stats: run.Stats{Count: 1, Mean: 4, Min: 4, Max: 4, Stddev: nan, P50: 4, P90: nan, P95: 4, P99: 4, P999: nan},
	}}}}
	if diff := cmp.Diff(want, list, Same); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	metrics, err := s.Metrics(ctx, "app")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]history.Metric{
		{App: "app", Name: "filter", Labels: map[string]string{"rows": "10"}, Unit: "s"},
		{App: "app", Name: "startup", Unit: "ms"},
		{App: "app", Name: "startup", Unit: "s"},
	}, metrics); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if metrics, err = s.Metrics(ctx, ""); err != nil || len(metrics) != 4 {
		t.Errorf("metrics of all apps: %v, %v", metrics, err)
	}
}

func seriesBounded(t *testing.T, s history.Store) {
	start := Sample("").Timestamp
	for i := range 6 {
		r := Sample(fmt.Sprint("R", i))
		r.Timestamp = start.Add(time.Duration(i) * 20 * 24 * time.Hour) // over four months
		r.Metrics[0].Samples = []float64{float64(i)}
		r.Branch = []string{"main", "fix"}[i%2]
		Fill(t, s, r)
	}
	day := 24 * time.Hour
	for _, tt := range []struct {
		filter history.SeriesFilter
		want   string
	}{
		{history.SeriesFilter{Last: 2}, "R4=4 R5=5"},
		{history.SeriesFilter{Last: 100}, "R0=0 R1=1 R2=2 R3=3 R4=4 R5=5"},
		{history.SeriesFilter{Last: 2, Branch: "fix"}, "R3=3 R5=5"},
		{history.SeriesFilter{Last: 1, Runs: []string{"R1", "R0"}}, "R1=1"},
		{history.SeriesFilter{Since: start.Add(20 * day), Until: start.Add(60 * day)}, "R1=1 R2=2"},
		{history.SeriesFilter{Since: start.Add(20 * day), Last: 1, Until: start.Add(60 * day)}, "R2=2"},
		{history.SeriesFilter{Since: start.Add(20 * day), Runs: []string{"R0", "R5"}}, "R5=5"},
	} {
		list, err := s.Series(t.Context(), tt.filter)
		if err != nil || Describe(list) != "app startup s: "+tt.want+"\n" {
			t.Errorf("%+v: %s, %v", tt.filter, Describe(list), err)
		}
	}
}

// A run that is refused leaves no points behind.
func refused(t *testing.T, s history.Store) {
	Fill(t, s, Sample("A"), Sample("A"))
	other := Sample("A")
	other.Metrics[0].Name = "another"
	if _, err := s.Append(t.Context(), other); err == nil {
		t.Fatal("no conflict")
	}
	if list, err := s.Series(t.Context(), history.SeriesFilter{}); err != nil || Describe(list) != "app startup s: A=2\n" {
		t.Errorf("%s, %v", Describe(list), err)
	}
}
