package pacerotel_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/pacer-perf/pacer"
	"github.com/pacer-perf/pacer/pacerotel"
	"github.com/pacer-perf/pacer/pacertest"
)

// collect returns the metrics of a recorder as a reader has them, by name.
func collect(t *testing.T, producer metric.Producer) map[string][]metricdata.Metrics {
	t.Helper()
	reader := metric.NewManualReader(metric.WithProducer(producer))
	metric.NewMeterProvider(metric.WithReader(reader))
	var data metricdata.ResourceMetrics
	if err := reader.Collect(context.Background(), &data); err != nil {
		t.Fatal(err)
	}
	got := make(map[string][]metricdata.Metrics)
	for _, scope := range data.ScopeMetrics {
		for _, m := range scope.Metrics {
			got[m.Name] = append(got[m.Name], m)
		}
	}
	return got
}

func TestProducer(t *testing.T) {
	t.Parallel()
	before := time.Now().Truncate(time.Millisecond)
	rec, clock := pacertest.New(t, pacer.Config{})
	rec.Phase("open db")
	rec.Ready()
	rec.Timer("table.filter", pacer.L("rows", "1000")).Record(250 * time.Millisecond)
	rec.Timer("table.filter", pacer.L("rows", "10")).Record(0)
	rec.Timer("table.filter", pacer.L("rows", "10")).Record(time.Second)
	for range 20_000 {
		rec.Timer("busy").Record(time.Millisecond)
	}
	rec.Counter("cache.miss").Add(5)
	rec.Gauge("cache.size", pacer.Bytes).Set(3 << 20)
	rec.Rate("parse.speed").Record(30, time.Second)
	for _, n := range []int64{1, 2} {
		rec.Value("rows.read", pacer.Unit("rows"), pacer.L("kind", "many")).Record(n)
	}
	rec.Value("rows.read", pacer.Unit("rows"), pacer.L("kind", "one")).Record(1)
	rec.Items("tracks", 7)
	_, span := rec.Start(context.Background(), "import")
	clock.Advance(2 * time.Second)
	span.Fail(errors.New("no"))
	span.End()
	pacertest.NoErrors(t, rec)

	metrics := collect(t, pacerotel.NewProducer(rec))
	var got []string
	for name, all := range metrics {
		for _, m := range all {
			switch data := m.Data.(type) {
			case metricdata.Gauge[float64]:
				for _, p := range data.DataPoints {
					got = append(got, fmt.Sprintf("%s gauge %s %v %v", name, m.Unit, p.Attributes.ToSlice(), p.Value))
				}
			case metricdata.Sum[float64]:
				if data.Temporality != metricdata.CumulativeTemporality || !data.IsMonotonic {
					t.Errorf("%s: %+v", name, data)
				}
				for _, p := range data.DataPoints {
					got = append(got, fmt.Sprintf("%s sum %s %v %v", name, m.Unit, p.Attributes.ToSlice(), p.Value))
				}
			case metricdata.ExponentialHistogram[float64]:
				if data.Temporality != metricdata.CumulativeTemporality {
					t.Errorf("%s is not cumulative", name)
				}
				for _, p := range data.DataPoints {
					got = append(got, fmt.Sprintf("%s histogram %s %v n=%d sum=%.3f zero=%d", name, m.Unit, p.Attributes.ToSlice(), p.Count, p.Sum, p.ZeroCount))
					if p.StartTime.Before(before) || p.StartTime.After(p.Time) || time.Since(p.Time) > time.Minute {
						t.Errorf("%s is from %v to %v", name, p.StartTime, p.Time)
					}
				}
			}
		}
	}
	// What depends on the machine is of the SDK's own making.
	machine := regexp.MustCompile(`^(memory|gc|go|process|startup)\b|stage.*startup`)
	got = slices.DeleteFunc(got, machine.MatchString)
	slices.Sort(got)
	attr := func(k, v string) []attribute.KeyValue { return []attribute.KeyValue{attribute.String(k, v)} }
	var none []attribute.KeyValue
	want := []string{
		fmt.Sprintf("busy histogram s %v n=20000 sum=20.000 zero=0", none),
		fmt.Sprintf("cache.miss sum 1 %v 5", none),
		fmt.Sprintf("cache.size gauge By %v 3.145728e+06", none),
		fmt.Sprintf("import histogram s %v n=1 sum=2.000 zero=0", none),
		fmt.Sprintf("pacer.items sum {item} %v 7", attr("kind", "tracks")),
		fmt.Sprintf("pacer.stage.failures sum {span} %v 1", attr("stage", "import")),
		fmt.Sprintf("pacer.stage.self sum s %v 2", attr("stage", "import")),
		fmt.Sprintf("parse.speed gauge {item}/s %v 30", none),
		fmt.Sprintf("rows.read histogram {rows} %v n=1 sum=1.000 zero=0", attr("kind", "one")),
		fmt.Sprintf("rows.read histogram {rows} %v n=2 sum=3.000 zero=0", attr("kind", "many")),
		fmt.Sprintf("table.filter histogram s %v n=1 sum=0.250 zero=0", attr("rows", "1000")),
		fmt.Sprintf("table.filter histogram s %v n=2 sum=1.000 zero=1", attr("rows", "10")),
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if metrics["startup"] == nil || metrics["startup/open_db"] == nil || metrics["memory.peak"] == nil {
		t.Error("start-up or memory are missing")
	}
}

// A second collection goes on where the first was: cumulative.
func TestProducerAgain(t *testing.T) {
	t.Parallel()
	rec, _ := pacertest.New(t, pacer.Config{})
	producer := pacerotel.NewProducer(rec)
	var start time.Time
	for i := range 3 {
		rec.Timer("step").Record(time.Second)
		p := collect(t, producer)["step"][0].Data.(metricdata.ExponentialHistogram[float64]).DataPoints[0]
		if p.Count != uint64(i+1) || i > 0 && !p.StartTime.Equal(start) {
			t.Errorf("collection %d: count %d since %v", i, p.Count, p.StartTime)
		}
		start = p.StartTime
	}
}

func TestProducerWithout(t *testing.T) {
	t.Parallel()
	if got := collect(t, pacerotel.NewProducer(nil)); len(got) != 0 {
		t.Errorf("without a recorder: %v", got)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	rec, _ := pacertest.New(t, pacer.Config{})
	if _, err := pacerotel.NewProducer(rec).Produce(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that is done: %v", err)
	}
}
