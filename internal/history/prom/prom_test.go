package prom

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/run"
)

var start = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

// fleet is two instances of an app that measure for twelve hours, in version
// 1.0 and from hour 6 on in 1.1, in which an operation takes half as long again.
func fleet() *engine {
	e := &engine{}
	limits := []float64{0.05, 0.1, 0.2, 0.4, math.Inf(1)}
	rng := rand.New(rand.NewPCG(1, 2))
	counts, sums := make(map[string][]float64), make(map[string]float64)
	for minute := 0; minute <= 12*60; minute += 10 {
		at := start.Add(time.Duration(minute) * time.Minute)
		version, scale := "1.0", 1.0
		if minute > 6*60 {
			version, scale = "1.1", 1.5
		}
		for _, instance := range []string{"a:1", "b:1"} {
			labels := []string{"app", "shop", "version", version, "instance", instance, "job", "shops"}
			key := version + instance
			if counts[key] == nil {
				counts[key] = make([]float64, len(limits))
			}
			for range 50 {
				v := 0.1 * scale * (0.8 + 0.4*rng.Float64())
				sums[key] += v
				for i, limit := range limits {
					if v <= limit {
						counts[key][i]++
					}
				}
			}
			for i, limit := range limits {
				le := fmt.Sprint(limit)
				e.put(at, counts[key][i], "track_process_seconds_bucket", append(labels, "le", le, "rows", "10")...)
			}
			e.put(at, sums[key], "track_process_seconds_sum", append(labels, "rows", "10")...)
			e.put(at, counts[key][len(limits)-1], "track_process_seconds_count", append(labels, "rows", "10")...)
			e.put(at, float64(minute), "tracks_done_total", labels...)
			e.put(at, 100+float64(minute%60), "memory_peak_bytes", labels...)
			e.put(at, 1, "up", labels...)
		}
		e.put(at, 1, "other_ratio", "app", "other")
	}
	return e
}

func open(t *testing.T, address string) *Store {
	t.Helper()
	s, err := Open(address)
	if err != nil {
		t.Fatal(err)
	}
	s.now = func() time.Time { return start.Add(12*time.Hour + 5*time.Minute) }
	return s
}

func TestHeads(t *testing.T) {
	t.Parallel()
	s := open(t, fleet().serve(t)+"?step=1h&since=12h")
	heads, err := s.Heads(t.Context(), history.Filter{App: "shop"})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, h := range heads {
		got = append(got, h.Version+"@"+h.Timestamp.Format("15"))
	}
	if want := "1.1@12 1.1@11 1.1@10 1.1@09 1.1@08 1.1@07 1.0@06 1.0@05 1.0@04 1.0@03 1.0@02 1.0@01"; strings.Join(got, " ") != want {
		t.Errorf("%s, want %s", strings.Join(got, " "), want)
	}
	for _, tt := range []struct {
		filter history.Filter
		want   int
	}{
		{history.Filter{}, 24}, {history.Filter{App: "other"}, 12}, {history.Filter{App: "shop", Version: "1.1"}, 6}, {history.Filter{App: "shop", Limit: 3}, 3},
		{history.Filter{App: "nobody"}, 0}, {history.Filter{App: "shop", Since: start.Add(10 * time.Hour)}, 3}, {history.Filter{App: "shop", Until: start.Add(3 * time.Hour)}, 2},
		{history.Filter{App: "shop", Before: history.PositionOf(&heads[1])}, 10}, {history.Filter{IDPrefix: heads[0].ID[:20]}, 1}, {history.Filter{Branch: "main"}, 0},
	} {
		if list, err := s.Heads(t.Context(), tt.filter); err != nil || len(list) != tt.want {
			t.Errorf("%+v: %d heads, %v", tt.filter, len(list), err)
		}
	}
	apps, err := s.Apps(t.Context())
	if err != nil || len(apps) != 2 || apps[1].Name != "shop" || apps[1].Runs != 12 {
		t.Errorf("%+v, %v", apps, err)
	}
}

func TestRun(t *testing.T) {
	t.Parallel()
	s := open(t, fleet().serve(t)+"?since=12h")
	heads, err := s.Heads(t.Context(), history.Filter{App: "shop", Version: "1.1"})
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Run(t.Context(), heads[2].ID)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range r.Metrics {
		p50, _ := m.Statistic("median")
		got = append(got, fmt.Sprintf("%s %s %s n=%d %.3f", m.Key(), m.Unit, m.Kind, m.Count(), p50))
	}
	// Six samples of two instances, 50 observations each; from 0.12 s to 0.18 s
	// in a bucket from 0.1 s to 0.2 s, whose middle stands for it.
	want := []string{"memory.peak bytes gauge n=1 150.000", "track.process{rows=10} s timer n=600 0.150", "tracks.done  counter n=1 120.000"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	h := r.Metrics[1].Histogram
	if mean := h.Sum() / float64(h.Count); math.Abs(mean-0.15) > 0.002 {
		t.Errorf("mean %v: the sum is known better than the buckets", mean)
	}
	if r.ID != heads[2].ID || r.Version != "1.1" || len(r.Warnings) != 2 || !strings.HasSuffix(r.Warnings[1], "alone: track.process{rows=10}") {
		t.Errorf("%+v", r)
	}
	for _, id := range []string{"", "nothing", "12-ab", fmt.Sprintf("%d-000000000000", start.Add(time.Hour).Unix()), fmt.Sprintf("%d-000000000000", start.Add(time.Minute).Unix())} {
		if _, err := s.Run(t.Context(), id); !errors.Is(err, history.ErrNotFound) {
			t.Errorf("%q: %v", id, err)
		}
	}
}

func TestSeries(t *testing.T) {
	t.Parallel()
	e := fleet()
	s := open(t, e.serve(t)+"?since=12h")
	ctx := t.Context()
	list, err := s.Series(ctx, history.SeriesFilter{App: "shop", Key: "track.process{rows=10}"})
	if err != nil || len(list) != 1 || len(list[0].Points) != 12 {
		t.Fatalf("%+v, %v", list, err)
	}
	one := list[0]
	if one.Unit != "s" || one.Points[0].Run.Version != "1.0" || one.Points[11].Run.Version != "1.1" || one.Points[0].Stats.Count != 600 {
		t.Errorf("%+v", one)
	}
	if a, b := one.Points[2].Stats.Mean, one.Points[9].Stats.Mean; math.Abs(b/a-1.5) > 0.03 {
		t.Errorf("from %v to %v", a, b)
	}
	for _, tt := range []struct {
		filter history.SeriesFilter
		want   int
	}{
		{history.SeriesFilter{App: "shop", Key: "track.process"}, 0}, {history.SeriesFilter{App: "shop", Key: "memory.peak"}, 1}, {history.SeriesFilter{App: "shop", Key: "tracks.done"}, 1},
		{history.SeriesFilter{App: "shop"}, 3}, {history.SeriesFilter{Key: "other"}, 1}, {history.SeriesFilter{App: "shop", Branch: "main"}, 0}, {history.SeriesFilter{App: "shop", Runs: []string{}}, 0},
	} {
		if list, err := s.Series(ctx, tt.filter); err != nil || len(list) != tt.want {
			t.Errorf("%+v: %d, %v", tt.filter, len(list), err)
		}
	}
	last, err := s.Series(ctx, history.SeriesFilter{App: "shop", Key: "memory.peak", Last: 2})
	if err != nil || len(last[0].Points) != 2 || last[0].Points[1].Run.ID != one.Points[11].Run.ID {
		t.Errorf("%+v, %v", last, err)
	}
	some, err := s.Series(ctx, history.SeriesFilter{App: "shop", Runs: []string{one.Points[3].Run.ID, one.Points[5].Run.ID}})
	if err != nil || len(some) != 3 || len(some[1].Points) != 2 || some[1].Points[0].Run.ID != one.Points[3].Run.ID {
		t.Errorf("%+v, %v", some, err)
	}
	metrics, err := s.Metrics(ctx, "shop")
	if err != nil || len(metrics) != 3 || metrics[1].Key() != "track.process{rows=10}" || metrics[1].Unit != "s" {
		t.Errorf("%+v, %v", metrics, err)
	}
}

// Names that say less than the metric's own are told: by the address, or by
// the metrics that are asked for.
func TestNames(t *testing.T) {
	t.Parallel()
	e := &engine{}
	for hour := range 3 {
		at := start.Add(time.Duration(hour) * time.Hour)
		n := float64(hour * 100)
		e.put(at, n, "gc_pause_max_ops", "service", "shop")
		e.put(at, n, "table.filter_bucket", "service", "shop", "vmrange", "1.000e-01...1.136e-01")
		e.put(at, n, "table.filter_bucket", "service", "shop", "vmrange", "1.136e-01...1.292e-01")
		e.put(at, n, "startup_phase_x_seconds", "service", "shop")
		e.put(at, n, "app_req_seconds", "service", "shop")
	}
	s := open(t, e.serve(t)+"?app=service&since=24h&metric=req,app_req_seconds")
	s.now = func() time.Time { return start.Add(2 * time.Hour) }
	s.Names([]run.Metric{{Name: "startup/phase x", Unit: "s", Better: run.Lower}, {Name: "table.filter", Unit: "s"}, {Name: "gc.pause_max", Unit: "ops"}})
	heads, err := s.Heads(t.Context(), history.Filter{App: "shop", Limit: 1})
	if err != nil || len(heads) != 1 {
		t.Fatal(heads, err)
	}
	r, err := s.Run(t.Context(), heads[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range r.Metrics {
		got = append(got, m.Name+" "+m.Unit)
	}
	if want := []string{"gc.pause_max ops", "req s", "startup/phase x s", "table.filter s"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if p50, _ := r.Metrics[3].Statistic("median"); math.Abs(p50-0.1136) > 0.001 || r.Metrics[3].Count() != 200 {
		t.Errorf("of vmrange: %v of %d", p50, r.Metrics[3].Count())
	}
	if list, err := s.Series(t.Context(), history.SeriesFilter{Key: "req", Unit: "s"}); err != nil || len(list) != 1 {
		t.Errorf("%+v, %v", list, err)
	}
}

func TestNative(t *testing.T) {
	t.Parallel()
	e := &engine{natives: map[string]map[int64]string{"op_seconds": {}}}
	for hour := range 3 {
		at := start.Add(time.Duration(hour) * time.Hour)
		e.put(at, 0, "op_seconds", "app", "shop", "version", "1")
		e.natives["op_seconds"][at.Unix()] = `{"count":"100","sum":"10.2","buckets":[[0,"0.0905","0.1","40"],[0,"0.1","0.1105","60"]]}`
	}
	s := open(t, e.serve(t)+"?since=24h")
	s.now = func() time.Time { return start.Add(2 * time.Hour) }
	list, err := s.Series(t.Context(), history.SeriesFilter{App: "shop", Key: "op"})
	if err != nil || len(list) != 1 || len(list[0].Points) != 3 {
		t.Fatalf("%+v, %v", list, err)
	}
	p := list[0].Points[1]
	if p.Stats.Count != 100 || math.Abs(p.Stats.Mean-0.102) > 1e-9 || math.Abs(p.Center-0.1023) > 0.001 || p.Stats.Min < 0.09 || p.Stats.Max > 0.111 {
		t.Errorf("%+v", p)
	}
}

// Buckets are spread as histogram_quantile takes them to be, and counts that
// were extrapolated to fractions lose nothing.
func TestDistribution(t *testing.T) {
	t.Parallel()
	var d distribution
	d.sum = math.NaN()
	for _, b := range []struct {
		le    string
		count float64
	}{{"0.1", 10.4}, {"0.2", 31.2}, {"0.4", 30.9}, {"+Inf", 41.6}} {
		d.add(map[string]string{"le": b.le}, b.count)
	}
	h, width := d.histogram("s")
	if h.Count != 42 || h.Max != 0.4 || h.Min <= 0 || !math.IsInf(width, 1) {
		t.Errorf("%+v", h)
	}
	// histogram_quantile: rank 0.5*41.6 = 20.8 lies half way through the bucket
	// from 0.1 to 0.2.
	if got := h.Quantile(0.5); math.Abs(got-0.15) > 0.003 {
		t.Errorf("median %v", got)
	}
	if h, _ := (&distribution{}).histogram("s"); h != nil {
		t.Error("of nothing there is a histogram")
	}
	// The sum says where in their buckets values lie: all at 0.13.
	d = distribution{sum: 13, cumulative: []bucket{{high: 0.067, count: 0}, {high: 0.134, count: 100}, {high: math.Inf(1), count: 100}}}
	h, width = d.histogram("s")
	if got := h.Quantile(0.5); math.Abs(got-0.13) > 0.002 || h.Min < 0.125 || h.Max > 0.134 || math.Abs(width-2) > 0.01 {
		t.Errorf("median %v, from %v to %v, width %v", got, h.Min, h.Max, width)
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	answer := func(status int, body string) func(http.ResponseWriter) bool {
		return func(w http.ResponseWriter) bool {
			w.WriteHeader(status)
			fmt.Fprint(w, body)
			return true
		}
	}
	for name, tt := range map[string]struct {
		engine engine
		want   string
		again  bool // it may be tried again
	}{
		"away":       {engine{fail: answer(503, "no storage node is reachable")}, "503 Service Unavailable: no storage node", true},
		"overloaded": {engine{fail: answer(429, `{"status":"error","error":"slow down"}`)}, "slow down", true},
		"refused":    {engine{fail: answer(422, `{"status":"error","error":"too many points"}`)}, "too many points", false},
		"another":    {engine{fail: answer(200, "<html>hello</html>")}, "this is not the API of Prometheus", false},
		"in part":    {engine{partial: true}, "answers in part", true},
		"who":        {engine{natives: map[string]map[int64]string{"auth": {}}}, "who are you?", false},
	} {
		s := open(t, tt.engine.serve(t))
		_, err := s.Heads(t.Context(), history.Filter{})
		if err == nil || !strings.Contains(err.Error(), tt.want) || errors.Is(err, history.ErrUnavailable) != tt.again {
			t.Errorf("%s: %v", name, err)
		}
	}
	e := engine{natives: map[string]map[int64]string{"auth": {}}}
	address := strings.Replace(e.serve(t), "://", "://me:secret@", 1)
	s := open(t, address)
	if _, err := s.Heads(t.Context(), history.Filter{}); err != nil {
		t.Errorf("with a password: %v", err)
	}
	if strings.Contains(s.Address(), "secret") {
		t.Error(s.Address())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Heads(ctx, history.Filter{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	for _, address := range []string{"prom+ftp://host", "prom+http://", "prom+http://h?step=soon", "prom+http://h?step=10ms", "prom+http://h?since=x", "prom+http://h?what=1", "prom+http://h?metric=a", "prom+http://h?step=1s&since=1d", "prom+http://me:secret@h%zz"} {
		if _, err := Open(address); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", address, err)
		}
	}
}
