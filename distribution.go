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
	// gate is the largest value that takes the short way: none (-1) while values
	// are kept as samples or recording is off, then the budget or, while somebody
	// follows, the bar if that is lower.
	gate   atomic.Int64
	mask   atomic.Uint32 // shards in use less one
	salt   atomic.Uint32 // how often the places in them were dealt anew
	shards [maxShards]atomic.Pointer[shard]

	budget   int64       // a value above it is handed to over; the largest int64 without one
	over     func(int64) // not called unless a value is above
	sampling atomic.Bool // false once values go to the buckets
	off      atomic.Bool // recording is turned off
	next     atomic.Int64
	chunks   [chunks]atomic.Pointer[chunk]

	bar     atomic.Int64 // the largest value of this step; the largest int64 while nobody follows
	largest atomic.Pointer[largest]

	mu sync.Mutex // held by fold and snapshot; recording never waits for it
}

// init readies the distribution. Values above the budget are handed to over.
func (d *distribution) init(budget int64, over func(int64)) {
	d.budget, d.over = budget, over
	d.gate.Store(-1)
	d.bar.Store(math.MaxInt64)
	d.sampling.Store(true)
}

// record observes one value.
//
// What is usual is written out in one piece, and leaves it by its last call
// where something is not: so the compiler keeps all of it in registers.
func (d *distribution) record(v int64) {
	if v > d.gate.Load() {
		d.recordRarely(v)
		return
	}
	shardOf := uint32(0)
	if mask := d.mask.Load(); mask != 0 {
		shardOf = place(d.salt.Load()) & mask
	}
	s := d.shards[shardOf%maxShards].Load()
	if s == nil {
		d.recordSlowly(shardOf, v)
		return
	}
	binade, bucket := split(v)
	b := s.binades[binade%64].Load()
	if b == nil || v > s.most.Load() || v < s.least.Load() {
		d.recordSlowly(shardOf, v)
		return
	}
	if old := s.ticks.Load(); !s.ticks.CompareAndSwap(old, old+v) {
		d.recordCollided(s, &b[bucket%64], v)
		return
	}
	b[bucket%64].Add(1)
}

// recordRarely is record for a value over its budget or the bar, and for the
// samples.
func (d *distribution) recordRarely(v int64) {
	if d.off.Load() {
		return
	}
	if v > d.budget {
		d.over(v)
	}
	if v > d.bar.Load() {
		d.notice(v, nil)
	}
	if !d.sampling.Load() {
		d.setGate() // which fold, or another goroutine that meets it, may have left too low
	}
	if !d.sampling.Load() || !d.keep(v) {
		d.recordSlowly(place(d.salt.Load())&d.mask.Load(), v)
	}
}

// recordSlowly makes the shard or the buckets that a value lacks, moves the
// extremes, and counts it.
func (d *distribution) recordSlowly(shardOf uint32, v int64) {
	slot := &d.shards[shardOf%maxShards]
	s := slot.Load()
	if s == nil {
		s = newShard()
		if !slot.CompareAndSwap(nil, s) {
			s = slot.Load()
		}
	}
	binade, bucket := split(v)
	if s.binades[binade].Load() == nil {
		s.binades[binade].CompareAndSwap(nil, new([64]atomic.Int64))
	}
	raise(&s.most, v)
	lower(&s.least, v)
	s.ticks.Add(v)
	// Last, so that whoever sees the count finds extremes that enclose it.
	s.binades[binade].Load()[bucket%64].Add(1)
}

// recordCollided counts a value whose sum another goroutine was changing.
func (d *distribution) recordCollided(s *shard, bucket *atomic.Int64, v int64) {
	s.ticks.Add(v)
	bucket.Add(1)
	d.collided(s)
}

// collided notes that two goroutines met on a shard. When they do so often, it
// doubles the shards; when there are as many as there may be, it deals the
// places in them anew, for those two would meet on the same one for good.
func (d *distribution) collided(s *shard) {
	if s.collisions.Add(1)%collisions != 0 {
		return
	}
	if mask := d.mask.Load(); mask < shardLimit() {
		d.mask.CompareAndSwap(mask, mask*2+1)
	} else if d.salt.Load() < maxDeals {
		d.salt.Add(1)
	}
}

const (
	maxShards = 64
	// collisions is how many there must be until more shards are worth their
	// memory: enough that a snapshot's passing by does not count.
	collisions = 64
	// maxDeals bounds how often places are dealt anew: with more goroutines
	// running than there are shards, some meet whatever the places are.
	maxDeals = 100
)

// shardLimit is the largest mask: four shards for each processor, so that few
// goroutines share one.
var shardLimit = sync.OnceValue(func() uint32 {
	n := min(maxShards, 4*runtime.GOMAXPROCS(0))
	return uint32(1)<<(bits.Len(uint(n))-1) - 1
})

// place spreads goroutines over shards by where their stacks lie: a number
// that costs nothing and differs between goroutines that run at the same time.
// Another salt gives other places.
func place(salt uint32) uint32 {
	var here byte
	return mix(uint32(uintptr(unsafe.Pointer(&here))>>11), salt)
}

// mix turns the number of a piece of stack into six bits. It has to be more
// than one multiplication: that gave places in even steps from salt to salt,
// and for some stacks the step was next to nothing.
func mix(stack, salt uint32) uint32 {
	h := stack + salt*2654435769
	h = (h ^ h>>16) * 0x7feb352d
	h = (h ^ h>>15) * 0x846ca68b
	return h >> 26
}

// shard is one set of buckets.
type shard struct {
	ticks      atomic.Int64 // sum of the values; wraps after 292 years of nanoseconds
	least      atomic.Int64
	most       atomic.Int64
	collisions atomic.Int64
	_          [32]byte                             // keeps the counters of one shard in one cache line
	binades    [64]atomic.Pointer[[64]atomic.Int64] // binades of them are used
}

// binades is how many powers of two values may span: below 64, values have a
// bucket of their own; from there on each power of two has 64. The last one
// takes what rounds up to 2^63.
const binades = 59

// split returns the binade of a value, and its bucket there in the lowest six
// bits. As a float64 a value has both side by side, in its exponent and the top
// of its mantissa, and the conversion is faster than counting bits.
func split(v int64) (binade, bucket uint64) {
	if v < 64 {
		return 0, uint64(v)
	}
	bucket = math.Float64bits(float64(v)) >> 46
	return bucket>>6 - 1028, bucket // the exponent of 64 is 1029
}

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
	return c != chunkClosed && (*c)[at].CompareAndSwap(0, min(v, math.MaxInt64-1)+1)
}

// fold moves the samples into the buckets. A recorder that has drawn a slot
// and not filled it yet finds it closed, and turns to the buckets itself.
func (d *distribution) fold() {
	if !d.sampling.Load() {
		return
	}
	d.sampling.Store(false)
	d.setGate()
	for n := range d.chunks {
		c := d.chunks[n].Swap(chunkClosed)
		if c == nil || c == chunkClosed {
			continue
		}
		for i := range *c {
			if v := (*c)[i].Swap(slotClosed); v > 0 {
				d.recordSlowly(0, v-1)
			}
		}
	}
}

// observed fills in what a metric observed: samples, or a histogram, with
// values in ticks of the given size.
func (d *distribution) observed(m *run.Metric, value func(int64) float64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if n := d.next.Load(); d.sampling.Load() && n <= run.MaxSamples {
		m.Samples = d.samples(n, value)
		return
	}
	d.fold()
	m.Histogram = d.histogram(run.NewHistogram(m.Unit), value)
}

// samples reads the first n samples, without those that are still on their
// way.
func (d *distribution) samples(n int64, value func(int64) float64) []float64 {
	list := make([]float64, 0, n)
	for begin := int64(0); begin < n; {
		number, _, size := locate(begin)
		if c := d.chunks[number].Load(); c != nil {
			slots := (*c)[:min(size, n-begin)]
			for i := range slots {
				if v := slots[i].Load(); v > 0 {
					list = append(list, value(v-1))
				}
			}
		}
		begin += size
	}
	return list
}

// histogram reads the buckets of all shards into h. What is recorded meanwhile
// is in it or not; its count is the sum of its buckets in any case.
func (d *distribution) histogram(h *run.Histogram, value func(int64) float64) *run.Histogram {
	least, most, ticks := int64(math.MaxInt64), int64(0), 0.0
	shards := make([]*shard, 0, 8)
	for i := range d.shards {
		if s := d.shards[i].Load(); s != nil {
			shards = append(shards, s)
		}
	}
	scratch := scratches.Get().(*[]run.Bucket)
	defer scratches.Put(scratch)
	buckets := (*scratch)[:0]
	blocks := make([]*[64]atomic.Int64, 0, 8)
	lowest, highest := int64(-1), int64(0)
	for binade := range binades {
		blocks = blocks[:0]
		for _, s := range shards {
			if b := s.binades[binade].Load(); b != nil {
				blocks = append(blocks, b)
			}
		}
		if len(blocks) == 0 {
			continue
		}
		before := len(buckets)
		first, more := blocks[0], blocks[1:]
		for i := range first {
			n := first[i].Load()
			for _, b := range more {
				n += b[i].Load()
			}
			if n == 0 {
				continue
			}
			index := binadeIndex[binade] + i
			if binade == 0 {
				index = unitIndex[i]
			}
			h.Count += n
			buckets = append(buckets, run.Bucket{Index: index, Count: n})
		}
		if len(buckets) == before {
			continue
		}
		if lowest < 0 {
			lowest = lowOf(binade, buckets[0].Index)
		}
		highest = lowOf(binade, buckets[len(buckets)-1].Index)
	}
	*scratch = buckets
	if h.Count == 0 {
		return h
	}
	// After the counts: the extremes of what was counted are there by now.
	for _, s := range shards {
		ticks += float64(s.ticks.Load())
		least, most = min(least, s.least.Load()), max(most, s.most.Load())
	}
	h.Buckets = slices.Clone(buckets)
	// A value on its way may have moved an extreme or the sum and not been
	// counted yet: the histogram stays consistent all the same.
	if run.BucketIndex(float64(least)) != h.Buckets[0].Index {
		least = lowest
	}
	if run.BucketIndex(float64(most)) != h.Buckets[len(h.Buckets)-1].Index {
		most = highest
	}
	h.Min, h.Max = value(least), value(most)
	h.Ticks = min(max(ticks, float64(least)*float64(h.Count)), float64(most)*float64(h.Count))
	return h
}

// lowOf returns the least value of the bucket with that index in a binade.
func lowOf(binade, index int) int64 {
	if binade == 0 {
		return int64(slices.Index(unitIndex[:], index))
	}
	return (64 + int64(index-binadeIndex[binade])) << (binade - 1)
}

// scratches are where snapshots put buckets together before they know how many
// there are.
var scratches = sync.Pool{New: func() any { return new([]run.Bucket) }}

// binadeIndex is the run.BucketIndex of the first bucket of a binade, and
// unitIndex that of each value of the first one.
var binadeIndex, unitIndex = func() (first [binades]int, unit [64]int) {
	for i := range unit {
		unit[i] = run.BucketIndex(float64(i))
	}
	for binade := 1; binade < binades; binade++ {
		first[binade] = run.BucketIndex(math.Ldexp(64, binade-1))
	}
	return first, unit
}()
