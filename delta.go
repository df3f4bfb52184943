package pacer

import (
	"math"
	"slices"
	"sync/atomic"

	"github.com/pacer-perf/pacer/run"
)

// seen is how far a follower has read an instrument.
type seen struct {
	// Of a distribution: what was read of its buckets, and of its samples,
	// which are counted in the same buckets so that it does not matter when
	// they turn to them.
	counts [binades]*[64]int64
	ticks  float64
	next   int64   // samples that were drawn
	open   []int64 // of those, the ones without a value yet

	value, time float64 // of a counter, a gauge, a rate
	set         bool
	bytes       int64 // that the instrument and this take
}

// at returns the counts of a binade.
func (s *seen) at(binade uint64) *[64]int64 {
	if s.counts[binade] == nil {
		s.counts[binade] = new([64]int64)
	}
	return s.counts[binade]
}

// since returns what was observed since the last call with s, nil for nothing.
func (d *distribution) since(s *seen, base string, value func(int64) float64) (*run.Histogram, *Operation) {
	d.mu.Lock()
	defer d.mu.Unlock()
	h := run.NewHistogram(base)
	before := s.ticks
	found := d.follow(true) // so that what is noticed has been counted by the next step, if not by this one
	if n := d.next.Load(); d.sampling.Load() && n <= run.MaxSamples {
		d.sinceSamples(s, n, h)
	} else {
		d.fold()
		d.sinceBuckets(s, h)
	}
	if h.Count == 0 {
		return nil, nil
	}
	first, last := h.Buckets[0].Index, h.Buckets[len(h.Buckets)-1].Index
	low, high := lowest(first), lowest(last)
	var slowest *Operation
	if found != nil {
		slowest = &Operation{Time: found.at, Value: value(found.value), Stage: found.stage, StageTook: found.took, Notes: found.notes}
		if run.BucketIndex(float64(found.value)) == last {
			high = found.value
		}
	}
	h.Min, h.Max = value(low), value(max(low, high))
	// A sum may hold a value that is not counted yet.
	h.Ticks = min(max(s.ticks-before, float64(low)*float64(h.Count)), float64(max(low, high))*float64(h.Count))
	return h, slowest
}

// sinceSamples reads the samples up to the n-th.
func (d *distribution) sinceSamples(s *seen, n int64, h *run.Histogram) {
	open := s.open
	s.open = nil
	s.bytes = 0
	var fresh []int64 // bucket of each value
	read := func(i int64) {
		number, at, _ := locate(i)
		v := int64(0)
		if c := d.chunks[number].Load(); c != nil {
			v = (*c)[at].Load()
		}
		if v <= 0 {
			s.open = append(s.open, i)
			return
		}
		v--
		binade, bucket := split(v)
		s.at(binade)[bucket%64]++
		s.ticks += float64(v)
		fresh = append(fresh, int64(run.BucketIndex(float64(v))))
	}
	for _, i := range open {
		read(i)
	}
	for i := s.next; i < n; i++ {
		read(i)
	}
	s.next = n
	slices.Sort(fresh)
	for _, index := range fresh {
		if k := len(h.Buckets) - 1; k >= 0 && h.Buckets[k].Index == int(index) {
			h.Buckets[k].Count++
		} else {
			h.Buckets = append(h.Buckets, run.Bucket{Index: int(index), Count: 1})
		}
	}
	h.Count = int64(len(fresh))
	for i := range d.chunks {
		if c := d.chunks[i].Load(); c != nil {
			s.bytes += int64(len(*c)) * 8
		}
	}
}

// sinceBuckets reads the buckets of all shards.
func (d *distribution) sinceBuckets(s *seen, h *run.Histogram) {
	shards := make([]*shard, 0, maxShards)
	for i := range d.shards {
		if p := d.shards[i].Load(); p != nil {
			shards = append(shards, p)
		}
	}
	s.bytes = int64(len(shards)) * 576
	scratch := scratches.Get().(*[]run.Bucket)
	defer scratches.Put(scratch)
	buckets := (*scratch)[:0]
	blocks := make([]*[64]atomic.Int64, 0, maxShards)
	for binade := range binades {
		blocks = blocks[:0]
		for _, p := range shards {
			if b := p.binades[binade].Load(); b != nil {
				blocks = append(blocks, b)
			}
		}
		if len(blocks) == 0 {
			continue
		}
		s.bytes += int64(len(blocks)+1) * 512
		counts := s.at(uint64(binade))
		for i := range counts {
			n := int64(0)
			for _, b := range blocks {
				n += b[i].Load()
			}
			if n == counts[i] {
				continue
			}
			index := binadeIndex[binade] + i
			if binade == 0 {
				index = unitIndex[i]
			}
			// A sample that was closed while it was read is counted late, not
			// twice: its bucket never holds less than was seen.
			buckets = append(buckets, run.Bucket{Index: index, Count: n - counts[i]})
			h.Count += n - counts[i]
			counts[i] = n
		}
	}
	*scratch = buckets
	h.Buckets = slices.Clone(buckets)
	s.ticks = 0
	for _, p := range shards {
		s.ticks += float64(p.ticks.Load())
	}
}

// lowest returns the least value of a bucket.
func lowest(index int) int64 {
	if index <= unitIndex[63] {
		return int64(slices.Index(unitIndex[:], index))
	}
	return int64(math.Float64frombits(uint64(index-1) << 46))
}

// What the instruments give to a follower. spread is the distribution of those
// that have one.

func (t *Timer) spread() *distribution { return &t.values }
func (v *Value) spread() *distribution { return &v.values }
func (*Counter) spread() *distribution { return nil }
func (*Gauge) spread() *distribution   { return nil }
func (*Rate) spread() *distribution    { return nil }

func (t *Timer) since(s *seen) (d Delta, ok bool) {
	d.Histogram, d.Slowest = t.values.since(s, t.unit, seconds)
	return d, d.Histogram != nil
}

func (v *Value) since(s *seen) (d Delta, ok bool) {
	d.Histogram, d.Slowest = v.values.since(s, v.unit, func(n int64) float64 { return float64(n) })
	return d, d.Histogram != nil
}

func (c *Counter) since(s *seen) (d Delta, ok bool) {
	n := float64(c.n.Load())
	d.Value = n - s.value
	s.value = n
	return d, d.Value != 0
}

func (g *Gauge) since(s *seen) (d Delta, ok bool) {
	if !g.set.Load() {
		return d, false
	}
	d.Value = math.Float64frombits(g.bits.Load())
	ok = !s.set || d.Value != s.value
	s.set, s.value = true, d.Value
	return d, ok
}

func (r *Rate) since(s *seen) (d Delta, ok bool) {
	r.mu.Lock()
	items, took := r.items, r.time.Seconds()
	r.mu.Unlock()
	if took == s.time {
		return d, false
	}
	d.Value = (items - s.value) / (took - s.time)
	s.value, s.time = items, took
	return d, true
}
