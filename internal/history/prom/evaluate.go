package prom

import (
	"context"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pacer-perf/pacer/run"
)

// wideBuckets is the ratio of a bucket's limits from which on percentiles are
// in doubt.
const wideBuckets = 1.25

// family is what series of one metric have in common.
type family struct {
	name   string
	kind   kind
	labels map[string]bool // that series of the answer have
}

type kind int

const (
	gauge kind = iota // or a native histogram: the answer tells
	counter
	buckets
)

// families tells the metrics apart that series are of.
func families(labels []map[string]string) []family {
	bucketed, names, all := make(map[string]bool), make(map[string]bool), make(map[string]bool)
	for _, l := range labels {
		for k := range l {
			all[k] = true
		}
		full := l["__name__"]
		if base, ok := strings.CutSuffix(full, "_bucket"); ok && (l["le"] != "" || l["vmrange"] != "") {
			bucketed[base] = true
			continue
		}
		names[full] = true
	}
	var list []family
	for base := range bucketed {
		list = append(list, family{base, buckets, all})
		delete(names, base+"_sum")
		delete(names, base+"_count")
	}
	for full := range names {
		switch base, total := strings.CutSuffix(full, "_total"); {
		case scraped[full] || strings.HasPrefix(full, "scrape_") || full == "":
		case total:
			list = append(list, family{base, counter, all})
		default:
			list = append(list, family{full, gauge, all})
		}
	}
	slices.SortFunc(list, func(a, b family) int { return strings.Compare(a.name, b.name) })
	return list
}

// scraped are series that the engine adds itself.
var scraped = map[string]bool{"up": true, "ALERTS": true, "ALERTS_FOR_STATE": true, "target_info": true}

// observed is what one run observed of one metric.
type observed struct {
	head   *run.Run
	metric run.Metric
	width  float64 // of the buckets: how far off a percentile may be; 0: not at all
}

// evaluate returns what runs observed of a family, in windows that end from one
// time to another.
func (s *Store) evaluate(ctx context.Context, f family, of string, from, to time.Time) ([]observed, error) {
	n := s.nameOf(f.name)
	ask := func(inner, suffix string) ([]series, error) {
		// The name as a condition, for it may hold dots.
		selector := s.selector(of, "__name__="+strconv.Quote(f.name+suffix))
		return s.api.rangeOf(ctx, fmt.Sprintf(inner, strings.Join(s.dropped(&f), ","), selector, span(s.step)), from, to, s.step)
	}
	c := collector{store: s, name: n, found: make(map[string]*found)}
	switch f.kind {
	case buckets:
		counts, err := ask("sum without (%s) (increase(%s[%s]))", "_bucket")
		if err != nil {
			return nil, err
		}
		sums, err := ask("sum without (%s) (increase(%s[%s]))", "_sum")
		if err != nil {
			return nil, err
		}
		return c.distributions(counts, sums)
	case counter:
		list, err := ask("sum without (%s) (increase(%s[%s]))", "_total")
		if err != nil {
			return nil, err
		}
		return c.values(list, run.CounterKind)
	}
	inner := "avg without (%s) (avg_over_time(%s[%s]))"
	if strings.HasSuffix(n.metric, ".peak") || strings.HasSuffix(n.metric, ".max") {
		inner = "max without (%s) (max_over_time(%s[%s]))"
	}
	list, err := ask(inner, "")
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(list, func(one series) bool { return len(one.Histograms) > 0 }) {
		if list, err = ask("sum without (%s) (increase(%s[%s]))", ""); err != nil {
			return nil, err
		}
		return c.natives(list)
	}
	return c.values(list, run.GaugeKind)
}

// dropped returns the labels to sum over. One with a dot is named only where
// there is such a label: Prometheus' own language has no such names.
func (s *Store) dropped(f *family) []string {
	list := make([]string, 0, len(s.drop))
	for _, l := range s.drop {
		if plain.MatchString(l) || f.labels[l] {
			list = append(list, labelName(l))
		}
	}
	return list
}

var plain = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)

// labelName writes the name of a label; other characters than letters, digits
// and _ as VictoriaMetrics' language has them.
func labelName(name string) string {
	if plain.MatchString(name) {
		return name
	}
	var b strings.Builder
	for _, r := range name {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_') {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// collector puts the series of an answer together by run and labels.
type collector struct {
	store *Store
	name  name
	found map[string]*found
	order []string
}

type found struct {
	observed
	distribution distribution
}

// at returns what was found of a series' labels in a window.
func (c *collector) at(labels map[string]string, end time.Time) *found {
	head := c.store.whoOf(labels).head(end)
	own := make(map[string]string)
	for k, v := range labels {
		if !slices.Contains(c.store.labels[:], k) && !slices.Contains(c.store.drop, k) && k != "__name__" && k != "le" && k != "vmrange" {
			own[k] = v
		}
	}
	if len(own) == 0 {
		own = nil
	}
	key := head.ID + run.Key("", own)
	f := c.found[key]
	if f == nil {
		f = &found{observed: observed{head: head, metric: run.Metric{Name: c.name.metric, Unit: c.name.unit, Better: c.name.better, Labels: own}},
			distribution: distribution{sum: math.NaN()}}
		c.found[key] = f
		c.order = append(c.order, key)
	}
	return f
}

func (c *collector) values(list []series, kind run.Kind) ([]observed, error) {
	var all []observed
	for _, one := range list {
		for _, v := range one.Values {
			at, value, err := number(v)
			if err != nil {
				return nil, err
			}
			f := c.at(one.Metric, at)
			if value != value || value-value != 0 { // NaN, infinite
				continue
			}
			f.metric.Kind, f.metric.Samples = kind, []float64{value}
			all = append(all, f.observed)
		}
	}
	return all, nil
}

func (c *collector) distributions(counts, sums []series) ([]observed, error) {
	for _, one := range counts {
		for _, v := range one.Values {
			at, count, err := number(v)
			if err != nil {
				return nil, err
			}
			c.at(one.Metric, at).distribution.add(one.Metric, count)
		}
	}
	for _, one := range sums {
		for _, v := range one.Values {
			at, sum, err := number(v)
			if err != nil {
				return nil, err
			}
			c.at(one.Metric, at).distribution.sum = sum
		}
	}
	return c.histograms(), nil
}

func (c *collector) natives(list []series) ([]observed, error) {
	for _, one := range list {
		for _, pair := range one.Histograms {
			at, d, ok := nativeOf(pair)
			if !ok {
				return nil, fmt.Errorf("%s: a histogram that cannot be read", c.name.metric)
			}
			c.at(one.Metric, at).distribution = d
		}
	}
	return c.histograms(), nil
}

// histograms returns what was observed at all.
func (c *collector) histograms() []observed {
	var all []observed
	for _, key := range c.order {
		f := c.found[key]
		if f.metric.Histogram, f.width = f.distribution.histogram(f.metric.Unit); f.metric.Histogram != nil {
			f.metric.Kind = run.ValueKind
			if f.metric.Unit == "s" {
				f.metric.Kind = run.TimerKind
			}
			all = append(all, f.observed)
		}
	}
	return all
}
