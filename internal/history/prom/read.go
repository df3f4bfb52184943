package prom

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pacer-perf/pacer/internal/history"
	"github.com/pacer-perf/pacer/run"
)

// fail adds the address to an error.
func (s *Store) fail(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", s.shown, err)
}

// selector selects the series of an app, of any if it is empty, with more
// conditions.
func (s *Store) selector(of string, more ...string) string {
	conditions := []string{labelName(s.labels[app]) + `=~".+"`}
	if of != "" {
		conditions[0] = labelName(s.labels[app]) + "=" + strconv.Quote(of)
	}
	if s.match != "" {
		conditions = append(conditions, s.match)
	}
	return "{" + strings.Join(append(conditions, more...), ",") + "}"
}

// windows returns the ends of the first and last window between two times,
// zero for as far back as there is a history, and for now.
func (s *Store) windows(since, until time.Time) (from, to time.Time) {
	now := s.now()
	oldest := now.Add(-s.since)
	if since.After(oldest) {
		oldest = since
	}
	newest := now
	if !until.IsZero() && until.Before(now) {
		newest = until.Add(-time.Nanosecond)
	}
	from, to = oldest.UTC().Truncate(s.step), newest.UTC().Truncate(s.step)
	if from.Before(oldest) {
		from = from.Add(s.step)
	}
	return from, to
}

// who is an app in one version.
type who [4]string

func (s *Store) whoOf(labels map[string]string) (w who) {
	for i, label := range s.labels {
		w[i] = labels[label]
	}
	return w
}

// head is the run of an app in one version and window.
func (w who) head(end time.Time) *run.Run {
	sum := sha256.Sum256([]byte(strings.Join(w[:], "\x00")))
	return &run.Run{ID: fmt.Sprintf("%d-%s", end.Unix(), hex.EncodeToString(sum[:6])),
		App: w[app], Version: w[version], Commit: w[commit], Branch: w[branch], Timestamp: end.UTC()}
}

// Heads returns the runs that the filter selects, newest first. It costs a look
// at all series of the app.
func (s *Store) Heads(ctx context.Context, f history.Filter) ([]run.Run, error) {
	from, to := s.windows(f.Since, f.Until)
	if to.Before(from) {
		return nil, nil
	}
	var by []string
	for _, l := range s.labels {
		by = append(by, labelName(l))
	}
	expression := fmt.Sprintf("count by (%s) (last_over_time(%s[%s]))", strings.Join(by, ","), s.selector(f.App), span(s.step))
	answer, err := s.api.rangeOf(ctx, expression, from, to, s.step)
	if err != nil {
		return nil, s.fail(err)
	}
	var list []run.Run
	for _, one := range answer {
		w := s.whoOf(one.Metric)
		for _, v := range one.Values {
			at, _, err := number(v)
			if err != nil {
				return nil, s.fail(err)
			}
			if head := w.head(at); !at.Before(from) && !at.After(to) && selects(&f, head) {
				list = append(list, *head)
			}
		}
	}
	slices.SortFunc(list, func(a, b run.Run) int {
		return cmp.Or(b.Timestamp.Compare(a.Timestamp), strings.Compare(b.ID, a.ID))
	})
	if f.Limit > 0 {
		list = list[:min(len(list), f.Limit)]
	}
	return list, nil
}

// selects tells whether a filter selects a run, as far as the query has not.
func selects(f *history.Filter, r *run.Run) bool {
	has := func(s, prefix string) bool {
		return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
	}
	before := f.Before == nil || r.Timestamp.Before(f.Before.Time) || r.Timestamp.Equal(f.Before.Time) && r.ID < f.Before.ID
	return before && (f.Branch == "" || r.Branch == f.Branch) && (f.Version == "" || r.Version == f.Version) && has(r.ID, f.IDPrefix) && has(r.Commit, f.Commit)
}

// span writes a duration as the language of queries does.
func span(d time.Duration) string { return strconv.FormatInt(int64(d.Seconds()), 10) + "s" }

// Run returns the run of a window.
func (s *Store) Run(ctx context.Context, id string) (run.Run, error) {
	none := fmt.Errorf("run %s: %w", id, history.ErrNotFound)
	seconds, _, ok := strings.Cut(id, "-")
	unix, err := strconv.ParseInt(seconds, 10, 64)
	if !ok || err != nil {
		return run.Run{}, none
	}
	end := time.Unix(unix, 0).UTC()
	if !end.Equal(end.Truncate(s.step)) || end.After(s.now()) {
		return run.Run{}, none
	}
	heads, err := s.Heads(ctx, history.Filter{Since: end, Until: end.Add(time.Second), IDPrefix: id})
	if err != nil || len(heads) == 0 {
		return run.Run{}, cmp.Or(err, none)
	}
	r := heads[0]
	labels, err := s.api.find(ctx, s.selector(r.App, labelName(s.labels[version])+"="+strconv.Quote(r.Version)), end.Add(-s.step), end)
	if err != nil {
		return r, s.fail(err)
	}
	var wide []string
	for _, f := range families(labels) {
		list, err := s.evaluate(ctx, f, r.App, end, end)
		if err != nil {
			return r, s.fail(err)
		}
		for _, o := range list {
			if o.head.ID != r.ID {
				continue
			}
			r.Metrics = append(r.Metrics, o.metric)
			if o.width > wideBuckets {
				wide = append(wide, o.metric.Key())
			}
		}
	}
	slices.SortFunc(r.Metrics, func(a, b run.Metric) int {
		return cmp.Or(strings.Compare(a.Key(), b.Key()), strings.Compare(a.Unit, b.Unit))
	})
	r.Metrics = slices.CompactFunc(r.Metrics, func(a, b run.Metric) bool { return a.Key() == b.Key() && a.Unit == b.Unit })
	r.Warnings = []string{fmt.Sprintf("made of what %s has of %v until %s", s.shown, s.step, end.Format(time.RFC3339))}
	if len(wide) > 0 {
		r.Warnings = append(r.Warnings, "percentiles are known to within wide buckets alone: "+strings.Join(wide, ", "))
	}
	return r, r.Validate()
}

// Metrics returns what was measured of an app in the windows that there are.
func (s *Store) Metrics(ctx context.Context, of string) ([]history.Metric, error) {
	from, to := s.windows(time.Time{}, time.Time{})
	labels, err := s.api.find(ctx, s.selector(of), from.Add(-s.step), to)
	if err != nil {
		return nil, s.fail(err)
	}
	met := make(map[string]history.Metric)
	for _, f := range families(labels) {
		n := s.nameOf(f.name)
		for _, l := range labels {
			full := l["__name__"]
			if full != f.name && full != f.name+"_bucket" && full != f.name+"_total" {
				continue
			}
			c := collector{store: s, name: n, found: make(map[string]*found)}
			o := c.at(l, to)
			m := history.Metric{App: o.head.App, Name: n.metric, Labels: o.metric.Labels, Unit: n.unit}
			met[m.App+"\x00"+m.Key()+"\x00"+m.Unit] = m
		}
	}
	var list []history.Metric
	for _, key := range slices.Sorted(maps.Keys(met)) {
		list = append(list, met[key])
	}
	return list, nil
}

// Apps returns the apps that have runs.
func (s *Store) Apps(ctx context.Context) ([]history.App, error) {
	heads, err := s.Heads(ctx, history.Filter{})
	if err != nil {
		return nil, err
	}
	byName := make(map[string]*history.App)
	for i := range heads {
		h := &heads[i]
		if byName[h.App] == nil {
			byName[h.App] = &history.App{Name: h.App, Newest: h.Timestamp}
		}
		byName[h.App].Runs++
	}
	var list []history.App
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		list = append(list, *byName[name])
	}
	return list, nil
}

// Series returns the series that the filter selects: see history.Reader. Of
// runs that are named it reads the windows from the first to the last.
func (s *Store) Series(ctx context.Context, f history.SeriesFilter) ([]history.Series, error) {
	wanted := make(map[string]bool, len(f.Runs))
	for _, id := range f.Runs {
		wanted[id] = true
		if seconds, _, ok := strings.Cut(id, "-"); ok {
			if unix, err := strconv.ParseInt(seconds, 10, 64); err == nil {
				at := time.Unix(unix, 0)
				if f.Since.IsZero() || at.Before(f.Since) {
					f.Since = at
				}
			}
		}
	}
	from, to := s.windows(f.Since, f.Until)
	if f.Runs != nil && len(f.Runs) == 0 || to.Before(from) {
		return nil, nil
	}
	var more []string
	if f.Key != "" {
		metric, _, _ := strings.Cut(f.Key, "{")
		var names []string
		for _, n := range s.familiesOf(metric) {
			names = append(names, regexp.QuoteMeta(n)+"(_bucket|_total)?")
		}
		more = append(more, "__name__=~"+strconv.Quote(strings.Join(names, "|")))
	}
	labels, err := s.api.find(ctx, s.selector(f.App, more...), from.Add(-s.step), to)
	if err != nil {
		return nil, s.fail(err)
	}
	byKey := make(map[string]*history.Series)
	for _, fam := range families(labels) {
		list, err := s.evaluate(ctx, fam, f.App, from, to)
		if err != nil {
			return nil, s.fail(err)
		}
		for _, o := range list {
			m := &o.metric
			if f.Key != "" && m.Key() != f.Key || f.Unit != "" && m.Unit != f.Unit || f.Branch != "" && o.head.Branch != f.Branch || f.Runs != nil && !wanted[o.head.ID] {
				continue
			}
			key := o.head.App + "\x00" + m.Key() + "\x00" + m.Unit
			if byKey[key] == nil {
				byKey[key] = &history.Series{App: o.head.App, Name: m.Name, Labels: m.Labels, Unit: m.Unit}
			}
			p := history.Point{Run: o.head, Better: m.Better, Stats: m.Stats()}
			p.Center, p.Statistic = m.Center()
			byKey[key].Points = append(byKey[key].Points, p)
		}
	}
	list := make([]history.Series, 0, len(byKey))
	for _, one := range byKey {
		list = append(list, *one)
	}
	history.Sort(list)
	for i := range list {
		if n := len(list[i].Points); f.Last > 0 && n > f.Last {
			list[i].Points = list[i].Points[n-f.Last:]
		}
	}
	return list, nil
}
