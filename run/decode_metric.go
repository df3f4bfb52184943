package run

import (
	"math"
	"strings"

	"github.com/pacer-perf/pacer/internal/jsonscan"
)

// metric reads one metric and returns where it begins.
func (p *parser) metric() (Metric, int, error) {
	var m Metric
	var hasUnit, hasSummary bool
	type place struct{ sample, offset int }
	var negative []place // refused below, once the unit is known
	at := -1
	summary := unknown()
	ok, err := p.Object(metricKeys.has, func(key string) (err error) {
		if at < 0 {
			at = p.Start()
		}
		switch key {
		case "name":
			if err := p.text(&m.Name); err != nil {
				return err
			}
			if err := validName("name", m.Name); err != nil {
				return p.Fail("%v", err)
			}
		case "kind":
			kind := ""
			err = p.word(&kind)
			m.Kind = Kind(kind) // those of a newer version are kept as they are
			return err
		case "unit":
			hasUnit = true
			return p.word(&m.Unit)
		case "labels":
			m.Labels, err = p.strings()
			return err
		case "better":
			better := ""
			if err := p.word(&better); err != nil {
				return err
			}
			if m.Better = Better(better); better != "" && m.Better != Lower && m.Better != Higher && m.Better != Neither {
				return p.Fail("%q: expected lower, higher or neither", better)
			}
		case "resolution":
			v, err := p.quantity()
			if !math.IsNaN(v) {
				m.Resolution = v
			}
			return err
		case "samples":
			var quick bool
			if m.Samples, quick = p.samples(); quick {
				return nil
			}
			_, err = p.Array(func(i int) error {
				v, err := p.number()
				if err == nil && math.IsNaN(v) {
					return p.Fail("expected a number, found null")
				}
				if v < 0 {
					negative = append(negative, place{i, p.Start()})
				}
				m.Samples = append(m.Samples, v)
				return err
			})
			return err
		case "histogram":
			m.Histogram, err = p.histogram()
			return err
		case "count":
			n, err := p.count()
			summary.Count, hasSummary = n, true
			return err
		case "percentiles":
			hasSummary = true
			return p.percentiles(&summary)
		case "interval":
			summary.Interval, err = p.interval()
			return err
		default:
			if value := summary.field(key); value != nil {
				hasSummary = true
				*value, err = p.number()
				return err
			}
			return p.Skip()
		}
		return nil
	})
	switch {
	case err != nil:
		return m, at, err
	case !ok:
		return m, at, p.Fail("expected an object, found null")
	case at < 0:
		at = p.Start()
	}
	switch {
	case m.Name == "":
		return m, at, p.fail(at, "the metric has no name")
	case !hasUnit:
		return m, at, p.fail(at, "%s has no unit: expected s, bytes, items/s, ratio or another", m.Name)
	}
	if m.Samples == nil && m.Histogram == nil && hasSummary {
		m.Summary = &summary
	}
	if err := m.check(); err != nil {
		if len(negative) > 0 && m.validate(m.Samples[negative[0].sample]) != nil {
			at = negative[0].offset
		}
		// check begins where the path of the metric leaves off.
		key, msg, _ := strings.Cut(err.Error(), ": ")
		refused := p.fail(at, "%s", msg).(*jsonscan.SyntaxError)
		refused.Key += key
		return m, at, refused
	}
	return m, at, nil
}

func (p *parser) histogram() (*Histogram, error) {
	var h Histogram
	last, missing := 0, map[string]bool{"tick": true, "count": true, "ticks": true, "min": true, "max": true, "buckets": true}
	ok, err := p.Object(histogramKeys.has, func(key string) (err error) {
		delete(missing, key)
		switch key {
		case "tick":
			h.Tick, err = p.number()
		case "count":
			h.Count, err = p.whole()
		case "ticks":
			h.Ticks, err = p.number()
		case "min":
			h.Min, err = p.number()
		case "max":
			h.Max, err = p.number()
		case "buckets":
			_, err = p.Array(func(i int) error {
				n, err := p.whole()
				if i%2 == 0 {
					// Summed within ±2^53 twice, which an int holds; validate
					// refuses what is out of range.
					last = int(min(max(int64(last)+n, -1<<53), 1<<53))
					h.Buckets = append(h.Buckets, Bucket{Index: last})
				} else {
					h.Buckets[i/2].Count = n
				}
				return err
			})
		default:
			return p.Skip()
		}
		return err
	})
	if err != nil || !ok {
		return nil, err
	}
	for _, key := range []string{"tick", "count", "ticks", "min", "max", "buckets"} {
		if missing[key] {
			return nil, p.Fail("the histogram has no %s", key)
		}
	}
	return &h, nil
}
