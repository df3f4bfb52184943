package pacer

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pacer-perf/pacer/run"
)

// draws are the distributions that percentiles are held to: heavy tails, two
// modes, constants, values nine decades apart. In nanoseconds.
var draws = map[string]func(*rand.Rand) int64{
	"uniform":     func(r *rand.Rand) int64 { return r.Int64N(1e9) },
	"small":       func(r *rand.Rand) int64 { return r.Int64N(100) },
	"exponential": func(r *rand.Rand) int64 { return int64(r.ExpFloat64() * 1e6) },
	"lognormal":   func(r *rand.Rand) int64 { return int64(1e4 * math.Exp(2*r.NormFloat64())) },
	"pareto":      func(r *rand.Rand) int64 { return int64(1e3 * math.Pow(1-r.Float64(), -1.2)) },
	"two modes":   func(r *rand.Rand) int64 { return []int64{1e6, 5e7}[r.IntN(2)] + r.Int64N(1e5) },
	"constant":    func(*rand.Rand) int64 { return 123456789 },
	"nine apart":  func(r *rand.Rand) int64 { return []int64{1, 1e9}[r.IntN(2)] },
	"with zeros":  func(r *rand.Rand) int64 { return max(0, int64(r.NormFloat64()*1e6)) },
	"quantised":   func(r *rand.Rand) int64 { return r.Int64N(50) * 1e7 },
	"hours":       func(r *rand.Rand) int64 { return int64(time.Hour) + r.Int64N(int64(10*time.Hour)) },
}

// The percentiles of the buckets lie within 1 % of those of the samples, and
// the buckets are those that the run document makes of the same samples.
func TestDistribution(t *testing.T) {
	t.Parallel()
	for name, draw := range draws {
		for _, n := range []int{1, 2, 63, 64, 65, 999, run.MaxSamples, run.MaxSamples + 1, 2 * run.MaxSamples} {
			t.Run(fmt.Sprintf("%s/%d", name, n), func(t *testing.T) {
				t.Parallel()
				rng := rand.New(rand.NewPCG(11, uint64(n)))
				var d distribution
				d.init(math.MaxInt64, nil)
				exact := run.Metric{Name: "a", Unit: "s"}
				want := run.NewHistogram("s")
				for range n {
					v := draw(rng)
					d.record(v)
					exact.Samples = append(exact.Samples, seconds(v))
					want.Add(seconds(v))
				}
				got := run.Metric{Name: "a", Unit: "s"}
				d.observed(&got, seconds)
				if n <= run.MaxSamples {
					if !slices.Equal(got.Samples, exact.Samples) {
						t.Fatalf("the samples differ: %d of %d", len(got.Samples), n)
					}
					// However few they are, the buckets hold them too.
					d.mu.Lock()
					d.fold()
					d.mu.Unlock()
					got.Samples = nil
					d.observed(&got, seconds)
				}
				if diff := cmp.Diff(want, got.Histogram); diff != "" && name != "hours" { // hours sum up to more than 2^53 ns
					t.Fatalf("(-run.Histogram +buckets):\n%s", diff)
				}
				for _, p := range []string{"p0", "p1", "p50", "p90", "p95", "p99", "p99.9", "p100"} {
					x, _ := exact.Statistic(p)
					y, _ := got.Statistic(p)
					if math.Abs(x-y) > 0.01*x {
						t.Errorf("%s is %v, of the samples %v", p, y, x)
					}
				}
				r := run.Run{Metrics: []run.Metric{got}}
				if err := r.Validate(); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// However goroutines meet, and while snapshots are taken, nothing is lost: not
// when samples become buckets, and not when shards are added.
func TestDistributionConcurrent(t *testing.T) {
	t.Parallel()
	const goroutines, each = 64, 2000
	var d distribution
	d.init(math.MaxInt64, nil)
	stop := make(chan struct{})
	var readers, writers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			last := int64(0)
			for {
				m := run.Metric{Name: "a", Unit: "s"}
				d.observed(&m, seconds)
				r := run.Run{Metrics: []run.Metric{m}}
				if err := r.Validate(); err != nil {
					t.Error(err)
				}
				if m.Count() < last {
					t.Errorf("the count went from %d to %d", last, m.Count())
				}
				last = m.Count()
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	for g := range goroutines {
		writers.Go(func() {
			for i := range each {
				d.record(int64(g*each + i))
			}
		})
	}
	writers.Wait()
	close(stop)
	readers.Wait()
	want := run.NewHistogram("s")
	for i := range goroutines * each {
		want.Add(seconds(int64(i)))
	}
	got := run.Metric{Unit: "s"}
	d.observed(&got, seconds)
	if diff := cmp.Diff(want, got.Histogram); diff != "" {
		t.Errorf("(-all +got):\n%s", diff)
	}
}

// A shard that goroutines collide on is joined by others, up to a limit.
func TestShards(t *testing.T) {
	t.Parallel()
	var d distribution
	s := newShard()
	for range 100 * collisions {
		d.collided(s)
	}
	if got := d.mask.Load(); got != shardLimit() {
		t.Errorf("mask %d after many collisions, limit %d", got, shardLimit())
	}
	if n := d.salt.Load(); n == 0 || n > maxDeals {
		t.Errorf("places were dealt %d times", n)
	}
	if limit := shardLimit(); limit&(limit+1) != 0 || limit >= maxShards {
		t.Errorf("the limit %d is no mask of %d shards", limit, maxShards)
	}
}

// Wherever a goroutine's stack lies, dealing anew takes it to most shards; and
// stacks that lie side by side do not meet on a few.
func TestPlaces(t *testing.T) {
	t.Parallel()
	occupied := func(limit uint32, places func(i uint32) uint32) (n int) {
		var seen [maxShards]bool
		for i := range uint32(maxDeals) {
			if p := places(i) & limit; !seen[p] {
				seen[p] = true
				n++
			}
		}
		return n
	}
	for shards := uint32(4); shards <= maxShards; shards *= 2 {
		for stack := range uint32(20_000) {
			stack += 0xc000000000 >> 11 & math.MaxUint32 // where Go's heap begins on most systems
			if n := occupied(shards-1, func(deal uint32) uint32 { return mix(stack, deal) }); n <= int(shards)/2 {
				t.Fatalf("dealing anew gives stack %#x %d places of %d", stack, n, shards)
			}
			if n := occupied(shards-1, func(i uint32) uint32 { return mix(stack+i, 0) }); n <= int(shards)/2 {
				t.Fatalf("%d stacks from %#x have %d places of %d", maxDeals, stack, n, shards)
			}
		}
	}
}

// The largest values are counted like any other.
func TestLargest(t *testing.T) {
	t.Parallel()
	var d distribution
	d.init(math.MaxInt64, nil)
	d.mu.Lock()
	d.fold()
	d.mu.Unlock()
	for shift := range 63 {
		for _, v := range []int64{1<<shift - 1, 1 << shift, math.MaxInt64 - 1<<shift} {
			d.record(v)
		}
	}
	d.record(math.MaxInt64)
	m := run.Metric{Name: "a", Unit: "bytes"}
	d.observed(&m, func(n int64) float64 { return float64(n) })
	if m.Count() != 3*63+1 || m.Histogram.Max != float64(math.MaxInt64) {
		t.Errorf("%d values up to %v", m.Count(), m.Histogram.Max)
	}
	r := run.Run{Metrics: []run.Metric{m}}
	if err := r.Validate(); err != nil {
		t.Error(err)
	}
}

func TestLocate(t *testing.T) {
	t.Parallel()
	seen := make(map[[2]int64]bool)
	for i := range int64(run.MaxSamples) {
		number, at, size := locate(i)
		if number < 0 || number >= chunks || at < 0 || at >= size || seen[[2]int64{int64(number), at}] {
			t.Fatalf("sample %d: chunk %d, place %d of %d", i, number, at, size)
		}
		seen[[2]int64{int64(number), at}] = true
	}
}
