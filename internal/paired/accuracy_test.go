package paired

import (
	"math"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"

	"github.com/pacer-perf/pacer/internal/noise"
	"github.com/pacer-perf/pacer/internal/stat"
)

// machine is what happens to a whole machine while pairs are measured: by how
// much it slows the k-th measurement.
type machine struct {
	name string
	slow func(rng *rand.Rand, n int) []float64
}

func machines() []machine {
	return []machine{
		{"steady", func(_ *rand.Rand, n int) []float64 { return make([]float64, n) }},
		{"drifts by 20%", func(_ *rand.Rand, n int) []float64 {
			list := make([]float64, n)
			for i := range list {
				list[i] = 0.2 * float64(i) / float64(n)
			}
			return list
		}},
		{"noisy neighbour", func(rng *rand.Rand, n int) []float64 {
			// Comes and goes, for some 15 measurements each time, and costs 40 %.
			list, on := make([]float64, n), false
			for i := range list {
				if rng.IntN(15) == 0 {
					on = !on
				}
				if on {
					list[i] = 0.4
				}
			}
			return list
		}},
	}
}

// A method is asked after every pair, and says when it is sure.
type method struct {
	name  string
	begin func(threshold float64, most int) func(baseline, current float64) Outcome
}

// methods are this package's, and two that are common elsewhere.
func methods() []method {
	return []method{
		{"betting", func(threshold float64, _ int) func(a, b float64) Outcome {
			s := New(Options{Threshold: threshold})
			return func(a, b float64) Outcome { s.Add(a, b); return s.Outcome() }
		}},
		{"t test, 10 looks", pocock},
		{"normal mixture", normalMixture},
	}
}

// pocock looks ten times, with a t test at the level that makes 1.5 % of ten
// looks (Pocock 1977, Biometrika 64(2), 191–199; by simulation: 0.0030), and an
// interval at the level that makes 5 % (0.0106).
func pocock(threshold float64, most int) func(a, b float64) Outcome {
	var d []float64
	far := math.Log1p(threshold)
	return func(a, b float64) Outcome {
		d = append(d, math.Log(b/a))
		n := len(d)
		if n%(most/10) != 0 {
			return Unsure
		}
		mean, error := stat.Mean(d), stat.StdDev(d)/math.Sqrt(float64(n))
		alarm, edge := stat.TQuantile(1-0.0030/2, float64(n-1)), stat.TQuantile(1-0.0106/2, float64(n-1))
		return decide(mean, alarm*error, edge*error, far)
	}
}

// normalMixture takes the pairs for normal with the variance that they seem to
// have (Robbins 1970, Ann. Math. Statist. 41(5), 1397–1409).
func normalMixture(threshold float64, _ int) func(a, b float64) Outcome {
	var d []float64
	far := math.Log1p(threshold)
	return func(a, b float64) Outcome {
		d = append(d, math.Log(b/a))
		n := float64(len(d))
		if n < 8 {
			return Unsure
		}
		const rho = 4
		half := func(alpha float64) float64 {
			return stat.StdDev(d) * math.Sqrt((n+rho)*math.Log((n+rho)/(rho*alpha*alpha))) / n
		}
		return decide(stat.Mean(d), half(0.015), half(0.05), far)
	}
}

func decide(mean, alarm, edge, far float64) Outcome {
	switch {
	case mean >= far && mean > alarm:
		return Up
	case mean <= -far && mean < -alarm:
		return Down
	case mean+edge < far && mean-edge > -far:
		return Same
	}
	return Unsure
}

// sessions is what became of many.
type sessions struct {
	n, pairs int
	outcomes map[Outcome]int
}

func (s *sessions) percent(o Outcome) float64 { return 100 * float64(s.outcomes[o]) / float64(s.n) }
func (s *sessions) mean() float64             { return float64(s.pairs) / float64(s.n) }

const most = 200

// simulate measures in pairs, again and again, until a method is sure.
func simulate(m method, f noise.Family, where machine, deviation, effect float64, n int, seed uint64) sessions {
	all := sessions{n: n, outcomes: make(map[Outcome]int)}
	for k := range n {
		rng := rand.New(rand.NewPCG(seed, uint64(k)))
		errors, slow := f.Draw(rng, 2*most), where.slow(rng, 2*most)
		next := m.begin(0.02, most)
		outcome, i := Unsure, 0
		for ; i < most && outcome == Unsure; i++ {
			place := rng.IntN(2) // of the baseline within the pair
			measure := func(place int, effect float64) float64 {
				return f.Measure(1, deviation, errors[2*i+place]) * (1 + slow[2*i+place]) * (1 + effect)
			}
			outcome = next(measure(place, 0), measure(1-place, effect))
		}
		all.outcomes[outcome]++
		all.pairs += i
	}
	return all
}

// TestAccuracy holds the method to what docs/measuring.md says of it, on seeds
// that nothing was chosen on, and shows it beside what is common elsewhere.
func TestAccuracy(t *testing.T) {
	t.Parallel()
	type key struct {
		method, machine int
		effect          float64
	}
	effects := []float64{0, 0.05}
	const deviation = 0.04
	n := scaled(600)
	results := make(map[key]map[string]sessions)
	var mu sync.Mutex
	var wait sync.WaitGroup
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	for i, m := range methods() {
		for j, where := range machines() {
			for _, effect := range effects {
				k := key{i, j, effect}
				results[k] = make(map[string]sessions)
				for _, f := range noise.Families() {
					wait.Go(func() {
						slots <- struct{}{}
						trials := n
						if i > 0 {
							trials = n / 3 // they are here to be looked at
						}
						s := simulate(m, f, where, deviation, effect, trials, 31000)
						<-slots
						mu.Lock()
						results[k][f.Name] = s
						mu.Unlock()
					})
				}
			}
		}
	}
	wait.Wait()
	t.Logf("%d sessions each, at most %d pairs, deviation %.0f%% a measurement, threshold 2%%", n, most, 100*deviation)
	for i, m := range methods() {
		for j, where := range machines() {
			t.Logf("%s, %s:", m.name, where.name)
			for _, f := range noise.Families() {
				same, up := results[key{i, j, 0}][f.Name], results[key{i, j, 0.05}][f.Name]
				alarms := same.percent(Up) + same.percent(Down)
				t.Logf("  %-10s nothing changed: %4.1f%% alarms, %3.0f%% unchanged, %5.1f pairs; +5%%: %5.1f%% found, %5.1f%% wrong, %5.1f pairs",
					f.Name, alarms, same.percent(Same), same.mean(), up.percent(Up), up.percent(Same)+up.percent(Down), up.mean())
				if i > 0 {
					continue
				}
				if limit := 1.5 + slack; alarms > limit {
					t.Errorf("%s, %s: %.1f%% false alarms, want %.1f%% at most", where.name, f.Name, alarms, limit)
				}
				if wrong := up.percent(Same) + up.percent(Down); wrong > 0.5+slack {
					t.Errorf("%s, %s: +5%% is called something else in %.1f%%", where.name, f.Name, wrong)
				}
				if j < 2 && (up.percent(Up) < 98 || up.mean() > 40) {
					t.Errorf("%s, %s: +5%% found in %.1f%%, by %.1f pairs", where.name, f.Name, up.percent(Up), up.mean())
				}
			}
		}
	}
}

// TestAccuracyOfIntervals looks at the interval after every pair: the truth is
// in all of them, as often as they say.
func TestAccuracyOfIntervals(t *testing.T) {
	t.Parallel()
	truth := math.Log(1.03)
	for _, f := range noise.Families() {
		rng := rand.New(rand.NewPCG(31000, 7))
		missed := 0
		n := max(150, scaled(1000))
		for range n {
			errors := f.Draw(rng, 2*most)
			s, w := New(Options{}), wealth{at: truth}
			for i := range most {
				place := rng.IntN(2)
				s.Add(math.Exp(0.04*errors[2*i+place]), math.Exp(truth+0.04*errors[2*i+1-place]))
				w.play(s.d[i], s.scale[i])
				if up, down := w.log(); max(up, down) >= s.rich(1) {
					missed++
					break
				}
			}
		}
		if share := 100 * float64(missed) / float64(n); share > 5+slack {
			t.Errorf("%s: the truth left the interval in %.1f%%", f.Name, share)
		} else {
			t.Logf("%s: the truth left the interval in %.1f%%", f.Name, share)
		}
	}
}
