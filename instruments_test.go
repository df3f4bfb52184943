package pacer

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pacer-perf/pacer/run"
)

func TestInstruments(t *testing.T) {
	t.Parallel()
	rec, _ := fake(t, Config{})
	rec.Counter("cache.miss").Add(2)
	rec.Counter("cache.miss").Add(3)
	rec.Counter("cache.miss").Add(-9)
	rec.Counter("errors")
	rec.Counter("cache.hit", Higher).Add(1)
	rec.Gauge("queue").Set(7)
	rec.Gauge("queue").Add(-2)
	rec.Gauge("queue").Set(math.NaN())
	rec.Gauge("never.set")
	rec.Gauge("cache.size", Bytes).Set(1 << 20)
	rec.Gauge("lag", Seconds).Set(-1)
	rec.Rate("parse.speed").Record(30, 2*time.Second)
	rec.Rate("parse.speed").Record(10, 2*time.Second)
	rec.Rate("idle.speed")
	for _, n := range []int64{10, 30, -5} {
		rec.Value("rows.read", Unit("rows")).Record(n)
	}
	if err := rec.Err(); err != nil {
		t.Fatal(err)
	}
	s := rec.Snapshot()
	var got []run.Metric
	for _, m := range s.Metrics {
		if checkName(m.Name) == nil {
			got = append(got, m)
		}
	}
	want := []run.Metric{
		{Name: "cache.miss", Kind: run.CounterKind, Unit: "count", Better: run.Lower, Samples: []float64{5}},
		{Name: "errors", Kind: run.CounterKind, Unit: "count", Better: run.Lower, Samples: []float64{0}}, // 0 is a value
		{Name: "cache.hit", Kind: run.CounterKind, Unit: "count", Better: run.Higher, Samples: []float64{1}},
		{Name: "queue", Kind: run.GaugeKind, Unit: "count", Better: run.Lower, Samples: []float64{5}},
		{Name: "cache.size", Kind: run.GaugeKind, Unit: "bytes", Better: run.Lower, Samples: []float64{1 << 20}},
		{Name: "parse.speed", Kind: run.RateKind, Unit: "items/s", Better: run.Higher, Samples: []float64{10}},
		{Name: "rows.read", Kind: run.ValueKind, Unit: "rows", Better: run.Lower, Samples: []float64{10, 30, 0}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := s.Encode(); err != nil {
		t.Error(err)
	}
}

func TestLabels(t *testing.T) {
	t.Parallel()
	rec, log := fake(t, Config{})
	a := rec.Timer("table.filter", L("rows", "1000"), L("kind", "text"))
	if b := rec.Timer("table.filter", L("kind", "text"), L("rows", "1000")); a != b {
		t.Error("the order of labels makes two metrics")
	}
	if b := rec.Timer("table.filter", L("rows", "10")); a == b {
		t.Error("other labels are not another metric")
	}
	a.Record(time.Second)
	s := rec.Snapshot()
	if s.Find("table.filter", map[string]string{"rows": "1000", "kind": "text"}) == nil {
		t.Errorf("metrics: %+v", s.Metrics)
	}
	for _, options := range [][]Option{
		{L("Rows", "1")}, {L("", "1")}, {L("rows", "a,b")}, {L("rows", "a\nb")}, {L("rows", "1"), L("rows", "1")},
		{L("a", ""), L("b", ""), L("c", ""), L("d", ""), L("e", ""), L("f", ""), L("g", ""), L("h", ""), L("i", "")},
	} {
		rec, _ := fake(t, Config{})
		rec.Timer("x", options...).Record(time.Second)
		if s := rec.Snapshot(); rec.Err() == nil || own(&s) != 0 {
			t.Errorf("%v: error %v, %+v", options, rec.Err(), s.Metrics)
		}
	}

	// Labels without end are refused, and counted.
	for i := range maxLabelSets + 50 {
		rec.Timer("request", L("user", fmt.Sprint(i))).Record(time.Second)
	}
	s = rec.Snapshot()
	if m := s.Find("pacer.refused", nil); m == nil || m.Samples[0] != 50 || own(&s) != maxLabelSets+1 {
		t.Errorf("refused: %+v, metrics %d", m, own(&s))
	}
	if n := strings.Count(log.String(), "refused and counted"); n != 1 {
		t.Errorf("said %d times: %s", n, log)
	}
}

// One name is one kind of metric in one unit; the error says where the first
// was registered.
func TestOneNameOneUnit(t *testing.T) {
	t.Parallel()
	rec, _ := fake(t, Config{})
	rec.Value("payload", Bytes).Record(1)
	rec.Value("payload", Unit("rows")).Record(2)
	rec.Timer("payload").Record(time.Second)
	err := rec.Err()
	if err == nil || strings.Count(err.Error(), `metric "payload" is a value (bytes) since instruments_test.go:`) != 2 ||
		!strings.Contains(err.Error(), "it cannot be a timer (s)") || !strings.Contains(err.Error(), "it cannot be a value (rows)") {
		t.Errorf("error = %v", err)
	}
	s := rec.Snapshot()
	if m := s.Find("payload", nil); m.Unit != "bytes" || m.Count() != 1 {
		t.Errorf("%+v", m)
	}
	if rec.Value("delay", Seconds) != nil {
		t.Error("a value in seconds, which is a timer")
	}
}

func TestPhases(t *testing.T) {
	t.Parallel()
	var clock hand
	rec, _ := fake(t, Config{Clock: clock.read})
	clock.move(time.Second)
	rec.Phase("read config")
	clock.move(100 * time.Millisecond)
	rec.Phase("open db")
	clock.move(300 * time.Millisecond)
	rec.Initial()
	rec.Phase("read config") // again: adds up
	clock.move(100 * time.Millisecond)
	rec.Phase("")
	rec.Phase("a/b")
	rec.SetLabel("start", "cold")
	rec.Ready()
	clock.move(time.Hour)
	rec.Phase("too late")
	rec.Ready()
	rec.Initial()
	s := rec.Snapshot()
	for name, want := range map[string]float64{"startup": 1.5, "startup.initial": 1.4, "startup/read config": 0.2, "startup/open db": 0.3} {
		m := s.Find(name, nil)
		if m == nil || math.Abs(m.Samples[0]-want) > 1e-9 {
			t.Errorf("%s is %+v, want %v", name, m, want)
		}
	}
	if len(s.Stages) != 3 || s.Stages[0].Path != "startup" || s.Stages[2].Path != "startup/open db" {
		t.Fatalf("stages: %+v", s.Stages)
	}
	sum := 0.0
	for _, stage := range s.Stages {
		sum += stage.Self
	}
	if math.Abs(sum-s.Stages[0].Total) > 1e-9 {
		t.Errorf("own times add up to %v of %v", sum, s.Stages[0].Total)
	}
	if s.Labels["start"] != "cold" || strings.Count(fmt.Sprint(rec.Err()), "phase") != 2 {
		t.Errorf("labels %v, error %v", s.Labels, rec.Err())
	}
}

func TestMemory(t *testing.T) {
	t.Parallel()
	rec, _ := fake(t, Config{})
	rec.memoryAtNew = 20 << 20
	rec.Items("tracks", 1000)
	s := rec.Snapshot()
	for name, least := range map[string]float64{"memory.current": 90 << 20, "memory.peak": 100 << 20, "memory.heap.total": 1, "go.goroutines": 1} {
		if m := s.Find(name, nil); m == nil || m.Samples[0] < least || m.Better != run.Lower {
			t.Errorf("%s is %+v", name, m)
		}
	}
	// 80 MB more than at the start, for 1,000 tracks.
	if m := s.Find("memory.per_item", map[string]string{"items": "tracks"}); m == nil || m.Samples[0] != math.Round(80<<20/1000.0) {
		t.Errorf("per item: %+v", m)
	}
	rec.process.memory = func() (memoryUse, error) { return memoryUse{}, errors.ErrUnsupported }
	s = rec.Snapshot()
	if s.Find("memory.per_item", map[string]string{"items": "tracks"}) != nil || s.Find("memory.heap.total", nil) == nil {
		t.Errorf("without the operating system's word: %+v", s.Metrics)
	}
}

// Every instrument of a disabled recorder does nothing.
func TestDisabledInstruments(t *testing.T) {
	t.Parallel()
	var rec *Recorder
	rec.Counter("a").Add(1)
	rec.Gauge("a").Set(1)
	rec.Gauge("a").Add(1)
	rec.Value("a").Record(1)
	rec.Rate("a").Record(1, time.Second)
	rec.Phase("a")
	rec.Initial()
	rec.SetLabel("a", "b")
	ctx, span := rec.Start(t.Context(), "a")
	span.Fail(errors.New("x"))
	span.End()
	if ctx != t.Context() || span.Context() == nil {
		t.Error("a disabled span changes the context")
	}
}
