package bench

import (
	"context"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/DataDog/sketches-go/ddsketch"
	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/VictoriaMetrics/metrics"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/pacer-perf/pacer"
)

// latencies are what every recorder is given, in this order and over again:
// almost all between 0.1 ms and 1 s. There are too many for a branch predictor
// to learn by heart, and a power of two, so that taking the next one costs
// next to nothing. Similar ones are almost all between 2 and 50 ms.
var (
	latencies = logNormal(1.5)
	similar   = logNormal(0.5)
)

// logNormal draws durations with a median of 10 ms.
func logNormal(sigma float64) *[8192]time.Duration {
	rng := rand.New(rand.NewPCG(1, 2))
	var d [8192]time.Duration
	for i := range d {
		d[i] = time.Duration(10e6 * math.Exp(sigma*rng.NormFloat64()))
	}
	return &d
}

// longest is the largest latency that recorders with a fixed range must take.
const longest = 10 * time.Hour

// secondsOf is d in seconds. It is cheaper than d.Seconds, in favour of the
// libraries that want a float64.
func secondsOf(d time.Duration) float64 { return float64(d) * 1e-9 }

// recorder is one histogram, ready to record.
type recorder struct {
	record func(time.Duration)
	count  func() int64 // how many it holds; nil if it holds none
}

// recorders are compared by BenchmarkSerial and BenchmarkParallel.
var recorders = []struct {
	name string
	open func(testing.TB) recorder
}{
	{"noop", openNothing}, // what the harness costs
	{"pacer", openPacer},
	{"hdrhistogram-2digits+mutex", openHDR(2)},
	{"hdrhistogram-3digits+mutex", openHDR(3)},
	{"ddsketch-1%+mutex", openDDSketch},
	{"prometheus-classic", openPrometheus(prometheus.HistogramOpts{Buckets: prometheus.DefBuckets})},
	{"prometheus-native", openPrometheus(prometheus.HistogramOpts{NativeHistogramBucketFactor: 1.1})},
	{"victoriametrics", openVictoriaMetrics},
	{"otel-explicit", openOTel(false)},
	{"otel-explicit-attributes", openOTel(false, attribute.String("op", "search"))},
	{"otel-exponential", openOTel(true)},
	{"otel-exponential-attributes", openOTel(true, attribute.String("op", "search"))},
}

func openNothing(testing.TB) recorder {
	return recorder{record: func(time.Duration) {}}
}

func openPacer(tb testing.TB) recorder {
	rec := newPacer(tb)
	timer := rec.Timer("track.process", pacer.L("op", "search"))
	return recorder{
		record: func(d time.Duration) { timer.Record(d) },
		count: func() int64 {
			r := rec.Snapshot()
			for i := range r.Metrics {
				if r.Metrics[i].Name == "track.process" {
					return r.Metrics[i].Count()
				}
			}
			return 0
		},
	}
}

func newPacer(tb testing.TB) *pacer.Recorder {
	rec := pacer.New(pacer.Config{App: "bench"})
	if rec == nil {
		tb.Fatal("the recorder is disabled: unset PACER_DISABLED")
	}
	return rec
}

func openHDR(digits int) func(testing.TB) recorder {
	return func(tb testing.TB) recorder {
		var mu sync.Mutex
		h := hdrhistogram.New(1, longest.Nanoseconds(), digits)
		return recorder{
			record: func(d time.Duration) {
				mu.Lock()
				err := h.RecordValue(int64(d))
				mu.Unlock()
				if err != nil {
					tb.Error(err)
				}
			},
			count: func() int64 {
				mu.Lock()
				defer mu.Unlock()
				return h.TotalCount()
			},
		}
	}
}

func openDDSketch(tb testing.TB) recorder {
	var mu sync.Mutex
	s, err := ddsketch.LogCollapsingLowestDenseDDSketch(0.01, 2048)
	if err != nil {
		tb.Fatal(err)
	}
	return recorder{
		record: func(d time.Duration) {
			mu.Lock()
			err := s.Add(secondsOf(d))
			mu.Unlock()
			if err != nil {
				tb.Error(err)
			}
		},
		count: func() int64 {
			mu.Lock()
			defer mu.Unlock()
			return int64(s.GetCount())
		},
	}
}

func openPrometheus(opts prometheus.HistogramOpts) func(testing.TB) recorder {
	opts.Name = "track_process_seconds"
	return func(tb testing.TB) recorder {
		vec := prometheus.NewHistogramVec(opts, []string{"op"})
		h := vec.WithLabelValues("search")
		return recorder{
			record: func(d time.Duration) { h.Observe(secondsOf(d)) },
			count: func() int64 {
				var m dto.Metric
				if err := h.(prometheus.Metric).Write(&m); err != nil {
					tb.Fatal(err)
				}
				return int64(m.GetHistogram().GetSampleCount())
			},
		}
	}
}

func openVictoriaMetrics(testing.TB) recorder {
	h := metrics.NewSet().NewHistogram(`track_process_seconds{op="search"}`)
	return recorder{
		record: func(d time.Duration) { h.Update(secondsOf(d)) },
		count: func() int64 {
			n := uint64(0)
			h.VisitNonZeroBuckets(func(_ string, count uint64) { n += count })
			return int64(n)
		},
	}
}

// openOTel goes through the SDK as a program does: a provider and a reader.
// Attributes are a set that was built before, which is as near to binding them
// as it gets: the SDK does not implement the experimental Bind of its API yet.
func openOTel(exponential bool, attributes ...attribute.KeyValue) func(testing.TB) recorder {
	return func(tb testing.TB) recorder {
		ctx := context.Background()
		reader := sdkmetric.NewManualReader()
		options := []sdkmetric.Option{sdkmetric.WithReader(reader)}
		if exponential {
			options = append(options, sdkmetric.WithView(sdkmetric.NewView(
				sdkmetric.Instrument{Kind: sdkmetric.InstrumentKindHistogram},
				sdkmetric.Stream{Aggregation: sdkmetric.AggregationBase2ExponentialHistogram{MaxSize: 160, MaxScale: 20}},
			)))
		}
		provider := sdkmetric.NewMeterProvider(options...)
		tb.Cleanup(func() { provider.Shutdown(ctx) })
		h, err := provider.Meter("bench").Float64Histogram("track.process", metric.WithUnit("s"),
			metric.WithExplicitBucketBoundaries(.005, .01, .025, .05, .075, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10))
		if err != nil {
			tb.Fatal(err)
		}
		var bound []metric.RecordOption
		if len(attributes) > 0 {
			bound = append(bound, metric.WithAttributeSet(attribute.NewSet(attributes...)))
		}
		return recorder{
			record: func(d time.Duration) { h.Record(ctx, secondsOf(d), bound...) },
			count: func() int64 {
				var rm metricdata.ResourceMetrics
				if err := reader.Collect(ctx, &rm); err != nil {
					tb.Fatal(err)
				}
				n := uint64(0)
				for _, scope := range rm.ScopeMetrics {
					for _, m := range scope.Metrics {
						switch data := m.Data.(type) {
						case metricdata.Histogram[float64]:
							for _, p := range data.DataPoints {
								n += p.Count
							}
						case metricdata.ExponentialHistogram[float64]:
							for _, p := range data.DataPoints {
								n += p.Count
							}
						}
					}
				}
				return int64(n)
			},
		}
	}
}
