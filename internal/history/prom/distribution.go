package prom

import (
	"cmp"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pacer-perf/pacer/run"
)

// distribution is what an engine has of observations: buckets of whatever
// kind, and their sum.
type distribution struct {
	cumulative []bucket // of le: high and count
	separate   []bucket // of vmrange, and of native histograms
	sum        float64  // NaN: not known
}

type bucket struct{ low, high, count float64 }

// add adds a value of a series of buckets.
func (d *distribution) add(labels map[string]string, count float64) {
	if limit, ok := labels["le"]; ok {
		if high, err := strconv.ParseFloat(limit, 64); err == nil {
			d.cumulative = append(d.cumulative, bucket{high: high, count: count})
		}
		return
	}
	low, high, ok := strings.Cut(labels["vmrange"], "...")
	if !ok {
		return
	}
	b := bucket{count: count}
	var errs [2]error
	b.low, errs[0] = strconv.ParseFloat(low, 64)
	b.high, errs[1] = strconv.ParseFloat(high, 64)
	if errs[0] == nil && errs[1] == nil {
		d.separate = append(d.separate, b)
	}
}

// nativeOf reads a native histogram, [time, {...}].
func nativeOf(pair []json.RawMessage) (at time.Time, d distribution, ok bool) {
	var seconds float64
	var n native
	if len(pair) != 2 || json.Unmarshal(pair[0], &seconds) != nil || json.Unmarshal(pair[1], &n) != nil {
		return at, d, false
	}
	sum, err := strconv.ParseFloat(n.Sum, 64)
	if d.sum = sum; err != nil {
		d.sum = math.NaN()
	}
	for _, b := range n.Buckets {
		if len(b) != 4 {
			return at, d, false
		}
		var v [3]float64
		for i, text := range b[1:] {
			word, _ := text.(string)
			if v[i], err = strconv.ParseFloat(word, 64); err != nil {
				return at, d, false
			}
		}
		d.separate = append(d.separate, bucket{v[0], v[1], v[2]})
	}
	return moment(seconds), d, true
}

// buckets returns what was observed between limits, in order.
func (d *distribution) buckets() []bucket {
	list := slices.Clone(d.separate)
	slices.SortFunc(d.cumulative, func(a, b bucket) int { return cmp.Compare(a.high, b.high) })
	below := bucket{}
	for i, b := range d.cumulative {
		low := below.high
		if i == 0 {
			low = min(0, b.high)
		}
		// Between two reads of its instances a bucket may seem to hold less than
		// the one below.
		list = append(list, bucket{low, b.high, max(0, b.count-below.count)})
		below = bucket{high: b.high, count: max(b.count, below.count)}
	}
	slices.SortFunc(list, func(a, b bucket) int { return cmp.Or(cmp.Compare(a.low, b.low), cmp.Compare(a.high, b.high)) })
	return list
}

// spread is how many values stand for those of one bucket.
const spread = 20

// histogram makes a histogram of the buckets, nil if nothing was observed, and
// says how wide they are: the largest ratio between the limits of a bucket that
// holds more than a twentieth. Counts, which engines extrapolate to fractions,
// are rounded as they add up.
//
// Where in its bucket an observation lies is not known, but their sum is: values
// are laid out evenly around the same place in every bucket, so that they have
// that sum. Where the sum says nothing else that is the middle, as for
// histogram_quantile.
func (d *distribution) histogram(unit string) (h *run.Histogram, width float64) {
	list := slices.DeleteFunc(d.buckets(), func(b bucket) bool { return math.IsNaN(b.count) || b.count <= 0 })
	total, lows, widths := 0.0, 0.0, 0.0
	for i := range list {
		b := &list[i]
		switch {
		case math.IsInf(b.high, 1):
			b.high = b.low // beyond the last limit nothing is known but that
		case math.IsInf(b.low, -1):
			b.low = b.high
		}
		total += b.count
		lows += b.count * b.low
		widths += b.count * (b.high - b.low)
	}
	place := 0.5
	if p := (d.sum - lows) / widths; !math.IsNaN(p) && !math.IsInf(p, 0) {
		place = min(max(p, 0), 1)
	}
	h = run.NewHistogram(unit)
	counted, given := 0.0, int64(0)
	for _, b := range list {
		counted += b.count
		n := int64(math.Round(counted)) - given
		given += n
		wide := b.high - b.low
		from, over := b.low+wide*(place-min(place, 1-place)), 2*min(place, 1-place)*wide
		parts := min(n, spread)
		for i := range parts {
			h.AddN(from+over*(float64(i)+0.5)/float64(parts), n/parts+int64(btoi(i < n%parts)))
		}
		if b.count > total/20 {
			width = max(width, b.high/b.low)
		}
	}
	if h.Count == 0 {
		return nil, 0
	}
	// The sum is known better than from the buckets.
	if mean := d.sum / total; !math.IsNaN(mean) && mean >= h.Min && mean <= h.Max {
		h.Ticks = mean * float64(h.Count) / h.Tick
	}
	return h, width
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
