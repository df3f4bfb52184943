package storetest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/run"
)

// Typical is a run as a busy app makes it: 20 timers of 30 samples each.
func Typical(rng *rand.Rand, app, id string, at time.Time) *run.Run {
	r := &run.Run{
		ID: id, App: app, Version: "1.4." + id[len(id)-2:], Commit: fmt.Sprintf("%016x%016x%08x", rng.Uint64(), rng.Uint64(), rng.Uint32()), Branch: "main",
		Timestamp:   at,
		Environment: &run.Environment{OS: "linux", Arch: "amd64", CPU: "AMD EPYC 7B13", Cores: 8, Memory: 32 << 30, Go: "go1.26.8", Host: "8f586dd2041a"},
	}
	for i := range 20 {
		m := run.Metric{Name: fmt.Sprintf("metric.%02d", i), Kind: run.TimerKind, Unit: "s", Better: run.Lower, Resolution: 1e-9}
		for range 30 {
			m.Samples = append(m.Samples, math.Round(4.5e7*math.Exp(0.1*rng.NormFloat64()))/1e9)
		}
		r.Metrics = append(r.Metrics, m)
	}
	return r
}

// number of the runs that Growth stores: what SOAK_RUNS says, else few.
func soakRuns() int {
	if n, err := strconv.Atoi(os.Getenv("SOAK_RUNS")); err == nil {
		return n
	}
	return 1200
}

// Growth fills a store with runs and asks for whole series as it grows: 10,000
// points of one metric of one of its apps. It checks what comes back, and logs
// how long it took. With SOAK_RUNS=1000000 it is the soak; without, few runs. A
// store that has them already is only asked.
func Growth(t *testing.T, s history.Store) {
	ctx := t.Context()
	total := soakRuns()
	perApp := min(10_000, total/3)
	apps, err := s.Apps(ctx)
	if err != nil {
		t.Fatal(err)
	}
	there := 0
	for _, a := range apps {
		there += a.Runs
	}
	if there == total {
		t.Logf("%8d runs: %s", there, asks(t, s, there, total, perApp))
		return
	}
	// Making a million documents would take longer than storing them: some
	// hundreds go round, each under many ids.
	rng := rand.New(rand.NewPCG(1, 2))
	templates := make([]*history.Entry, 500)
	for i := range templates {
		e, err := history.Pack(Typical(rng, "app", fmt.Sprintf("T%08d", i), time.Unix(0, 1)))
		if err != nil {
			t.Fatal(err)
		}
		templates[i] = e
	}
	stored, spent := 0, time.Duration(0)
	newest := time.Now().UTC().Truncate(time.Hour)
	for goal := min(10_000, total); ; goal = min(goal*10, total) {
		began := stored
		at := time.Now()
		for stored < goal {
			// An app after the other would be too easy: all of them grow at
			// once, in turns of a batch.
			batch := make([]*history.Entry, 0, 500)
			apps := max(1, total/perApp)
			app := stored / 500 % apps
			round := stored / 500 / apps * 500
			for i := range min(500, goal-stored) {
				e := *templates[(stored+i)%len(templates)]
				e.Head.ID = fmt.Sprintf("R%05d.%08d", app, round+i)
				e.Head.App = fmt.Sprintf("app%05d", app)
				e.At = newest.Add(-time.Duration(perApp-round-i) * time.Hour)
				batch = append(batch, &e)
			}
			outcomes, err := s.AppendBatch(ctx, history.Batch{Entries: batch})
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range outcomes {
				if !o.Added {
					t.Fatalf("a run is not new: %v", o.Err)
				}
			}
			stored += len(batch)
		}
		spent = time.Since(at)
		size, err := s.Size(ctx)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%8d runs: %6.0f runs/s since the last line, %.0f bytes a run, %s, %s", stored, float64(stored-began)/spent.Seconds(), float64(size)/float64(stored), asks(t, s, stored, total, perApp), forgets(t, s))
		if stored == total {
			return
		}
	}
}

// asks asks for series at random and says how long that took.
func asks(t *testing.T, s history.Store, stored, total, perApp int) string {
	t.Helper()
	ctx := t.Context()
	apps := max(1, total/perApp)
	rng := rand.New(rand.NewPCG(3, uint64(stored)))
	n := 10
	if total > 10_000 {
		n = 300
	}
	var times []time.Duration
	points := 0
	for range n {
		app, metric := rng.IntN(min(apps, (stored+499)/500)), rng.IntN(20)
		at := time.Now()
		list, err := s.Series(ctx, history.SeriesFilter{App: fmt.Sprintf("app%05d", app), Key: fmt.Sprintf("metric.%02d", metric), Unit: "s"})
		times = append(times, time.Since(at))
		if err != nil || len(list) != 1 {
			t.Fatalf("app %d, metric %d: %d series, %v", app, metric, len(list), err)
		}
		for i, p := range list[0].Points {
			if i > 0 && !list[0].Points[i-1].Run.Timestamp.Before(p.Run.Timestamp) {
				t.Fatalf("app %d: points are not in order", app)
			}
		}
		points += len(list[0].Points)
	}
	slices.Sort(times)
	return fmt.Sprintf("a series of %d points: median %.1f ms, p99 %.1f ms", points/n, ms(times[n/2]), ms(times[n*99/100]))
}

// forgets deletes the newest runs of an app and says how long that took.
func forgets(t *testing.T, s history.Store) string {
	t.Helper()
	heads, err := s.Heads(t.Context(), history.Filter{App: "app00000", Limit: 20})
	if err != nil || len(heads) != 20 {
		t.Fatalf("%d newest runs, %v", len(heads), err)
	}
	var ids []string
	for i := range heads {
		ids = append(ids, heads[i].ID)
	}
	at := time.Now()
	if n, err := s.Delete(t.Context(), ids...); err != nil || n != len(ids) {
		t.Fatalf("deleted %d of %d runs, %v", n, len(ids), err)
	}
	return fmt.Sprintf("%.2f ms to delete a run", ms(time.Since(at))/float64(len(ids)))
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// Benchmarks measure a store: runs of 20 metrics with 30 samples each, with and
// without making them ready.
func Benchmarks(b *testing.B, fresh func(*testing.B) history.Store) {
	b.Run("ingest", func(b *testing.B) { ingest(b, fresh(b), 1) })
	b.Run("ingest/writers=2", func(b *testing.B) { ingest(b, fresh(b), 2) })
	b.Run("packed", func(b *testing.B) { packed(b, fresh(b)) })
	b.Run("append", func(b *testing.B) {
		s, rng := fresh(b), rand.New(rand.NewPCG(1, 2))
		i := 0
		for b.Loop() {
			i++
			if _, err := s.Append(b.Context(), Typical(rng, "app", fmt.Sprintf("R%08d", i), time.Now())); err != nil {
				b.Fatal(err)
			}
		}
	})
}

const benchBatch = 500

// ingest stores runs by writers at once, each of which makes a batch ready with
// as many goroutines as there are processors and appends it, while the next one
// is being made ready.
func ingest(b *testing.B, s history.Store, writers int) {
	rng := rand.New(rand.NewPCG(1, 2))
	runs := make([]*run.Run, benchBatch)
	for i := range runs {
		runs[i] = Typical(rng, "app", fmt.Sprintf("T%08d", i), time.Now())
	}
	ctx := b.Context()
	batches := make(chan []*history.Entry, 1)
	var done sync.WaitGroup
	for range writers {
		done.Go(func() {
			for batch := range batches {
				if _, err := s.AppendBatch(ctx, history.Batch{Entries: batch}); err != nil {
					b.Error(err)
				}
			}
		})
	}
	n, began := 0, time.Now()
	for b.Loop() {
		batches <- ready(b, runs, n)
		n++
	}
	close(batches)
	done.Wait()
	b.ReportMetric(float64(n*benchBatch)/time.Since(began).Seconds(), "runs/s")
}

// ready makes a batch ready.
func ready(b *testing.B, runs []*run.Run, n int) []*history.Entry {
	batch := make([]*history.Entry, len(runs))
	var wait sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for w := range workers {
		wait.Go(func() {
			for i := w; i < len(runs); i += workers {
				r := *runs[i]
				r.ID, r.Timestamp = fmt.Sprintf("R%06d.%04d", n, i), r.Timestamp.Add(time.Duration(n)*time.Minute)
				e, err := history.Pack(&r)
				if err != nil {
					b.Error(err)
					return
				}
				batch[i] = e
			}
		})
	}
	wait.Wait()
	return batch
}

// packed stores runs that are ready.
func packed(b *testing.B, s history.Store) {
	rng := rand.New(rand.NewPCG(1, 2))
	templates := make([]*history.Entry, benchBatch)
	for i := range templates {
		e, err := history.Pack(Typical(rng, "app", fmt.Sprintf("T%08d", i), time.Now()))
		if err != nil {
			b.Fatal(err)
		}
		templates[i] = e
	}
	n := 0
	for b.Loop() {
		batch := make([]*history.Entry, len(templates))
		for i, t := range templates {
			e := *t
			e.Head.ID, e.At = fmt.Sprintf("R%06d.%04d", n, i), e.At.Add(time.Duration(n)*time.Minute)
			batch[i] = &e
		}
		if _, err := s.AppendBatch(b.Context(), history.Batch{Entries: batch}); err != nil {
			b.Fatal(err)
		}
		n++
	}
	b.ReportMetric(float64(n*benchBatch)/b.Elapsed().Seconds(), "runs/s")
}
