package pacer

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// reported collects the breaches that are called back.
type reported struct {
	mu   sync.Mutex
	list []Breach
}

func (r *reported) add(b Breach) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = append(r.list, b)
}

func TestBudget(t *testing.T) {
	t.Parallel()
	var clock hand
	var got reported
	rec, log := fake(t, Config{Clock: clock.read, OnBreach: got.add, BreachInterval: time.Minute})
	op := rec.Timer("table.filter", L("rows", "1k"), Budget{Target: 200 * time.Millisecond, Critical: time.Second})
	for _, d := range []time.Duration{100, 200, 201, 500, 1500} { // the first three breaches are in one interval
		op.Record(d * time.Millisecond)
	}
	clock.move(time.Minute)
	op.Record(1001 * time.Millisecond)
	queue := rec.Gauge("queue", Limit{Warning: 10})
	queue.Set(10)
	queue.Add(5)
	rate := rec.Gauge("free", Bytes, Higher, Limit{Target: 100, Critical: 10})
	rate.Set(100)
	rate.Set(5)
	rec.Value("rows", Limit{Target: 3}).Record(4)
	if err := rec.Close(); err != nil { // waits for the reports
		t.Fatal(err)
	}
	want := []Breach{
		{Metric: "free", Unit: "bytes", Value: 5, Limit: 10, Tier: "critical", Count: 1},
		{Metric: "queue", Unit: "count", Value: 15, Limit: 10, Tier: "warning", Count: 1},
		{Metric: "rows", Unit: "count", Value: 4, Limit: 3, Tier: "target", Count: 1},
		{Metric: "table.filter{rows=1k}", Unit: "s", Value: 0.201, Limit: 0.2, Tier: "target", Count: 1},
		{Metric: "table.filter{rows=1k}", Unit: "s", Value: 1.001, Limit: 1, Tier: "critical", Count: 3},
	}
	for _, b := range got.list {
		if age := time.Since(b.Time); age < 0 || age > time.Hour {
			t.Errorf("%s was over its budget at %v", b.Metric, b.Time)
		}
	}
	byMetric := cmpopts.SortSlices(func(a, b Breach) bool { return a.Metric < b.Metric || a.Metric == b.Metric && a.Value < b.Value })
	if diff := cmp.Diff(got.list, rec.Breaches(), byMetric); diff != "" {
		t.Errorf("Breaches (-called back +kept):\n%s", diff)
	}
	if diff := cmp.Diff(want, got.list, byMetric, cmpopts.IgnoreFields(Breach{}, "Time")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if n := strings.Count(log.String(), "over budget"); n != len(want) || !strings.Contains(log.String(), `"value":"1.00s","limit":"1.00s","tier":"critical","count":3`) {
		t.Errorf("%d reports: %s", n, log)
	}
	s := rec.Snapshot()
	for tier, n := range map[string]float64{"target": 2, "critical": 2} {
		m := s.Find("pacer.breaches", map[string]string{"metric": "table.filter{rows=1k}", "tier": tier})
		if m == nil || m.Samples[0] != n {
			t.Errorf("breaches of the %s: %+v, want %v", tier, m, n)
		}
	}
	if _, err := s.Encode(); err != nil {
		t.Error(err)
	}
	op.Record(time.Hour) // after Close: counted, not reported
	if n := strings.Count(log.String(), "over budget"); n != len(want) {
		t.Errorf("%d reports after Close", n)
	}
}

// What goes wrong in a callback stays there; budgets that make no sense are
// refused.
func TestBudgetMistakes(t *testing.T) {
	t.Parallel()
	rec, log := fake(t, Config{OnBreach: func(Breach) { panic("boom") }})
	rec.Timer("op", Budget{Target: 1}).Record(2)
	if err := rec.Close(); err != nil || !strings.Contains(log.String(), "OnBreach panicked") {
		t.Errorf("%v: %s", err, log)
	}
	rec, _ = fake(t, Config{})
	rec.Timer("a", Budget{})
	rec.Timer("b", Limit{Target: 1})
	rec.Gauge("c", Budget{Target: 1})
	rec.Counter("d", Limit{Target: 1})
	rec.Gauge("e", Limit{Target: -1})
	rec.Gauge("f", Limit{Target: 1}).Set(2)
	rec.Timer("g", Higher, Budget{Target: 1})
	rec.Timer("h", Budget{Target: 1<<63 - 1}).Record(time.Hour)
	if n := strings.Count(fmt.Sprint(rec.Err()), "\n") + 1; n != 6 {
		t.Errorf("%d mistakes: %v", n, rec.Err())
	}
}

// A breach leaves a trace and a profile, at most one set an interval and so
// many in all. The flight recorder and the CPU profile are the process's: not
// parallel.
func TestEvidence(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "evidence")
	var clock hand
	var got reported
	reports := make(chan struct{}, 10)
	rec, log := fake(t, Config{
		Clock: clock.read, BreachInterval: time.Minute,
		OnBreach: func(b Breach) { got.add(b); reports <- struct{}{} },
		Evidence: Evidence{Dir: dir, Trace: true, Profile: time.Millisecond, MaxFiles: 3},
	})
	op := rec.Timer("table.filter", L("rows", "1k"), Budget{Target: 1})
	for range 3 {
		op.Record(2)
		op.Record(2)
		<-reports
		if err := rec.Flush(t.Context()); err != nil { // waits for the profile
			t.Fatal(err)
		}
		clock.move(time.Minute)
	}
	if err := rec.Close(); err != nil {
		t.Fatal(err)
	}
	files, _ := os.ReadDir(dir)
	if len(files) != 3 || len(got.list) != 3 || len(got.list[0].Evidence) != 2 || len(got.list[1].Evidence) != 1 || len(got.list[2].Evidence) != 0 {
		t.Fatalf("files %v, breaches %+v: %s", files, got.list, log)
	}
	for _, file := range got.list[0].Evidence {
		if info, err := os.Stat(file); err != nil || info.Size() == 0 || info.Size() > 16<<20 || !strings.Contains(file, "table.filter_rows_1k_") {
			t.Errorf("%s: %v, %v", file, info, err)
		}
	}
	if !strings.Contains(log.String(), `"evidence":["`) {
		t.Errorf("the log does not name the files: %s", log)
	}
	// A second flight recorder cannot run: said, and the rest works.
	first, _ := fake(t, Config{Evidence: Evidence{Dir: dir, Trace: true}})
	second, _ := fake(t, Config{Evidence: Evidence{Dir: dir, Trace: true}})
	if first.Err() != nil || second.Err() == nil {
		t.Errorf("two flight recorders: %v, %v", first.Err(), second.Err())
	}
	first.Close()
	second.Close()
}
