package pacerotel

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/pacer-perf/pacer/run"
)

type dataPoint = metricdata.ExponentialHistogramDataPoint[float64]

func TestIndex(t *testing.T) {
	t.Parallel()
	tests := []struct {
		v    float64
		want int // by hand: powers of two end their bucket
	}{
		{1, -1}, {math.Nextafter(1, 2), 0}, {2, 63}, {math.Nextafter(2, 1), 63}, {math.Nextafter(2, 3), 64},
		{0.5, -65}, {1024, 639}, {math.SmallestNonzeroFloat64, -1074*64 - 1}, {math.MaxFloat64, 1024*64 - 1},
	}
	for _, tt := range tests {
		if got := indexOf(tt.v); got != tt.want {
			t.Errorf("indexOf(%v) = %d, want %d", tt.v, got, tt.want)
		}
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 10_000 {
		v := math.Exp(rng.NormFloat64() * 20)
		i := float64(indexOf(v))
		if lo, hi := math.Exp2(i/64), math.Exp2((i+1)/64); !(lo*(1-1e-12) < v && v <= hi*(1+1e-12)) {
			t.Fatalf("%v lies in bucket %v, from %v to %v", v, i, lo, hi)
		}
	}
}

func TestMiddle(t *testing.T) {
	t.Parallel()
	for _, v := range []float64{0, 1, 2, 3.3, 64, 65, 1e9, 1e-9, math.MaxFloat64, math.SmallestNonzeroFloat64, -7} {
		i := run.BucketIndex(v)
		m := middle(i)
		if run.BucketIndex(m) != i || math.Abs(m-v) > math.Abs(v)/128 && math.Abs(v) > 1e-300 {
			t.Errorf("%v is in bucket %d, whose middle is %v", v, i, m)
		}
	}
}

// The OpenTelemetry SDK's own aggregation of the same values gives the same
// histogram.
func TestLikeOpenTelemetry(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(3, 4))
	for _, width := range []float64{0, 0.1, 1, 3, 8} {
		reader := metric.NewManualReader(metric.WithAggregationSelector(func(metric.InstrumentKind) metric.Aggregation {
			return metric.AggregationBase2ExponentialHistogram{MaxSize: maxBuckets, MaxScale: finest}
		}))
		h, err := metric.NewMeterProvider(metric.WithReader(reader)).Meter("test").Float64Histogram("h")
		if err != nil {
			t.Fatal(err)
		}
		m := run.Metric{Name: "h"}
		for range 1000 {
			v := math.Exp(rng.NormFloat64()*width) * 0.123
			m.Samples = append(m.Samples, v, 0)
			h.Record(context.Background(), v)
			h.Record(context.Background(), 0)
		}
		var data metricdata.ResourceMetrics
		if err := reader.Collect(context.Background(), &data); err != nil {
			t.Fatal(err)
		}
		want := data.ScopeMetrics[0].Metrics[0].Data.(metricdata.ExponentialHistogram[float64]).DataPoints[0]
		got := exponential(&m)
		if got.Scale != want.Scale || got.Count != want.Count || got.ZeroCount != want.ZeroCount || math.Abs(got.Sum-want.Sum) > 1e-9*want.Sum ||
			got.PositiveBucket.Offset != want.PositiveBucket.Offset || !cmp.Equal(got.PositiveBucket.Counts, want.PositiveBucket.Counts) {
			t.Errorf("width %v:\n got %+v\nwant %+v", width, got, want)
		}
	}
}

// quantile reads a percentile of positive values as a collector does: the
// middle of the bucket in which the rank falls.
func quantile(p dataPoint, q float64) float64 {
	base := math.Exp2(math.Exp2(-float64(p.Scale)))
	rank, seen := uint64(math.Ceil(q*float64(p.Count))), p.ZeroCount
	if rank <= seen {
		return 0
	}
	for i, n := range p.PositiveBucket.Counts {
		if seen += n; rank <= seen {
			lo := math.Pow(base, float64(p.PositiveBucket.Offset)+float64(i))
			return 2 * lo * base / (1 + base) // off by (base-1)/(base+1) at both ends
		}
	}
	return math.NaN()
}

// Percentiles are within the error that NewProducer states.
func TestError(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(5, 6))
	for _, tt := range []struct {
		ratio float64 // of the largest value to the smallest
		bound float64
	}{{1, 0.011}, {900, 0.011}, {900_000, 0.022}, {0.9e12, 0.044}} {
		for _, n := range []int{5, 5000, 30_000} {
			exact := make([]float64, n)
			for i := range exact {
				exact[i] = 1e-6 * math.Pow(tt.ratio, rng.Float64())
			}
			m, bound := run.Metric{Name: "t", Unit: "s", Samples: slices.Clone(exact)}, tt.bound
			if m.Fold() {
				bound += 0.008
			}
			slices.Sort(exact)
			p := exponential(&m)
			for _, q := range []float64{0.01, 0.5, 0.9, 0.95, 0.99, 0.999} {
				want := exact[int(math.Ceil(q*float64(n)))-1]
				if got := quantile(p, q); !(math.Abs(got-want) <= bound*want) {
					t.Errorf("ratio %g, n %d: p%g is %g, exactly %g, off by %.2f%%, allowed %.2f%%", tt.ratio, n, 100*q, got, want, 100*math.Abs(got/want-1), 100*bound)
				}
			}
			lo, _ := p.Min.Value()
			hi, _ := p.Max.Value()
			if p.Count != uint64(n) || lo != exact[0] || hi != exact[n-1] || math.Abs(p.Sum-m.Sum()) > 0 {
				t.Errorf("ratio %g, n %d: count %d, min %g, max %g, sum %g", tt.ratio, n, p.Count, lo, hi, p.Sum)
			}
		}
	}
}

// Whatever is observed is in a bucket, and there are never too many.
func TestBucketsHoldAll(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(7, 8))
	for range 500 {
		m := run.Metric{Name: "t"}
		for range rng.IntN(50) {
			v := math.Ldexp(rng.NormFloat64(), rng.IntN(2000)-1000)
			m.Samples = append(m.Samples, v, 0, v)
		}
		if rng.IntN(2) == 0 {
			h := run.NewHistogram("")
			for _, v := range m.Samples {
				h.Add(v)
			}
			m.Samples, m.Histogram = nil, h
		}
		p := exponential(&m)
		total := p.ZeroCount
		for _, b := range []metricdata.ExponentialBucket{p.PositiveBucket, p.NegativeBucket} {
			if len(b.Counts) > maxBuckets {
				t.Fatalf("%d buckets", len(b.Counts))
			}
			for _, n := range b.Counts {
				total += n
			}
		}
		if total != uint64(m.Count()) || p.Count != total {
			t.Fatalf("%d of %d values are in buckets", total, m.Count())
		}
	}
}

func BenchmarkExponential(b *testing.B) {
	m := run.Metric{Name: "t", Unit: "s"}
	rng := rand.New(rand.NewPCG(9, 10))
	for range run.MaxSamples {
		m.Samples = append(m.Samples, rng.ExpFloat64())
	}
	folded := run.Metric{Name: "t", Unit: "s", Samples: append(slices.Clone(m.Samples), 1)}
	folded.Fold()
	for name, m := range map[string]*run.Metric{"samples=10000": &m, "histogram": &folded} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				exponential(m)
			}
		})
	}
}
