package pacertest

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pacer-perf/pacer"
	"github.com/pacer-perf/pacer/internal/nearest"
	"github.com/pacer-perf/pacer/internal/unit"
	"github.com/pacer-perf/pacer/run"
)

// Under asserts that a statistic of a time is at most limit:
//
//	pacertest.Under(t, rec, "table.filter", "p95", 200*time.Millisecond)
func Under(t testing.TB, rec *pacer.Recorder, metric, statistic string, limit time.Duration) {
	t.Helper()
	value, m := measured(t, rec, metric, statistic)
	switch {
	case m == nil:
	case m.Unit != unit.Seconds:
		t.Errorf("%s is in %s and no time: use AtMost", m.Key(), m.Unit)
	case !(value <= limit.Seconds()):
		breach(t, m, statistic, value, "at most", limit.Seconds())
	}
}

// AtMost asserts that a statistic of any metric is at most limit, which is
// written as in a policy: "200ms", "500MB", "40 items/s". Times and sizes need
// their unit; for other metrics a bare number does. MB is 2^20 bytes.
//
//	pacertest.AtMost(t, rec, "memory.peak", "max", "500MB")
func AtMost(t testing.TB, rec *pacer.Recorder, metric, statistic, limit string) {
	t.Helper()
	value, m := measured(t, rec, metric, statistic)
	if most, ok := parse(t, m, limit); ok && !(value <= most) {
		breach(t, m, statistic, value, "at most", most)
	}
}

// AtLeast asserts that a statistic of any metric is at least limit, written as
// for AtMost.
//
//	pacertest.AtLeast(t, rec, "processing.speed", "median", "400 items/s")
func AtLeast(t testing.TB, rec *pacer.Recorder, metric, statistic, limit string) {
	t.Helper()
	value, m := measured(t, rec, metric, statistic)
	if least, ok := parse(t, m, limit); ok && !(value >= least) {
		breach(t, m, statistic, value, "at least", least)
	}
}

// Count asserts how often a metric was observed. A counter or a gauge is one
// observation, whatever its value: see Total. An n of 0 asserts that the metric
// is not there, and is met by a misspelt name as well.
func Count(t testing.TB, rec *pacer.Recorder, metric string, n int64) {
	t.Helper()
	snapshot := rec.Snapshot()
	m := find(&snapshot, metric)
	switch {
	case m == nil && n != 0:
		missing(t, rec, &snapshot, metric)
	case m != nil && m.Count() != n:
		t.Errorf("%s was observed %s, want %s", m.Key(), times(m.Count()), times(n))
	}
}

// Total asserts the sum of all that a metric observed, in its base unit: what a
// counter counted, the bytes that a value saw. Sums of fractions are compared
// to one part in a billion.
func Total(t testing.TB, rec *pacer.Recorder, metric string, want float64) {
	t.Helper()
	snapshot := rec.Snapshot()
	m := find(&snapshot, metric)
	if m == nil {
		missing(t, rec, &snapshot, metric)
		return
	}
	if got := m.Sum(); !(math.Abs(got-want) <= 1e-9*math.Abs(want)) {
		t.Errorf("%s sums up to %s, want %s (n=%d)", m.Key(), unit.Format(got, m.Unit), unit.Format(want, m.Unit), m.Count())
	}
}

// Failures asserts how many spans of a stage ended as failed, out of those that
// ended. The stage is written with what it is below: track.process/search.
func Failures(t testing.TB, rec *pacer.Recorder, stage string, n int64) {
	t.Helper()
	snapshot := rec.Snapshot()
	var paths []string
	for _, s := range snapshot.Stages {
		if s.Path == stage {
			if s.Failures != n {
				t.Errorf("%s failed %s, want %s (n=%d)", stage, times(s.Failures), times(n), s.Count)
			}
			return
		}
		paths = append(paths, s.Path)
	}
	t.Errorf("no stage %q%s", stage, suggest(stage, paths))
}

// NoErrors asserts that the recorder took all names, labels and settings it was
// given, and refused no metric.
func NoErrors(t testing.TB, rec *pacer.Recorder) {
	t.Helper()
	if err := rec.Err(); err != nil {
		t.Errorf("the recorder refused: %v", err)
	}
	snapshot := rec.Snapshot()
	if refused := snapshot.Find("pacer.refused", nil); refused != nil {
		t.Errorf("the recorder refused %.0f metrics for having too many sets of labels", refused.Sum())
	}
}

// measured returns a statistic of a metric. Without one it has failed the test,
// and the metric is nil.
func measured(t testing.TB, rec *pacer.Recorder, metric, statistic string) (float64, *run.Metric) {
	t.Helper()
	snapshot := rec.Snapshot()
	m := find(&snapshot, metric)
	if m == nil {
		missing(t, rec, &snapshot, metric)
		return 0, nil
	}
	v, err := m.Statistic(statistic)
	if err != nil {
		t.Errorf("%s: %v", m.Key(), err)
		return 0, nil
	}
	if math.IsNaN(v) {
		t.Errorf("%s %s is not known (n=%d)", m.Key(), statistic, m.Count())
		return 0, nil
	}
	return v, m
}

// parse reads a limit of the metric.
func parse(t testing.TB, m *run.Metric, limit string) (float64, bool) {
	t.Helper()
	if m == nil {
		return 0, false
	}
	v, base, err := unit.Parse(limit)
	if err != nil {
		t.Errorf("limit of %s: %v", m.Key(), err)
		return 0, false
	}
	// A bare number could be milliseconds as well as seconds.
	bare := base == "" && m.Unit != unit.Seconds && m.Unit != unit.Bytes
	if base != m.Unit && !bare {
		t.Errorf("limit of %s: %q does not fit its unit, %s", m.Key(), limit, m.Unit)
		return 0, false
	}
	return v, true
}

func breach(t testing.TB, m *run.Metric, statistic string, value float64, word string, limit float64) {
	t.Helper()
	got, want := unit.Format(value, m.Unit), unit.Format(limit, m.Unit)
	if got == want { // rounded into one
		got, want = exactly(value, m.Unit), exactly(limit, m.Unit)
	}
	t.Errorf("%s %s is %s, want %s %s (n=%d)", m.Key(), statistic, got, word, want, m.Count())
}

func exactly(v float64, base string) string {
	return strings.TrimRight(strconv.FormatFloat(v, 'g', -1, 64)+" "+base, " ")
}

func times(n int64) string {
	switch n {
	case 0:
		return "never"
	case 1:
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// find returns the metric that is written so, or nil.
func find(r *run.Run, metric string) *run.Metric {
	name, labels := split(metric)
	return r.Find(name, labels)
}

// split takes a metric's key apart. What is no key is a name that no metric
// has.
func split(metric string) (name string, labels map[string]string) {
	name, rest, ok := strings.Cut(metric, "{")
	rest, closed := strings.CutSuffix(rest, "}")
	if !ok || !closed {
		return metric, nil
	}
	labels = make(map[string]string)
	for pair := range strings.SplitSeq(rest, ",") {
		key, value, ok := strings.Cut(pair, "=")
		if !ok {
			return metric, nil
		}
		labels[strings.TrimSpace(key)] = value
	}
	return name, labels
}

func missing(t testing.TB, rec *pacer.Recorder, r *run.Run, metric string) {
	t.Helper()
	if rec == nil {
		t.Errorf("no metric %q: the recorder is nil, as a disabled one is", metric)
		return
	}
	var keys []string
	for i := range r.Metrics {
		keys = append(keys, r.Metrics[i].Key())
	}
	t.Errorf("no metric %q was observed%s", metric, suggest(metric, keys))
}

// suggest lists the three names that are the most like the one that is not
// there.
func suggest(asked string, known []string) string {
	if len(known) == 0 {
		return ": nothing was recorded"
	}
	return "; nearest: " + strings.Join(nearest.Metrics(asked, known, 3), ", ")
}
