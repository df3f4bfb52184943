package pacer

import (
	"math"
	"math/bits"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/pacer-perf/pacer/run"
)

// distribution observes whole values that are not negative: nanoseconds,
// bytes, rows. It takes no lock to record.
//
// The first run.MaxSamples values are kept as they came. Then they are counted
// in log-linear buckets, 64 to each power of two, which are run.Histogram's
// own: reading the buckets out loses nothing. Buckets are made a power of two
// at a time, when a value first falls there.
//
// One shard of buckets serves until goroutines are seen to collide on it; then
// their number doubles, up to four for each processor. So a timer that one
// goroutine uses at a time stays small, and one that many use scales.
type distribution struct {
	sampling atomic.Bool // false once values go to the buckets
	next     atomic.Int64
	chunks   [chunks]atomic.Pointer[chunk]

	mask   atomic.Uint32 // shards in use less one
	shards [maxShards]atomic.Pointer[shard]

	mu sync.Mutex // held by fold and snapshot; recording never waits for it
}

func (d *distribution) init() { d.sampling.Store(true) }

// record observes one value.
//
// It is written out in one piece: the compiler inlines nothing as large as
// this, and a call costs as much as the rest of it.
func (d *distribution) record(v int64) {
	if d.sampling.Load() && d.keep(v) {
		return
	}
	shardOf := uint32(0)
	if mask := d.mask.Load(); mask != 0 {
		shardOf = place() & mask
	}
	s := d.shards[shardOf%maxShards].Load()
	if s == nil {
		d.recordSlowly(shardOf, v)
		return
	}
	binade, bucket := 0, uint64(v)
	if n := bits.Len64(bucket); n > 6 {
		binade, bucket = n-6, bucket>>(uint(n-7)&63)
	}
	b := s.binades[binade].Load()
	if b == nil {
		d.recordSlowly(shardOf, v)
		return
	}
	if v > s.most.Load() {
		raise(&s.most, v)
	}
	if v < s.least.Load() {
		lower(&s.least, v)
	}
	if old := s.ticks.Load(); !s.ticks.CompareAndSwap(old, old+v) {
		s.ticks.Add(v)
		d.collided(s)
	}
	// Last, so that whoever sees the count finds extremes that enclose it.
	b[bucket%64].Add(1)
}

// recordSlowly makes the shard or the buckets that a value lacks, and records
// it.
func (d *distribution) recordSlowly(shardOf uint32, v int64) {
	slot := &d.shards[shardOf]
	s := slot.Load()
	if s == nil {
		s = newShard()
		if !slot.CompareAndSwap(nil, s) {
			s = slot.Load()
		}
	}
	s.binades[max(0, bits.Len64(uint64(v))-6)].CompareAndSwap(nil, new([64]atomic.Int64))
	d.record(v)
}

// collided notes that two goroutines met on a shard, and doubles the shards
// when they do so often.
func (d *distribution) collided(s *shard) {
	if s.collisions.Add(1)%collisions != 0 {
		return
	}
	if mask := d.mask.Load(); mask < shardLimit() {
		d.mask.CompareAndSwap(mask, mask*2+1)
	}
}

const (
	maxShards = 64
	// collisions is how many there must be until more shards are worth their
	// memory: enough that a snapshot's passing by does not count.
	collisions = 64
)

// shardLimit is the largest mask: four shards for each processor, so that few
// goroutines share one.
var shardLimit = sync.OnceValue(func() uint32 {
	n := min(maxShards, 4*runtime.GOMAXPROCS(0))
	return uint32(1)<<(bits.Len(uint(n))-1) - 1
})

// place spreads goroutines over shards by where their stacks lie: a number
// that costs nothing and differs between goroutines that run at the same time.
func place() uint32 {
	var here byte
	return uint32(uintptr(unsafe.Pointer(&here))>>11) * 2654435769 >> 26
}

// shard is one set of buckets.
type shard struct {
	ticks      atomic.Int64 // sum of the values; wraps after 292 years of nanoseconds
	least      atomic.Int64
	most       atomic.Int64
	collisions atomic.Int64
	_          [32]byte // keeps the counters of one shard in one cache line
	binades    [binades]atomic.Pointer[[64]atomic.Int64]
}

// binades is how many powers of two values may span: below 64, values have a
// bucket of their own; from there on each power of two has 64.
const binades = 58

func newShard() *shard {
	s := new(shard)
	s.least.Store(math.MaxInt64)
	return s
}

func raise(a *atomic.Int64, v int64) {
	for old := a.Load(); v > old && !a.CompareAndSwap(old, v); old = a.Load() {
	}
}

func lower(a *atomic.Int64, v int64) {
	for old := a.Load(); v < old && !a.CompareAndSwap(old, v); old = a.Load() {
	}
}

// The samples are kept in chunks, each as large as all before it, so that a
// timer that is used little stays small.
const (
	firstChunk = 64
	chunks     = 9 // 64 << 8 is over run.MaxSamples
)

// chunk holds samples. A slot is empty (0), holds a value plus one, or is
// closed: its value, if one comes yet, belongs to the buckets.
type chunk []atomic.Int64

const slotClosed = -1

// chunkClosed takes the place of a chunk whose samples went to the buckets.
var chunkClosed = new(chunk)

// locate returns the chunk of the i-th sample, and its place and the size
// there.
func locate(i int64) (number int, at, size int64) {
	if i < firstChunk {
		return 0, i, firstChunk
	}
	number = bits.Len64(uint64(i) / firstChunk) // 64..127: 1, 128..255: 2
	begin := int64(firstChunk) << (number - 1)
	return number, i - begin, min(begin, run.MaxSamples-begin)
}

// keep stores a sample. It returns false if it belongs to the buckets.
func (d *distribution) keep(v int64) bool {
	i := d.next.Add(1) - 1
	if i >= run.MaxSamples {
		if d.mu.TryLock() { // else a later one folds
			d.fold()
			d.mu.Unlock()
		}
		return false
	}
	number, at, size := locate(i)
	c := d.chunks[number].Load()
	if c == nil {
		fresh := make(chunk, size)
		if c = &fresh; !d.chunks[number].CompareAndSwap(nil, c) {
			c = d.chunks[number].Load()
		}
	}
	return c != chunkClosed && (*c)[at].CompareAndSwap(0, v+1)
}

// fold moves the samples into the buckets. A recorder that has drawn a slot
// and not filled it yet finds it closed, and turns to the buckets itself.
func (d *distribution) fold() {
	if !d.sampling.Load() {
		return
	}
	d.sampling.Store(false)
	for n := range d.chunks {
		c := d.chunks[n].Swap(chunkClosed)
		if c == nil || c == chunkClosed {
			continue
		}
		for i := range *c {
			if v := (*c)[i].Swap(slotClosed); v > 0 {
				d.record(v - 1)
			}
		}
	}
}

// observed fills in what a metric observed: samples, or a histogram, with
// values in ticks of the given size.
func (d *distribution) observed(m *run.Metric, value func(int64) float64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.sampling.Load() && d.next.Load() <= run.MaxSamples {
		n := d.next.Load()
		m.Samples = make([]float64, 0, n)
		for i := range n {
			number, at, _ := locate(i)
			if c := d.chunks[number].Load(); c != nil {
				if v := (*c)[at].Load(); v > 0 {
					m.Samples = append(m.Samples, value(v-1))
				}
			}
		}
		return
	}
	d.fold()
	m.Histogram = d.histogram(run.NewHistogram(m.Unit), value)
}

// histogram reads the buckets of all shards into h. What is recorded meanwhile
// is in it or not; its count is the sum of its buckets in any case.
func (d *distribution) histogram(h *run.Histogram, value func(int64) float64) *run.Histogram {
	var counts [binades][64]int64
	var seen [binades]bool
	least, most := int64(math.MaxInt64), int64(0)
	ticks := 0.0
	for i := range d.shards {
		s := d.shards[i].Load()
		if s == nil {
			continue
		}
		for binade := range s.binades {
			b := s.binades[binade].Load()
			if b == nil {
				continue
			}
			seen[binade] = true
			for bucket := range b {
				counts[binade][bucket] += b[bucket].Load()
			}
		}
		ticks += float64(s.ticks.Load())
		least, most = min(least, s.least.Load()), max(most, s.most.Load())
	}
	n := 0
	for binade := range counts {
		if seen[binade] {
			for _, c := range counts[binade] {
				if c > 0 {
					n++
				}
			}
		}
	}
	if n == 0 {
		return h
	}
	h.Buckets = make([]run.Bucket, 0, n)
	lowest, highest := int64(-1), int64(0)
	for binade := range counts {
		if !seen[binade] {
			continue
		}
		for bucket, c := range counts[binade] {
			if c == 0 {
				continue
			}
			low := int64(bucket)
			if binade > 0 {
				low = (64 + low) << (binade - 1)
			}
			if lowest < 0 {
				lowest = low
			}
			highest = low
			h.Count += c
			h.Buckets = append(h.Buckets, run.Bucket{Index: run.BucketIndex(float64(low)), Count: c})
		}
	}
	// A value on its way may have moved an extreme or the sum and not been
	// counted yet: the histogram stays consistent all the same.
	if run.BucketIndex(float64(least)) != h.Buckets[0].Index {
		least = lowest
	}
	if last := h.Buckets[len(h.Buckets)-1].Index; run.BucketIndex(float64(most)) != last {
		most = highest
	}
	h.Min, h.Max = value(least), value(most)
	h.Ticks = min(max(ticks, float64(least)*float64(h.Count)), float64(most)*float64(h.Count))
	h.Buckets = slices.Clip(h.Buckets)
	return h
}
