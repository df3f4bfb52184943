package historic

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pacer-perf/pacer/internal/alert"
	"github.com/pacer-perf/pacer/internal/baseline"
	"github.com/pacer-perf/pacer/internal/changepoint"
	"github.com/pacer-perf/pacer/internal/dashboard"
	"github.com/pacer-perf/pacer/internal/explain"
	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/parallel"
	"github.com/pacer-perf/pacer/run"
)

const (
	alertRuns   = 200     // of a group that change points are looked for in: as many as the judge does
	alertStride = 50      // the first of them moves in such steps, so that what is found does not flicker
	judgedRuns  = 5       // of a group whose verdicts count: it takes 3 to find a change point
	groupsMost  = 20      // of a branch: the ones with the newest runs
	explained   = 40      // alerts whose stages are looked at: the newest
	pointRoom   = 500_000 // values whose change points are remembered
)

// desk remembers what alerts follow from, by app and branch, and works it out
// anew when there are other runs.
type desk struct {
	ctx     context.Context // ends with the source
	end     context.CancelFunc
	working sync.WaitGroup

	mu     sync.Mutex
	known  map[string]*derived
	making map[string]*making

	points *memo[[]changepoint.Point]
	judged *memo[map[string]*judge.Metric] // the regressions of a run, by metric
}

func newDesk() *desk {
	ctx, end := context.WithCancel(context.Background())
	return &desk{ctx: ctx, end: end, known: make(map[string]*derived), making: make(map[string]*making),
		points: newMemo[[]changepoint.Point](pointRoom), judged: newMemo[map[string]*judge.Metric](verdictRoom)}
}

func (d *desk) close() {
	d.end()
	d.working.Wait()
}

// derived is what the runs of a branch tell, before anybody acted on it.
type derived struct {
	stamp  string // of what it was made of
	losses int    // of the index, likewise
	branch string
	groups []*window
	found  [][]alert.Found // of tracks
	tracks []*alert.Track
	runs   int
	newest *judge.Head
	left   []string
}

type making struct {
	stamp string
	done  chan struct{}
	err   error
}

// Alerts returns what got worse for good in the runs of a branch.
func (s *Source) Alerts(ctx context.Context, q dashboard.AlertQuery) (*dashboard.Alerts, error) {
	x, err := s.current(ctx, q.App)
	if err != nil {
		return nil, err
	}
	p, err := s.policy(q.App)
	if err != nil {
		return nil, err
	}
	main := mainBranch(x, &p)
	branch := cmp.Or(q.Branch, main)
	var known *derived
	var behind bool
	if x.hasBranch(branch) { // else whatever is asked for would be remembered
		if known, behind, err = s.derived(ctx, x, q, branch, &p); err != nil {
			return nil, err
		}
	}
	out := &dashboard.Alerts{Branch: branch, Behind: behind}
	c := alert.Case{Waivers: p.Waivers, Now: s.Now()}
	if known != nil {
		c.Tracks, c.Found = known.tracks, known.found
		out.Runs, out.Newest, out.Left = known.runs, known.newest, known.left
	}
	store, err := s.reader()
	if errors.Is(err, history.ErrNotFound) {
		return out, nil
	}
	if err == nil {
		c.Acts, err = store.Acts(ctx, history.ActFilter{App: q.App})
	}
	if err != nil {
		return nil, err
	}
	c.Acts = ofBranch(c.Acts, x, branch, main)
	out.List = alert.Derive(c)
	return out, nil
}

// flagged returns a verdict with what people know of its regressions. What was
// remembered is not changed.
func (s *Source) flagged(ctx context.Context, x *index, v *judge.Verdict, current *run.Run, p *judge.Policy, now time.Time) (*judge.Verdict, error) {
	if !slices.ContainsFunc(v.Metrics, func(m judge.Metric) bool { return m.Change == judge.Regressed }) {
		return v, nil
	}
	store, err := s.reader()
	if err != nil {
		return nil, err
	}
	acts, err := store.Acts(ctx, history.ActFilter{App: current.App})
	if len(acts) == 0 || err != nil {
		return v, err
	}
	out := *v
	out.Metrics = slices.Clone(v.Metrics)
	alert.Mark(&out, acts, func(f *history.Finding) bool {
		head, ok := x.head(f.Run)
		return ok && len(judge.Differences(head, current, p.AnyEnvironment...)) == 0
	}, now)
	return &out, nil
}

// mainBranch is the branch that work is merged into: the one that runs are
// compared with, else one with a usual name, else the one with most runs.
func mainBranch(x *index, p *judge.Policy) string {
	if name, ok := strings.CutPrefix(p.Baseline, "branch:"); ok && x.hasBranch(name) {
		return name
	}
	for _, name := range []string{"main", "master", "trunk"} {
		if x.hasBranch(name) {
			return name
		}
	}
	if branches := x.app.Branches; len(branches) > 0 {
		return branches[0].Name
	}
	return ""
}

func (x *index) hasBranch(name string) bool {
	return slices.ContainsFunc(x.app.Branches, func(b dashboard.Branch) bool { return b.Name == name })
}

// ofBranch leaves out what was done about alerts of other branches. Those whose
// run is gone are of the main one.
func ofBranch(acts []history.Act, x *index, branch, main string) []history.Act {
	elsewhere := make(map[string]bool)
	for _, a := range acts {
		if a.Finding == nil {
			continue
		}
		head, ok := x.head(a.Finding.Run)
		elsewhere[a.Alert] = ok && head.Branch != branch || !ok && branch != main
	}
	return slices.DeleteFunc(acts, func(a history.Act) bool { return elsewhere[a.Alert] })
}

// derived returns what is known of a branch. What is not known yet is worked
// out, once however many ask; behind tells that it is still being done, and
// that what is returned is older, or nil.
func (s *Source) derived(ctx context.Context, x *index, q dashboard.AlertQuery, branch string, p *judge.Policy) (known *derived, behind bool, err error) {
	stamp, err := stampOf(x, p)
	if err != nil {
		return nil, false, err
	}
	d, key := s.desk, q.App+"\x00"+branch
	d.mu.Lock()
	known = d.known[key]
	if known != nil && known.stamp == stamp {
		d.mu.Unlock()
		return known, false, nil
	}
	if q.Patience < 0 {
		d.mu.Unlock()
		return known, true, nil
	}
	m := d.making[key]
	if m == nil || m.stamp != stamp {
		m = &making{stamp: stamp, done: make(chan struct{})}
		d.making[key] = m
		before := known
		if before != nil && before.losses != x.losses {
			before = nil // of runs that are others by now
		}
		d.working.Go(func() {
			defer close(m.done)
			made, err := s.derive(d.ctx, x, branch, p, before)
			d.mu.Lock()
			defer d.mu.Unlock()
			if m.err = err; err == nil {
				made.stamp = stamp
				d.known[key] = made
			}
			if d.making[key] == m {
				delete(d.making, key)
			}
		})
	}
	d.mu.Unlock()
	var patience <-chan time.Time
	if q.Patience > 0 {
		timer := time.NewTimer(q.Patience)
		defer timer.Stop()
		patience = timer.C
	}
	select {
	case <-m.done:
		d.mu.Lock()
		defer d.mu.Unlock()
		return d.known[key], false, m.err
	case <-patience:
		return known, true, nil
	case <-ctx.Done():
		return nil, false, ctx.Err()
	}
}

// stampOf names everything that is derived follows from: runs, baselines that
// were set, the policy but for its waivers.
func stampOf(x *index, p *judge.Policy) (string, error) {
	rules := *p
	rules.Waivers = nil
	text, err := json.Marshal(rules)
	sum := sha256.Sum256(append([]byte(x.stamp), text...))
	return hex.EncodeToString(sum[:8]), err
}

// window is the newest runs of a group, and what they measured.
type window struct {
	group  *alert.Group
	heads  []run.Run // of the window, oldest first
	series map[string]*history.Series
}

// derive works out what the runs of a branch tell. Of what is known before, it
// reads nothing again.
func (s *Source) derive(ctx context.Context, x *index, branch string, p *judge.Policy, before *derived) (*derived, error) {
	out := &derived{branch: branch, losses: x.losses}
	groups := x.groups(branch, p.AnyEnvironment, out)
	for _, heads := range groups {
		w, err := s.window(ctx, x, heads, before)
		if err != nil {
			return nil, err
		}
		judged, err := s.regressions(ctx, x, p, heads)
		if err != nil {
			return nil, err
		}
		out.groups = append(out.groups, w)
		out.tracks = append(out.tracks, w.tracks(p, judged)...)
	}
	out.found = make([][]alert.Found, len(out.tracks))
	find := func(values []float64, tick float64) []changepoint.Point {
		points, _ := s.search(values, changepoint.Options{Tick: tick})
		return points // of values that are not finite, none: they have no history worth speaking of
	}
	parallel.Each(len(out.tracks), func(i int) {
		if ctx.Err() == nil {
			out.found[i] = alert.Search(out.tracks[i], find)
		}
	})
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	s.explain(ctx, out)
	return out, nil
}

// groups returns the runs of a branch that are comparable with one another,
// oldest first: those that are with the newest run, then those with the newest
// of the rest, and so on.
func (x *index) groups(branch string, anyEnvironment []string, out *derived) [][]run.Run {
	var rest []*run.Run
	dirty := 0
	for i := range x.heads {
		switch h := &x.heads[i]; {
		case h.Branch != branch:
		case h.Dirty:
			dirty++
		default:
			rest = append(rest, h)
		}
	}
	if dirty > 0 {
		out.left = append(out.left, plural(dirty, "run")+" of changes that were not committed")
	}
	if out.runs = len(rest); out.runs > 0 {
		newest := judge.HeadOf(rest[0])
		out.newest = &newest
	}
	var groups [][]run.Run
	for len(rest) > 0 && len(groups) < groupsMost {
		q := baseline.Question{Current: rest[0], AnyEnvironment: anyEnvironment}
		alike := make(map[*run.Environment]bool) // heads share environments
		var group []run.Run
		var other []*run.Run
		for _, h := range rest {
			same, known := alike[h.Environment]
			if !known {
				bare := run.Run{App: h.App, Labels: rest[0].Labels, Environment: h.Environment}
				same = len(q.Differences(&bare)) == 0
				alike[h.Environment] = same
			}
			if same && maps.Equal(h.Labels, rest[0].Labels) {
				group = append(group, *h)
			} else {
				other = append(other, h)
			}
		}
		slices.Reverse(group)
		groups, rest = append(groups, group), other
	}
	if len(rest) > 0 {
		out.left = append(out.left, plural(len(rest), "run")+" of environments that were not used lately")
	}
	return groups
}

// window returns what the newest runs of a group measured. What a window before
// has of them is not read again.
func (s *Source) window(ctx context.Context, x *index, heads []run.Run, before *derived) (*window, error) {
	newest := &heads[len(heads)-1]
	all := make([]judge.Head, len(heads))
	for i := range heads {
		all[i] = judge.HeadOf(&heads[i])
	}
	words := dashboard.EnvironmentName(newest.Environment, newest.Labels)
	w := &window{group: alert.NewGroup(x.environmentKey(newest.ID), words, all), series: make(map[string]*history.Series)}
	w.heads = heads[max(0, (len(heads)-alertRuns)/alertStride*alertStride):]
	fresh := w.take(before)
	if len(fresh) == 0 {
		return w, nil
	}
	ids := make([]string, len(fresh))
	for i := range fresh {
		ids[i] = fresh[len(fresh)-1-i].ID
	}
	list, err := (&past{Source: s, index: x}).Series(ctx, history.SeriesFilter{App: x.app.Name, Runs: ids})
	if err != nil {
		return nil, err
	}
	for i := range list {
		series := &list[i]
		if !maps.Equal(series.RunLabels, newest.Labels) {
			continue
		}
		key := judge.Identity(series.Key(), series.Unit)
		if old := w.series[key]; old != nil {
			series.Points = append(slices.Clip(old.Points), series.Points...)
		}
		w.series[key] = series
	}
	return w, nil
}

// take takes over from a window before what it has of the first runs of this
// one, and returns the runs that remain.
func (w *window) take(before *derived) []run.Run {
	if before == nil {
		return w.heads
	}
	for _, old := range before.groups {
		at := slices.IndexFunc(old.heads, func(h run.Run) bool { return h.ID == w.heads[0].ID })
		if at < 0 {
			continue
		}
		same := old.heads[at:]
		if len(same) > len(w.heads) || !slices.EqualFunc(same, w.heads[:len(same)], func(a, b run.Run) bool { return a.ID == b.ID }) {
			continue
		}
		dropped := make(map[string]bool, at)
		for _, h := range old.heads[:at] {
			dropped[h.ID] = true
		}
		for key, series := range old.series {
			rest := *series
			for len(rest.Points) > 0 && dropped[rest.Points[0].Run.ID] {
				rest.Points = rest.Points[1:]
			}
			if len(rest.Points) > 0 {
				w.series[key] = &rest
			}
		}
		return w.heads[len(same):]
	}
	return w.heads
}

// tracks are the metrics of a window whose changes count.
func (w *window) tracks(p *judge.Policy, judged map[string]map[string]*judge.Metric) []*alert.Track {
	at := make(map[string]int, len(w.heads))
	first := len(w.group.Runs) - len(w.heads)
	for i := range w.heads {
		at[w.heads[i].ID] = first + i
	}
	var list []*alert.Track
	for _, key := range slices.Sorted(maps.Keys(w.series)) {
		series := w.series[key]
		last := series.Points[len(series.Points)-1]
		of := run.Metric{Name: series.Name, Unit: series.Unit, Labels: series.Labels, Better: last.Better}
		t := &alert.Track{Group: w.group, Name: series.Name, Labels: series.Labels, Unit: series.Unit, Better: of.Direction()}
		var ignored bool
		if t.Limit.Change, t.Limit.MinChange, ignored = p.Matters(&of); ignored || t.Better == "" {
			continue
		}
		for _, point := range series.Points {
			place, ok := at[point.Run.ID]
			if !ok || point.Statistic != last.Statistic {
				continue // a median and a mean are no series
			}
			t.At, t.Values = append(t.At, place), append(t.Values, point.Center)
			t.Tick = max(t.Tick, point.Resolution)
			if m := judged[point.Run.ID][key]; m != nil {
				if t.Judged == nil {
					t.Judged = make(map[int]*judge.Metric)
				}
				t.Judged[place] = m
			}
		}
		if len(t.Values) > 0 {
			list = append(list, t)
		}
	}
	return list
}

// search is changepoint.Find with a memory: the series that a run is judged by is
// the one that the run after it is compared with, and that alerts follow from,
// as long as a history is no longer than the judge looks back. Nobody gives up
// waiting: a search takes a moment, and a verdict without one would be wrong.
func (s *Source) search(values []float64, o changepoint.Options) ([]changepoint.Point, error) {
	text := make([]byte, 0, 8*len(values)+24)
	for _, v := range values {
		text = binary.LittleEndian.AppendUint64(text, math.Float64bits(v))
	}
	for _, v := range []float64{o.Tick, o.MinEffect, o.Confidence} {
		text = binary.LittleEndian.AppendUint64(text, math.Float64bits(v))
	}
	sum := sha256.Sum256(text)
	return s.desk.points.get(context.Background(), string(sum[:]), func() ([]changepoint.Point, int, error) {
		points, err := changepoint.Find(values, o)
		return points, len(values), err
	})
}

// regressions returns what the judge found regressed in the newest runs of a
// group, by run and metric. A verdict counts as long as nothing is added before
// its run.
func (s *Source) regressions(ctx context.Context, x *index, p *judge.Policy, heads []run.Run) (map[string]map[string]*judge.Metric, error) {
	rules := *p
	rules.Waivers = nil
	text, err := json.Marshal(rules)
	if err != nil {
		return nil, err
	}
	out := make(map[string]map[string]*judge.Metric)
	for i := max(0, len(heads)-judgedRuns); i < len(heads); i++ {
		id := heads[i].ID
		key := strings.Join([]string{id, string(text), x.baselines, x.before(id), fmt.Sprint(x.losses)}, "\x00")
		out[id], err = s.desk.judged.get(ctx, key, func() (map[string]*judge.Metric, int, error) {
			v, err := s.Verdict(ctx, id, "")
			if err != nil {
				return nil, 0, fmt.Errorf("run %s: %w", id, err)
			}
			regressed := make(map[string]*judge.Metric)
			for k := range v.Metrics {
				if m := &v.Metrics[k]; m.Change == judge.Regressed && !m.Ignored {
					kept := *m
					regressed[judge.Identity(m.Key(), m.Unit)] = &kept
				}
			}
			return regressed, 1 + len(regressed), nil
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// before names the runs before a run.
func (x *index) before(id string) string {
	hash := fnv.New64a()
	first, last := x.place[id]+1, len(x.heads)
	if x.partial { // the oldest give way to new ones
		last = min(last, first+last/2)
	}
	for i := first; i < last; i++ {
		hash.Write([]byte(x.heads[i].ID))
	}
	return fmt.Sprint(hash.Sum64())
}

// explain says of the newest alerts which stage carries them. A run that cannot
// be read any more leaves it unsaid.
func (s *Source) explain(ctx context.Context, d *derived) {
	type place struct {
		f     *alert.Found
		at    time.Time
		good  string
		track *alert.Track
	}
	var open []place
	for i, t := range d.tracks {
		for k := range d.found[i] {
			f := &d.found[i][k]
			good, bad, is := f.Open(t)
			if is && f.Finding.Stage == "" && bad.Timestamp != nil {
				open = append(open, place{f, *bad.Timestamp, good.ID, t})
			}
		}
	}
	slices.SortStableFunc(open, func(a, b place) int { return b.at.Compare(a.at) })
	for _, o := range open[:min(len(open), explained)] {
		before, err := s.Run(ctx, o.good)
		if err != nil {
			continue
		}
		after, err := s.Run(ctx, o.f.Finding.Run)
		if err != nil {
			continue
		}
		if stages := explain.Stages([]*run.Run{before}, after, o.track.Name); len(stages) > 0 && stages[0].Path != o.track.Name {
			o.f.Finding.Stage, o.f.Finding.Share = stages[0].Path, stages[0].Share
		}
	}
}
