package storetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/run"
)

func deletes(t *testing.T, s history.Store) {
	ctx := t.Context()
	Fill(t, s, Several()...)
	if err := s.SetBaseline(ctx, "R0"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Enqueue(ctx, history.Task{Kind: "verdict", Key: "R5"}); err != nil {
		t.Fatal(err)
	}
	var baseline *history.BaselineError
	if n, err := s.Delete(ctx, "R1", "R0"); !errors.As(err, &baseline) || baseline.ID != "R0" || n != 0 {
		t.Errorf("a baseline: %d, %v", n, err)
	}
	if ids := IDs(t, s, history.Filter{}); ids != "R5 R4 R3 R2 R1 R0" {
		t.Errorf("after a refusal: %s", ids)
	}
	if n, err := s.Delete(ctx, "R5", "nobody", "R1"); n != 2 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if ids := IDs(t, s, history.Filter{}); ids != "R4 R3 R2 R0" {
		t.Error(ids)
	}
	list, err := s.Series(ctx, history.SeriesFilter{App: "app"})
	if err != nil || Describe(list) != "app startup s: R0=0.5 R2=2.5\napp{dataset=1k} startup s: R3=3.5\n" {
		t.Errorf("%s, %v", Describe(list), err)
	}
	if metrics, err := s.Metrics(ctx, "app"); err != nil || len(metrics) != 1 {
		t.Errorf("metrics %v, %v", metrics, err)
	}
	if _, err := s.Job(ctx, "verdict", "R5"); !errors.Is(err, history.ErrNotFound) {
		t.Errorf("its job: %v", err)
	}
	// What is gone may come again, also as another run.
	again := Several()[1]
	again.Version = "9"
	if added, err := s.Append(ctx, again); !added || err != nil {
		t.Errorf("%v, %v", added, err)
	}
}

// distribution is a run of which there is something to thin.
func distribution(id string) *run.Run {
	r := Sample(id)
	rng := rand.New(rand.NewPCG(7, 8))
	samples := make([]float64, 500)
	for i := range samples {
		samples[i] = 0.1 * (1 + rng.ExpFloat64())
	}
	h := run.NewHistogram("bytes")
	h.AddN(1e6, 1000)
	r.Metrics = append(r.Metrics, run.Metric{Name: "op", Unit: "s", Samples: samples}, run.Metric{Name: "size", Unit: "bytes", Histogram: h})
	return r
}

// A run of which less is left is the run that it was: the same again is known,
// its points have not moved.
func thins(t *testing.T, s history.Store) {
	ctx := t.Context()
	Fill(t, s, distribution("A"), distribution("B"))
	before, err := s.Series(ctx, history.SeriesFilter{})
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		to      history.Detail
		changed int
	}{{history.Samples, 0}, {history.Histograms, 1}, {history.Histograms, 0}, {history.Summaries, 1}, {history.Histograms, 0}} {
		if n, err := s.Thin(ctx, step.to, "A", "nobody"); n != step.changed || err != nil {
			t.Errorf("to %s: %d, %v", step.to, n, err)
		}
		if added, err := s.Append(ctx, distribution("A")); added || err != nil {
			t.Errorf("%s: the same run again: %v, %v", step.to, added, err)
		}
		after, err := s.Series(ctx, history.SeriesFilter{})
		if diff := cmp.Diff(before, after, Same); diff != "" || err != nil {
			t.Errorf("%s: %v (-before +after):\n%s", step.to, err, diff)
		}
		r, err := s.Run(ctx, "A")
		if err != nil {
			t.Fatal(err)
		}
		whole := distribution("A")
		for i := range r.Metrics {
			got, _ := r.Metrics[i].Statistic("p95")
			want, _ := whole.Metrics[i].Statistic("p95")
			if got < 0.99*want || got > 1.01*want || r.Metrics[i].Count() != whole.Metrics[i].Count() {
				t.Errorf("%s: %s: p95 %v of %d, want %v of %d", step.to, r.Metrics[i].Name, got, r.Metrics[i].Count(), want, whole.Metrics[i].Count())
			}
		}
		if step.to == history.Histograms && step.changed > 0 && (r.Metrics[1].Histogram == nil || r.Metrics[0].Samples == nil) {
			t.Errorf("histograms: %+v", r.Metrics)
		}
		if step.to == history.Summaries && (r.Metrics[1].Summary == nil || r.Metrics[2].Summary == nil || len(r.Warnings) != 1) {
			t.Errorf("summaries: %+v, %q", r.Metrics, r.Warnings)
		}
	}
	other := distribution("A")
	other.Version = "2"
	var conflict *history.ConflictError
	if _, err := s.Append(ctx, other); !errors.As(err, &conflict) {
		t.Errorf("another run: %v", err)
	}
}

func walks(t *testing.T, s history.Store) {
	ctx := t.Context()
	Fill(t, s, Several()...)
	Fill(t, s, distribution("thin"))
	if _, err := s.Thin(ctx, history.Summaries, "thin"); err != nil {
		t.Fatal(err)
	}
	whole := func(r *run.Run) *history.Entry {
		e, err := history.Pack(r)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	var ids []string
	err := s.Walk(ctx, history.Filter{}, history.Parts{Document: true, Points: true}, func(e *history.Entry) error {
		ids = append(ids, e.Head.ID)
		want := whole(distribution("thin"))
		for _, r := range Several() {
			if r.ID == e.Head.ID {
				want = whole(r)
			}
		}
		if e.Head.ID == "thin" {
			less, err := want.Thinned(history.Summaries)
			if err != nil {
				return err
			}
			want = less
		}
		byKey := cmp.Transformer("byKey", func(list []history.Value) map[string]history.Value {
			m := make(map[string]history.Value)
			for _, v := range list {
				m[v.Key+v.Unit] = v
			}
			return m
		})
		if diff := cmp.Diff(want, e, Same, byKey); diff != "" {
			t.Errorf("%s (-want +got):\n%s", e.Head.ID, diff)
		}
		// The store can be written to meanwhile.
		_, err := s.Append(ctx, Sample("Z"+strings.TrimPrefix(e.Head.ID, "Z")))
		return err
	})
	if err != nil || strings.Join(ids, " ") != "R0 R1 R2 thin R3 R4 R5" {
		t.Errorf("%v, %v", ids, err)
	}
	stop := errors.New("enough")
	n := 0
	err = s.Walk(ctx, history.Filter{App: "app", Limit: 4}, history.Parts{}, func(e *history.Entry) error {
		if n++; e.Document != nil || e.Points != nil {
			t.Error("more than was asked for")
		}
		if n == 3 {
			return stop
		}
		return nil
	})
	if err != stop || n != 3 {
		t.Errorf("%d, %v", n, err)
	}
	many := make([]*history.Entry, 450) // more than two pages
	for i := range many {
		r := Sample(fmt.Sprintf("many%04d", i))
		r.App = "many"
		many[i] = whole(r)
	}
	if _, err := s.AppendBatch(ctx, history.Batch{Entries: many}); err != nil {
		t.Fatal(err)
	}
	for _, limit := range []int{0, 450, 449, 400, 1} {
		n, last := 0, ""
		err := s.Walk(ctx, history.Filter{App: "many", Limit: limit}, history.Parts{}, func(e *history.Entry) error {
			if e.Head.ID <= last {
				t.Errorf("%s after %s", e.Head.ID, last)
			}
			n, last = n+1, e.Head.ID
			return nil
		})
		if want := limit; err != nil || n != want && (limit != 0 || n != 450) {
			t.Errorf("limit %d: %d, %v", limit, n, err)
		}
	}
}

func maintenance(t *testing.T, s history.Store) {
	ctx := t.Context()
	if _, err := s.Size(ctx); err != nil {
		t.Error(err)
	}
	Fill(t, s, Several()...)
	if problems, err := s.Check(ctx); len(problems) > 0 || err != nil {
		t.Errorf("%v, %v", problems, err)
	}
	if err := s.Vacuum(ctx); err != nil {
		t.Error(err)
	}
	if size, err := s.Size(ctx); size <= 0 || err != nil {
		t.Errorf("%d bytes, %v", size, err)
	}
	if ids := IDs(t, s, history.Filter{}); ids != "R5 R4 R3 R2 R1 R0" {
		t.Error(ids)
	}
	if s.Address() == "" {
		t.Error("no address")
	}
}
