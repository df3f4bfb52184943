package historic

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/pacer-perf/pacer/internal/baseline"
	"github.com/pacer-perf/pacer/internal/changepoint"
	"github.com/pacer-perf/pacer/internal/dashboard"
	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/stat"
	"github.com/pacer-perf/pacer/run"
)

// ownRuns is from how many runs of its own branch on a run's trend is theirs
// alone.
const ownRuns = 10

// Trends returns the last n values of the metrics of a run and of the
// comparable ones before it: those of its branch if there are some, else all.
func (s *Source) Trends(ctx context.Context, id string, n int) ([]dashboard.Trend, error) {
	x, head, err := s.holding(ctx, id)
	if err != nil {
		return nil, err
	}
	p, err := s.policy(head.App)
	if err != nil {
		return nil, err
	}
	key := fmt.Sprint(x.stamp, id, " ", n, " ", p.AnyEnvironment)
	return s.trends.get(ctx, key, func() ([]dashboard.Trend, int, error) {
		ids := x.comparable(head, p.AnyEnvironment, n)
		list, err := (&past{Source: s, index: x}).Series(ctx, history.SeriesFilter{App: head.App, Runs: ids})
		if err != nil {
			return nil, 0, err
		}
		var trends []dashboard.Trend
		for i := range list {
			t := dashboard.Trend{Key: list[i].Key(), Unit: list[i].Unit}
			points := list[i].Points
			for _, p := range points {
				if p.Statistic == points[len(points)-1].Statistic {
					t.Values = append(t.Values, p.Center)
				}
			}
			trends = append(trends, t)
		}
		return trends, len(list) * n, nil
	})
}

// comparable returns the ids of the last n runs up to a run that are
// comparable with it, the newest first.
func (x *index) comparable(head *run.Run, anyEnvironment []string, n int) []string {
	q := baseline.Question{Current: head, AnyEnvironment: anyEnvironment}
	var all, own []string
	heads, start := x.heads, x.place[head.ID]
	for i := start; i < len(heads) && len(own) < n; i++ {
		h := &heads[i]
		if h.ID != head.ID && len(q.Differences(h)) > 0 {
			continue
		}
		if len(all) < n {
			all = append(all, h.ID)
		}
		if h.Branch == head.Branch {
			own = append(own, h.ID)
		} else if len(all) == n && len(own) < ownRuns && i-start > 20*n {
			break // a young branch of an old app
		}
	}
	if len(own) >= ownRuns || len(own) == len(all) {
		return own
	}
	return all
}

// Series returns the history of one metric in one environment: the one that is
// asked for, else that of the newest run that measured it.
func (s *Source) Series(ctx context.Context, q dashboard.SeriesQuery) (*dashboard.Series, error) {
	x, err := s.current(ctx, q.App)
	if err != nil {
		return nil, err
	}
	store, err := s.reader()
	if err != nil {
		return nil, err
	}
	newest, err := s.reference(ctx, x, store, q)
	if err != nil {
		return nil, err
	}
	p, err := s.policy(newest.App)
	if err != nil {
		return nil, err
	}
	since, total := x.since(newest, q, p.AnyEnvironment)
	if since.IsZero() {
		since = x.oldest()
	}
	f := history.SeriesFilter{App: newest.App, Key: q.Key, Unit: q.Unit, Branch: q.Branch, Since: since}
	if from, ok := x.head(q.From); ok {
		f.Since = from.Timestamp
	}
	if to, ok := x.head(q.To); ok {
		f.Until = to.Timestamp.Add(1)
	}
	list, err := store.Series(ctx, f)
	if err != nil {
		return nil, err
	}
	for i := range list {
		if maps.Equal(list[i].RunLabels, newest.Labels) && len(list[i].Points) > 0 {
			return shown(&list[i], newest, q, p.AnyEnvironment, total)
		}
	}
	return nil, notMeasured(q.Key)
}

func notMeasured(key string) error {
	return fmt.Errorf("metric %s: no run that is shown measured it: %w", key, history.ErrNotFound)
}

// reference returns the newest run that measured the metric where it is asked
// for.
func (s *Source) reference(ctx context.Context, x *index, store history.Reader, q dashboard.SeriesQuery) (*run.Run, error) {
	// The newest point of each set of labels; where an environment is asked
	// for, it may be an older one.
	f := history.SeriesFilter{App: q.App, Key: q.Key, Unit: q.Unit, Branch: q.Branch, Since: x.oldest()}
	if q.Environment == "" {
		f.Last = 1
	}
	list, err := store.Series(ctx, f)
	if err != nil {
		return nil, err
	}
	var newest *run.Run
	for i := range list {
		for _, p := range slices.Backward(list[i].Points) {
			if _, known := x.head(p.Run.ID); !known || q.Environment != "" && x.environmentKey(p.Run.ID) != q.Environment {
				continue
			}
			if newest == nil || newest.Timestamp.Before(p.Run.Timestamp) {
				newest = p.Run
			}
			break
		}
	}
	if newest == nil {
		return nil, notMeasured(q.Key)
	}
	return newest, nil
}

// oldest is from when on an app is known; zero: from its first run on.
func (x *index) oldest() (at time.Time) {
	if x.partial && len(x.heads) > 0 {
		at = x.heads[len(x.heads)-1].Timestamp
	}
	return at
}

// since returns from when on points are wanted, and how many runs there are.
func (x *index) since(newest *run.Run, q dashboard.SeriesQuery, anyEnvironment []string) (time.Time, int) {
	of := baseline.Question{Current: newest, AnyEnvironment: anyEnvironment}
	var since time.Time
	n := 0
	alike := make(map[*run.Environment]bool) // heads share environments
	for i := range x.heads {
		h := &x.heads[i]
		if q.Branch != "" && h.Branch != q.Branch || !maps.Equal(h.Labels, newest.Labels) {
			continue
		}
		same, known := alike[h.Environment]
		if !known {
			same = len(of.Differences(h)) == 0
			alike[h.Environment] = same
		}
		if !same {
			continue
		}
		if n++; n == q.Last && q.From == "" {
			since = h.Timestamp
		}
	}
	return since, n
}

// statistics are what a history keeps of every run, by name.
var statistics = []struct {
	name string
	of   func(*run.Stats) float64
}{
	{"mean", func(s *run.Stats) float64 { return s.Mean }},
	{"p95", func(s *run.Stats) float64 { return s.P95 }},
	{"p99", func(s *run.Stats) float64 { return s.P99 }},
	{"min", func(s *run.Stats) float64 { return s.Min }},
	{"max", func(s *run.Stats) float64 { return s.Max }},
}

// shown makes the series of a page.
func shown(in *history.Series, newest *run.Run, q dashboard.SeriesQuery, anyEnvironment []string, total int) (*dashboard.Series, error) {
	last := in.Points[len(in.Points)-1]
	of := run.Metric{Name: in.Name, Unit: in.Unit, Better: last.Better}
	out := &dashboard.Series{Name: in.Name, Unit: in.Unit, Labels: in.Labels, Better: of.Direction(), Statistic: last.Statistic, Total: total}
	value := func(p *history.Point) float64 { return p.Center }
	out.Statistics = []string{last.Statistic}
	for _, s := range statistics {
		if s.name == last.Statistic || math.IsNaN(s.of(&last.Stats)) {
			continue
		}
		out.Statistics = append(out.Statistics, s.name)
		if s.name == q.Statistic {
			out.Statistic = s.name
			value = func(p *history.Point) float64 { return s.of(&p.Stats) }
		}
	}
	compare := baseline.Question{Current: newest, AnyEnvironment: anyEnvironment}
	different, without := 0, 0
	tick := 0.0
	for i := range in.Points {
		p := &in.Points[i]
		v := value(p)
		if len(compare.Differences(p.Run)) > 0 {
			different++
			continue
		}
		if math.IsNaN(v) || p.Statistic != last.Statistic && out.Statistic == last.Statistic {
			without++
			continue
		}
		tick = max(tick, p.Resolution)
		point := dashboard.Point{Run: judge.HeadOf(p.Run), Value: v, Count: p.Stats.Count}
		point.Low, point.High = intervalOf(out.Statistic, v, &p.Stats)
		out.Points = append(out.Points, point)
	}
	if different > 0 {
		out.Left = append(out.Left, plural(different, "run")+" of other environments")
	}
	if without > 0 {
		out.Left = append(out.Left, fmt.Sprintf("%s without a %s", plural(without, "run"), out.Statistic))
	}
	if q.Last > 0 && len(out.Points) > q.Last {
		out.Points = out.Points[len(out.Points)-q.Last:]
	}
	setApart(out.Points, q.Branch)
	return out, findChanges(out, tick)
}

// setApart marks the points of other branches than the one most are of.
func setApart(points []dashboard.Point, branch string) {
	if branch != "" {
		return
	}
	counts := make(map[string]int)
	most := ""
	for _, p := range points {
		if counts[p.Run.Branch]++; counts[p.Run.Branch] > counts[most] {
			most = p.Run.Branch
		}
	}
	for i := range points {
		points[i].Apart = points[i].Run.Branch != most
	}
}

// findChanges looks for the change points of what is shown.
func findChanges(s *dashboard.Series, tick float64) error {
	var values []float64
	var at []int // of values: index of the point
	for i, p := range s.Points {
		if !p.Apart {
			values, at = append(values, p.Value), append(at, i)
		}
	}
	found, err := changepoint.Find(values, changepoint.Options{Tick: tick})
	if err != nil {
		return fmt.Errorf("%s: %w", s.Key(), err)
	}
	for _, f := range found {
		s.Changes = append(s.Changes, dashboard.Change{
			Index: at[f.Index], End: at[min(max(f.End, f.Index), len(at)-1)], Before: f.Before, After: f.After, Low: f.Low, High: f.High,
			Confidence: f.Confidence, Drift: f.Drift,
		})
	}
	return nil
}

// fewest is how many observations an interval takes.
const fewest = 5

// intervalOf returns a 95 % interval around the mean or the median of a run's
// observations, out of what a history keeps of them; NaN where it is not known.
//
// For the mean it is Student's. For the median the standard error is taken as
// √(π/2) times that of a mean, as of a normal law, and the interval as a factor;
// where the tail is too long for the standard deviation to say anything, the
// spread is 1.3 times what p95 tells of it, which is right for an exponential
// law. TestIntervals says how often it holds.
func intervalOf(statistic string, v float64, s *run.Stats) (low, high float64) {
	nan := math.NaN()
	if s.Count < fewest || !(s.Stddev >= 0) {
		return nan, nan
	}
	t := stat.TQuantile(0.975, float64(s.Count-1)) / math.Sqrt(float64(s.Count))
	switch {
	case statistic == "mean":
		return v - t*s.Stddev, v + t*s.Stddev
	case statistic != "median" || !(v > 0) || !(s.P95 >= v):
		return nan, nan
	}
	spread := s.Stddev / v
	if above := math.Log(s.P95/v) / 1.6449; above > 0 && spread > 1.5*above {
		spread = 1.3 * above
	}
	factor := math.Exp(t * math.Sqrt(math.Pi/2) * spread)
	return v / factor, v * factor
}
