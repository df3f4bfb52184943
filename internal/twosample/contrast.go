package twosample

import (
	"math"
	"slices"

	"github.com/pacer-perf/pacer/internal/stat"
)

const (
	// spike is beyond how many robust standard deviations a sample is drawn
	// in, if it is one of few: see suite.spikes.
	spike = 4
)

// contrast is the comparison of one metric.
type contrast struct {
	result *Result
	logs   [2][][]float64 // until estimate
	reach  float64        // how far from its run's median a sample counts in full

	samples, beyond int // of those, beyond reach

	sides [2][]level
	tick  float64 // relative to the level
	theta float64 // threshold, as a logarithm

	persistence float64 // lag-1 autocorrelation within runs
	variance    float64 // within runs
	own         float64 // the same by the metric's samples alone
	df          float64 // of variance
	between     float64 // variance between runs
	d           float64 // difference of the levels
	se, seDF    float64 // what an alarm is held to
	expected    float64 // false alarms, if it and all that are clearer are called: see suite.adjust
	// What the interval is made of: without what is only assumed of the runs.
	shown, shownDF float64
}

// level is one run's estimate.
type level struct {
	mean, squares float64 // squares: sum of squared deviations
	n             int
	persistence   float64 // lag-1 autocorrelation, not shrunk, and
	known         float64 // one over its variance; 0: there are too few samples
	effective     float64 // samples that count
}

// newContrast prepares a metric, or returns nil if it cannot be compared.
func newContrast(m *Metric) *contrast {
	logs := [2][][]float64{}
	total := [2]int{}
	smallest := math.Inf(1)
	stray, ok := floorOf(m)
	if !ok {
		return nil
	}
	for i, side := range [][][]float64{m.Baseline, m.Current} {
		for _, run := range side {
			if len(run) == 0 {
				continue
			}
			logs[i] = append(logs[i], logarithms(run, stray))
			total[i] += len(run)
		}
		smallest = min(smallest, math.Exp(center(logs[i])))
	}
	enough := total[0] >= EnoughSamples && total[1] >= EnoughSamples
	if !enough && (len(logs[0]) < EnoughRuns || len(logs[1]) == 0) {
		return nil
	}
	c := &contrast{theta: math.Log1p(max(0, m.Threshold))}
	if m.MinChange > 0 {
		c.theta = max(c.theta, math.Log1p(m.MinChange/smallest))
	}
	if m.Tick > 0 {
		c.tick = m.Tick / smallest
	}
	c.logs = logs
	c.reach = reachOf(logs)
	for _, runs := range logs {
		for _, run := range runs {
			middle := stat.Median(run)
			for _, v := range run {
				c.samples++
				if math.Abs(v-middle) > c.reach {
					c.beyond++
				}
			}
		}
	}
	return c
}

// shortest is how many samples the run with the fewest has.
func (c *contrast) shortest() int {
	least := c.samples
	for _, runs := range c.logs {
		for _, run := range runs {
			least = min(least, len(run))
		}
	}
	return least
}

// estimate computes the levels of the runs.
func (c *contrast) estimate() {
	for i := range c.logs {
		for _, run := range c.logs[i] {
			c.sides[i] = append(c.sides[i], newLevel(run, c.reach))
		}
	}
	c.logs = [2][][]float64{}
	c.d = meanLevel(c.sides[1]) - meanLevel(c.sides[0])
}

// floorOf returns what stands for values that have no logarithm: half a tick,
// or half of the smallest positive value. It returns false if those are more
// than half of a side, or a value is not finite.
func floorOf(m *Metric) (float64, bool) {
	least := math.Inf(1)
	for _, side := range [][][]float64{m.Baseline, m.Current} {
		stray, all := 0, 0
		for _, run := range side {
			for _, v := range run {
				switch {
				case math.IsNaN(v) || math.IsInf(v, 0):
					return 0, false
				case v > 0:
					least = min(least, v)
				default:
					stray++
				}
				all++
			}
		}
		if 2*stray > all {
			return 0, false
		}
	}
	if m.Tick > 0 && m.Tick < 2*least {
		return m.Tick / 2, true
	}
	return max(least/2, math.SmallestNonzeroFloat64), true
}

// logarithms returns the logarithms of values, of stray for those that have
// none.
func logarithms(values []float64, stray float64) []float64 {
	out := make([]float64, len(values))
	for i, v := range values {
		if !(v > 0) {
			v = stray
		}
		out[i] = math.Log(v)
	}
	return out
}

// center is the median of the runs' medians.
func center(runs [][]float64) float64 {
	medians := make([]float64, len(runs))
	for i, run := range runs {
		medians[i] = stat.Median(run)
	}
	return stat.Median(medians)
}

// reachOf returns how far from a run's median a sample may be and count in
// full. The scale is that of all samples around their runs' medians: the range
// between their quartiles.
func reachOf(sides [2][][]float64) float64 {
	var residuals []float64
	for _, runs := range sides {
		for _, run := range runs {
			if len(run) < 3 {
				continue
			}
			middle := stat.Median(run)
			for _, v := range run {
				residuals = append(residuals, v-middle)
			}
		}
	}
	if len(residuals) < 2*EnoughSamples {
		return math.Inf(1)
	}
	slices.Sort(residuals)
	const quarters = 1.3489795003921634 // Φ⁻¹(3/4) − Φ⁻¹(1/4)
	scale := (stat.QuantileSorted(residuals, 0.75) - stat.QuantileSorted(residuals, 0.25)) / quarters
	if scale == 0 {
		return math.Inf(1)
	}
	return spike * scale
}

func newLevel(run []float64, reach float64) level {
	l := level{n: len(run)}
	if len(run) >= 3 && !math.IsInf(reach, 0) {
		middle := stat.Median(run)
		run = stat.Winsorise(run, middle-reach, middle+reach)
	}
	l.mean = stat.Mean(run)
	for _, v := range run {
		l.squares += square(v - l.mean)
	}
	if r := stat.Autocorrelation(run, 1); l.n >= EnoughSamples && !math.IsNaN(r) {
		// Kendall (1954), Biometrika 41(3/4), 403–404: r is low by (1+4ρ)/n.
		n := float64(l.n)
		l.persistence, l.known = (n*r+1)/(n-4), square(n-4)/n
	}
	return l
}

// meanLevel is the mean of the runs' means.
func meanLevel(runs []level) float64 {
	means := make([]float64, len(runs))
	for i := range runs {
		means[i] = runs[i].mean
	}
	return sum(means) / float64(len(means))
}

// runs returns the runs of both sides.
func (c *contrast) runs() []*level {
	var list []*level
	for i := range c.sides {
		for k := range c.sides[i] {
			list = append(list, &c.sides[i][k])
		}
	}
	return list
}

// meanVariance is what the variance within runs gives to the mean of a side.
func (c *contrast) meanVariance(side int) float64 {
	var parts []float64
	for _, l := range c.sides[side] {
		parts = append(parts, c.variance/l.effective)
	}
	return sum(parts) / square(float64(len(c.sides[side])))
}

// spreadOfMeans returns the variance of the runs' means around their side's,
// and its degrees of freedom.
func (c *contrast) spreadOfMeans() (variance float64, df int) {
	var parts []float64
	for i := range c.sides {
		mean := meanLevel(c.sides[i])
		for _, l := range c.sides[i] {
			parts = append(parts, square(l.mean-mean))
		}
		df += len(c.sides[i]) - 1
	}
	return sum(parts) / math.Max(1, float64(df)), df
}

// perRun is what the variance within runs gives to one run's mean, on
// average.
func (c *contrast) perRun() float64 {
	var parts []float64
	for _, l := range c.runs() {
		parts = append(parts, c.variance/l.effective)
	}
	return sum(parts) / float64(len(parts))
}
