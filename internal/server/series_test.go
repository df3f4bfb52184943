package server

import (
	"bytes"
	"encoding/json"
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/run"
)

// What is written of a series by hand is a SeriesList, field by field.
func TestAppendSeries(t *testing.T) {
	t.Parallel()
	nan := math.NaN()
	full := history.Point{Run: &run.Run{ID: "a", Version: `1.0 "<β>"`, Commit: "c", Branch: "b", Timestamp: time.Date(2026, 1, 2, 3, 4, 5, 600, time.UTC)},
		Center: 1e-9, Statistic: "median", Stats: run.Stats{Count: 3, Mean: 1234567.5, Min: 0, Max: 1e300, P95: -2, P99: 1e21}}
	bare := history.Point{Run: &run.Run{ID: "z"}, Center: 2, Statistic: "mean", Stats: run.Stats{Mean: nan, Min: nan, Max: nan, P95: nan, P99: math.Inf(1)}}
	list := []history.Series{
		{App: "app", RunLabels: map[string]string{"runner": "x&y"}, Name: "m", Labels: map[string]string{"rows": "1"}, Unit: "s", Points: []history.Point{full, bare}},
		{Name: "empty"},
	}
	text := appendSeries(nil, list)
	var got SeriesList
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&got); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	want := SeriesList{Series: []Series{
		{App: "app", RunLabels: list[0].RunLabels, Name: "m", Labels: list[0].Labels, Unit: "s", Points: []Point{
			{Run: "a", Version: `1.0 "<β>"`, Commit: "c", Branch: "b", Time: full.Run.Timestamp, Value: 1e-9, Statistic: "median", Count: 3,
				Mean: 1234567.5, Min: 0, Max: 1e300, P95: -2, P99: 1e21},
			{Run: "z", Value: 2, Statistic: "mean"},
		}},
		{Name: "empty", Points: []Point{}},
	}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s\nreads as %+v\nwant %+v", text, got, want)
	}
	if got := string(appendSeries(nil, nil)); got != "{\"series\":[]}\n" {
		t.Errorf("no series: %q", got)
	}
	// What is not known is not written, and 0 is.
	if bytes.Count(text, []byte(`"min":0`)) != 1 || bytes.Contains(text, []byte("NaN")) || bytes.Contains(text, []byte("Inf")) {
		t.Errorf("%s", text)
	}
}
