package pacerotel

import (
	"context"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/pacer-perf/pacer"
	"github.com/pacer-perf/pacer/internal/unit"
	"github.com/pacer-perf/pacer/run"
)

// scope is what the metrics say they come from.
const scope = "github.com/pacer-perf/pacer/pacerotel"

// NewProducer returns a Producer of what the recorder measured since it was
// made, all of it cumulative:
//
//   - Timers and values are exponential histograms. Count, sum, minimum and maximum are exact. They have at most
//     320 buckets and so a percentile is within 1.1 % where the largest value is
//     less than 1,000 times the smallest, within 2.2 % up to 1,000,000 times,
//     within 4.4 % up to 10^12 times; beyond 10,000 observations, which Pacer
//     keeps in buckets itself, 0.8 % more.
//   - Counters are monotonic sums.
//   - Gauges, rates, start-up, memory and all else that is one number are
//     gauges.
//   - Recorder.Items are the sum pacer.items{kind}; the stages' own time and
//     failed spans are the sums pacer.stage.self and pacer.stage.failures{stage}.
//
// Names and labels are Pacer's; a character that OpenTelemetry's names lack
// becomes "_". Units are UCUM: s, By, {item}/s, 1 for counts and ratios, {rows}
// for any other word. The resource is the reader's.
//
// Each collection takes a snapshot: a copy of the samples, and a look at the
// process's memory. With a nil recorder there are no metrics.
func NewProducer(rec *pacer.Recorder) metric.Producer { return &producer{rec: rec, made: time.Now()} }

type producer struct {
	rec  *pacer.Recorder
	made time.Time
}

// Produce takes a snapshot.
func (p *producer) Produce(ctx context.Context) ([]metricdata.ScopeMetrics, error) {
	if err := ctx.Err(); err != nil || p.rec == nil {
		return nil, err
	}
	snapshot := p.rec.Snapshot()
	c := collection{start: started(snapshot.ID, p.made), now: time.Now(), known: make(map[key]*group)}
	for i := range snapshot.Metrics {
		m := &snapshot.Metrics[i]
		g := c.group(metricName(m.Name), ucum(m.Unit))
		v, _ := m.Center()
		switch {
		case isDistribution(m):
			g.histograms = append(g.histograms, c.histogram(m))
		case math.IsNaN(v):
		case m.Kind == run.CounterKind:
			g.sums = append(g.sums, c.number(v, attributes(m.Labels)))
		default:
			g.gauges = append(g.gauges, c.number(v, attributes(m.Labels)))
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(snapshot.Items)) {
		c.sum("pacer.items", "{item}", "kind", kind, float64(snapshot.Items[kind]))
	}
	for _, s := range snapshot.Stages {
		c.sum("pacer.stage.self", "s", "stage", s.Path, s.Self)
		c.sum("pacer.stage.failures", "{span}", "stage", s.Path, float64(s.Failures))
	}
	return []metricdata.ScopeMetrics{{Scope: instrumentation.Scope{Name: scope}, Metrics: c.metrics()}}, nil
}

// isDistribution tells whether a metric is no single number. Of what the SDK
// measures itself only gc.pause is one, and comes as a histogram.
func isDistribution(m *run.Metric) bool {
	return m.Kind == run.TimerKind || m.Kind == run.ValueKind || m.Histogram != nil
}

// collection is the metrics of one snapshot.
type collection struct {
	start, now time.Time
	groups     []*group
	known      map[key]*group
}

type key struct{ name, unit string }

// group is the points of one name and unit, which differ in their labels.
type group struct {
	key
	gauges, sums []metricdata.DataPoint[float64]
	histograms   []metricdata.ExponentialHistogramDataPoint[float64]
}

func (c *collection) group(name, unit string) *group {
	k := key{name, unit}
	g, ok := c.known[k]
	if !ok {
		g = &group{key: k}
		c.known[k] = g
		c.groups = append(c.groups, g)
	}
	return g
}

func (c *collection) number(v float64, labels attribute.Set) metricdata.DataPoint[float64] {
	return metricdata.DataPoint[float64]{Attributes: labels, StartTime: c.start, Time: c.now, Value: v}
}

func (c *collection) sum(name, unit, label, value string, v float64) {
	g := c.group(name, unit)
	g.sums = append(g.sums, c.number(v, attribute.NewSet(attribute.String(label, value))))
}

func (c *collection) histogram(m *run.Metric) metricdata.ExponentialHistogramDataPoint[float64] {
	p := exponential(m)
	p.Attributes, p.StartTime, p.Time = attributes(m.Labels), c.start, c.now
	return p
}

func (c *collection) metrics() []metricdata.Metrics {
	var all []metricdata.Metrics
	for _, g := range c.groups {
		if len(g.gauges) > 0 {
			all = append(all, metricdata.Metrics{Name: g.name, Unit: g.unit, Data: metricdata.Gauge[float64]{DataPoints: g.gauges}})
		}
		if len(g.sums) > 0 {
			all = append(all, metricdata.Metrics{Name: g.name, Unit: g.unit, Data: metricdata.Sum[float64]{
				DataPoints: g.sums, Temporality: metricdata.CumulativeTemporality, IsMonotonic: true,
			}})
		}
		if len(g.histograms) > 0 {
			all = append(all, metricdata.Metrics{Name: g.name, Unit: g.unit, Data: metricdata.ExponentialHistogram[float64]{
				DataPoints: g.histograms, Temporality: metricdata.CumulativeTemporality,
			}})
		}
	}
	return all
}

func attributes(labels map[string]string) attribute.Set {
	set := make([]attribute.KeyValue, 0, len(labels))
	for k, v := range labels {
		set = append(set, attribute.String(k, v))
	}
	return attribute.NewSet(set...)
}

// metricName writes a name with the characters that OpenTelemetry allows:
// letters, digits and _ . - /. Only phases of start-up have others.
func metricName(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_.-/", r) {
			return r
		}
		return '_'
	}, name)
}

// ucum writes a unit in the Unified Code for Units of Measure, where a word
// that is no unit stands in braces.
func ucum(name string) string {
	if of, ok := strings.CutSuffix(name, "/s"); ok && of != "" {
		return ucum(of) + "/s"
	}
	switch name {
	case "", unit.Count, unit.Ratio:
		return "1"
	case unit.Seconds:
		return "s"
	case unit.Bytes:
		return "By"
	case unit.Items:
		return "{item}"
	}
	return "{" + strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' || r == '{' || r == '}' {
			return '_'
		}
		return r
	}, name) + "}"
}

// started returns the moment at which the recorder was made: a ULID begins
// with it, in milliseconds. It is the fallback for any other id.
//
// Source: the ULID specification, canonical string representation.
func started(id string, fallback time.Time) time.Time {
	const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	if len(id) != 26 {
		return fallback
	}
	ms := int64(0)
	for _, c := range id[:10] {
		digit := strings.IndexRune(crockford, c)
		if digit < 0 {
			return fallback
		}
		ms = ms<<5 | int64(digit)
	}
	return time.UnixMilli(ms)
}
