package madeup_test

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pacer-perf/pacer/internal/dashboard"
	"github.com/pacer-perf/pacer/internal/dashboard/historic"
	"github.com/pacer-perf/pacer/internal/dashboard/madeup"
	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/history/memory"
	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/policy"
)

var end = time.Date(2026, 11, 23, 7, 17, 0, 0, time.UTC)

// source shows the made-up year.
func source(t testing.TB) *historic.Source {
	t.Helper()
	mem, err := memory.New(madeup.Runs(end)...)
	if err != nil {
		t.Fatal(err)
	}
	p, err := policy.Read(strings.NewReader(madeup.Policy), "pacer.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if p.Waivers, err = policy.ReadWaivers(strings.NewReader(madeup.Waivers), policy.WaiversFile); err != nil {
		t.Fatal(err)
	}
	return historic.New(historic.Config{
		Open:   func(context.Context) (history.Reader, error) { return mem, nil },
		Policy: func(string) (judge.Policy, error) { return p, nil },
		Now:    func() time.Time { return end },
	})
}

// The pages need one of everything: what the judge says of the made-up year is
// what was put into it.
func TestYear(t *testing.T) {
	t.Parallel()
	src := source(t)
	list, err := src.Runs(t.Context(), dashboard.Filter{App: madeup.App})
	if err != nil {
		t.Fatal(err)
	}
	newest := list.Heads[0]
	if newest.Version != "2.4.1" || newest.Branch != "main" || newest.Environment.Arch != "amd64" || newest.Timestamp.After(end) {
		t.Fatalf("the newest run is %+v", newest)
	}
	v, err := src.Verdict(t.Context(), newest.ID, "")
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]string)
	for i := range v.Metrics {
		m := &v.Metrics[i]
		got[m.Key()] = string(m.Change)
		if m.Accepted != nil {
			got[m.Key()] += ", accepted"
		}
		if m.Budget != nil {
			got[m.Key()] += ", " + string(m.Budget.Status)
		}
	}
	want := map[string]string{
		"startup": "regressed, over target", "artwork.decode": "regressed, accepted", "export.csv{tracks=1000}": "missing, none",
		"table.filter{rows=1000}": "inconclusive, within", "track.process": "improved, within", "processing.speed": "improved",
		"memory.peak": "unchanged, within", "ui.response": "unchanged, within", "library.load": "unchanged", "search.query": "unchanged",
		"table.filter{rows=10000}": "unchanged", "gc.pause": "unchanged", "go.goroutines": "unchanged", "memory.current": "unchanged",
	}
	if diff := cmp.Diff(want, got); diff != "" || v.Verdict != judge.Fail {
		t.Errorf("verdict %s (-want +got):\n%s", v.Verdict, diff)
	}
	for key, want := range map[string]string{
		"library.load": "+32 -24 +4", "search.query": "drift +17",
	} {
		s, err := src.Series(t.Context(), dashboard.SeriesQuery{App: madeup.App, Key: key})
		if err != nil {
			t.Fatal(err)
		}
		var changes []string
		for _, c := range s.Changes {
			text := fmt.Sprintf("%+.0f", 100*(c.After/c.Before-1))
			if c.Drift {
				text = "drift " + text
			}
			changes = append(changes, text)
		}
		if got := strings.Join(changes, " "); got != want {
			t.Errorf("%s moved by %s, want %s", key, got, want)
		}
	}
}

// Only the times follow the clock.
func TestDeterministic(t *testing.T) {
	t.Parallel()
	a, b := madeup.Runs(end), madeup.Runs(end)
	if !reflect.DeepEqual(a, b) {
		t.Error("two makings differ")
	}
	later := madeup.Runs(end.Add(time.Hour))
	for i := range a {
		if !later[i].Timestamp.Equal(a[i].Timestamp.Add(time.Hour)) || !reflect.DeepEqual(a[i].Metrics, later[i].Metrics) {
			t.Fatalf("run %d depends on more than the clock", i)
		}
		if err := a[i].Validate(); err != nil {
			t.Fatal(err)
		}
	}
}

func BenchmarkRuns(b *testing.B) {
	for b.Loop() {
		if _, err := memory.New(madeup.Runs(end)...); err != nil {
			b.Fatal(err)
		}
	}
}
