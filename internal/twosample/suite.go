package twosample

import (
	"math"
	"slices"

	"github.com/pacer-perf/pacer/internal/stat"
)

// What is known before anything was measured, from repeated runs of unchanged
// programs on shared machines.
const (
	priorBetween = 0.015 // relative standard deviation between runs
	priorWeight  = 1.5   // in metrics' worth, against what a suite of single runs says
	priorRuns    = 6     // in runs' worth, against what several runs say
	priorDF      = 12    // how sure the prior is where it stands alone
	priorSpread  = 6     // the same, beside a metric's own runs
	// A run tells its level no better than this many independent samples
	// would, unless several runs show that it does: whatever made its samples
	// differ may have favoured the whole of it.
	oneRun = 150
	// From how many metrics on a suite tells its own noise.
	fewMetrics = 8
)

// suite is all metrics together.
type suite struct {
	list  []*contrast
	alpha float64
}

// spikes decides where samples that are far out are drawn in: where they are
// few, in the metric as far as it can tell and in the suite. More are a second
// mode, which is what the metric is like: drawing it in would hide how much it
// varies, and now and then half of a run would be in it, whose median is no
// center then. That happens to about one run in 200 of 10 samples at the larger
// of these shares, of 5 samples at the smaller.
func (s *suite) spikes() {
	const (
		most     = 0.12
		mostFew  = 0.08 // with runs of fewer samples than
		fewInRun = 10
	)
	share, weight := s.farOut()
	for _, c := range s.list {
		limit := most
		if c.shortest() < fewInRun {
			limit = mostFew
		}
		if (float64(c.beyond)+weight*share)/(float64(c.samples)+weight) > limit {
			c.reach = math.Inf(1)
		}
		c.estimate()
	}
}

// farOut returns the share of samples that are far out in all the suite, and
// how many samples it is worth beside a metric's own: the more, the less
// metrics differ in it beyond what chance does to counts.
//
// Source: moments of the beta-binomial distribution, Kleinman (1973), JASA
// 68(341), 46–54.
func (s *suite) farOut() (share, weight float64) {
	const (
		prior  = 40   // samples, where nothing is seen; counts as fewMetrics
		utmost = 1000 // samples
	)
	beyond, samples := 0, 0
	for _, c := range s.list {
		beyond += c.beyond
		samples += c.samples
	}
	if beyond == 0 {
		return 0, prior
	}
	share = float64(beyond) / float64(samples)
	var parts []float64
	for _, c := range s.list {
		n := float64(c.samples)
		parts = append(parts, square(float64(c.beyond)-share*n)/(n*share*(1-share)))
	}
	// The correlation of samples of one metric in whether they are far out:
	// 0 where only chance makes the shares of metrics differ.
	others := float64(len(s.list) - 1)
	excess := (sum(parts) - others) / (float64(samples)/float64(len(s.list)) - 1)
	correlation := (excess + fewMetrics/(prior+1.)) / (others + fewMetrics)
	return share, 1/max(correlation, 1./utmost) - 1
}

// persistence estimates the autocorrelation of every metric: its own, shrunk
// towards the suite's by how little it can know, and how many samples count.
func (s *suite) persistence() {
	var own, weight []float64
	for _, c := range s.list {
		var parts, weights []float64
		for _, l := range c.runs() {
			parts, weights = append(parts, l.persistence*l.known), append(weights, l.known)
		}
		known := sum(weights)
		own, weight = append(own, sum(parts)/max(known, math.SmallestNonzeroFloat64)), append(weight, known)
	}
	mean, spread := shrinkage(own, weight)
	for i, c := range s.list {
		c.persistence = mean
		if weight[i] > 0 {
			c.persistence = mean + spread/(spread+1/weight[i])*(own[i]-mean)
		}
		c.persistence = clamp(c.persistence, 0, 0.95)
		for _, l := range c.runs() {
			l.effective = stat.EffectiveSizeAt(l.n, c.persistence)
		}
	}
}

// shrinkage returns the mean of the metrics' autocorrelations and their
// variance beyond what estimating them adds. A prior of no autocorrelation,
// give or take 0.3, counts as a metric of some 12 samples.
func shrinkage(own, weight []float64) (mean, spread float64) {
	const priorSpread, priorWeight = 0.3 * 0.3, 5
	total, products := float64(priorWeight), 0.0
	for _, i := range order(own, weight) {
		total += weight[i]
		products += weight[i] * own[i]
	}
	mean = products / total
	spread, total = priorWeight*priorSpread, priorWeight
	for _, i := range order(own, weight) {
		if weight[i] > 0 {
			total += weight[i]
			spread += weight[i] * (square(own[i]-mean) - 1/weight[i])
		}
	}
	return mean, max(0, spread/total)
}

// order returns indices sorted by value, so that sums do not depend on the
// order of the metrics.
func order(keys ...[]float64) []int {
	list := make([]int, len(keys[0]))
	for i := range list {
		list[i] = i
	}
	slices.SortFunc(list, func(a, b int) int {
		for _, k := range keys {
			switch {
			case k[a] < k[b]:
				return -1
			case k[a] > k[b]:
				return 1
			}
		}
		return 0
	})
	return list
}

// within estimates the variance inside runs.
func (s *suite) within() {
	variances, dfs := make([]float64, len(s.list)), make([]float64, len(s.list))
	for i, c := range s.list {
		var parts, known []float64
		for _, l := range c.runs() {
			// Autocorrelated samples lie nearer to their own mean.
			inflation := float64(l.n) / l.effective
			parts = append(parts, l.squares/(1-(inflation-1)/max(float64(l.n-1), inflation)))
			// Autocorrelated samples know less of their variance as well.
			known = append(known, float64(l.n-1)*l.effective/float64(l.n))
		}
		dfs[i] = sum(known)
		variances[i] = max(sum(parts)/math.Max(1, float64(count(c.runs()))), square(c.tick)/12)
	}
	prior, priorDF := moderate(variances, dfs)
	for i, c := range s.list {
		c.variance, c.own, c.df = variances[i], variances[i], dfs[i]
		if dfs[i] == 0 {
			continue // one sample a run: what the others vary by says nothing of it
		}
		if priorDF > 0 {
			c.variance = (dfs[i]*variances[i] + priorDF*prior) / (dfs[i] + priorDF)
			c.df += priorDF
		}
	}
}

func count(runs []*level) int {
	n := 0
	for _, l := range runs {
		n += l.n - 1
	}
	return n
}

// between estimates how much runs of the same code differ, and with it the
// standard error of every difference.
func (s *suite) between() {
	var several, single []*contrast
	for _, c := range s.list {
		if _, df := c.spreadOfMeans(); df > 0 {
			several = append(several, c)
		} else {
			single = append(single, c)
		}
	}
	betweenSeveral(several)
	betweenSingle(single)
}

// betweenSeveral judges by what runs differ by.
func betweenSeveral(list []*contrast) {
	if len(list) == 0 {
		return
	}
	spreads, withins, dfs := make([]float64, len(list)), make([]float64, len(list)), make([]float64, len(list))
	for i, c := range list {
		v, df := c.spreadOfMeans()
		spreads[i], withins[i], dfs[i] = v, c.perRun(), float64(df)
	}
	common := commonSpread(spreads, withins, dfs)
	ratios := make([]float64, len(list))
	for i := range list {
		ratios[i] = spreads[i] / (withins[i] + common)
	}
	typical, priorDF := moderate(ratios, dfs)
	if priorDF == 0 {
		typical, priorDF = 1, priorSpread
		if len(list) >= fewMetrics {
			priorDF = 2
		}
	}
	for i, c := range list {
		expected, df := typical*(withins[i]+common), priorDF
		if expected == 0 {
			df = 0 // nothing is known of it but what its own runs say
		}
		// Means of runs differ by no less than the samples in them explain.
		floor := withins[i] * min(1, c.own/max(c.variance, math.SmallestNonzeroFloat64))
		v := max((dfs[i]*spreads[i]+df*expected)/(dfs[i]+df), floor)
		c.between = max(0, v-withins[i])
		k, n := float64(len(c.sides[0])), float64(len(c.sides[1]))
		c.se = math.Sqrt(v * (1/k + 1/n))
		c.seDF = dfs[i] + df
		c.shown, c.shownDF = c.se, c.seDF
		c.result.BetweenFrom = FromRuns
	}
}

// commonSpread returns the variance between runs that metrics have in common.
func commonSpread(spreads, withins, dfs []float64) (common float64) {
	var variances, total float64
	ratio := func(i int, common float64) float64 { return spreads[i] / (withins[i] + common) }
	for range 2 { // the second time with what is extreme beside the first drawn in
		variances, total = priorRuns*square(priorBetween), priorRuns
		for _, i := range order(spreads, withins) {
			v := spreads[i]
			if common > 0 && ratio(i, common) > extreme {
				v = extreme * (withins[i] + common)
			}
			// Each tells as much as its share of what is not noise within runs.
			variances += dfs[i] * (v - withins[i])
			total += dfs[i]
		}
		common = max(0, variances/total)
	}
	return common
}

// extreme is beyond which multiple of the expected a variance is drawn in.
const extreme = 5

// betweenSingle judges one run against one.
func betweenSingle(list []*contrast) {
	for _, c := range list {
		for _, l := range c.runs() {
			l.effective = min(l.effective, oneRun)
		}
	}
	between, df, from := square(priorBetween), float64(priorDF), FromPrior
	seen := 0.0
	if len(list) >= fewMetrics {
		from = FromMetrics
		seen = beyond(list)
		seen = min(seen, beyond(unchanged(list, seen)))
		// Qn knows as much as 0.82 of the values.
		n := 0.82 * float64(len(list))
		between = (n*seen + priorWeight*square(priorBetween)) / (n + priorWeight)
		df = n + priorWeight
	}
	for _, c := range list {
		c.between = between
		w := c.meanVariance(0) + c.meanVariance(1)
		c.se = math.Sqrt(w + 2*between)
		// Welch & Satterthwaite.
		c.seDF = square(w+2*between) / (square(w)/max(c.df, 1) + square(2*between)/df)
		c.shown = math.Sqrt(w + 2*seen)
		c.shownDF = max(c.df, 1)
		c.result.BetweenFrom = from
	}
}

// beyond returns the variance between runs that makes the differences of the
// metrics differ as they do: the first quartile of the distances between any
// two of them, which half of the metrics may have changed without deciding it,
// and all of them by the same amount without a trace.
//
// Source: the estimator Qn of Rousseeuw & Croux (1993), JASA 88(424),
// 1273–1283, with each distance divided by its own standard error.
func beyond(list []*contrast) float64 {
	d, w := make([]float64, len(list)), make([]float64, len(list))
	for i, c := range list {
		d[i], w[i] = c.d, c.meanVariance(0)+c.meanVariance(1)
	}
	together(d)
	sample := order(d, w)
	if step := (len(sample) + most - 1) / most; step > 1 {
		for i := range sample[:len(sample)/step] {
			sample[i] = sample[i*step]
		}
		sample = sample[:len(sample)/step]
	}
	z := make([]float64, 0, len(sample)*(len(sample)-1)/2)
	typical := func(between float64) float64 {
		z = z[:0]
		for i, a := range sample {
			for _, b := range sample[:i] {
				z = append(z, square(d[a]-d[b])/(w[a]+w[b]+4*between))
			}
		}
		slices.Sort(z)
		return z[len(z)/4]
	}
	const quarter = 0.10153104426762156 // first quartile of χ² with one degree of freedom
	lo, hi := 0.0, 1.0
	if !(typical(lo) > quarter) {
		return 0
	}
	for range 24 {
		if mid := (lo + hi) / 2; typical(mid) > quarter {
			lo = mid
		} else {
			hi = mid
		}
	}
	return hi
}

// together takes the distance between two clusters out of differences that
// fall into two, such as those of metrics that changed by one amount and those
// that did not: what is left is what chance does to either. What chance alone
// does is one cluster, of which the best cut in two leaves 1 − 2/π of the
// variance within the halves, and with 50 metrics hardly ever half of that.
func together(d []float64) {
	const apart = 0.18
	sorted := slices.Sorted(slices.Values(d))
	n := len(sorted)
	sums, squares := make([]float64, n+1), make([]float64, n+1)
	middle := stat.Median(sorted)
	for i, v := range sorted {
		v -= middle
		sums[i+1], squares[i+1] = sums[i]+v, squares[i]+v*v
	}
	spread := func(from, to int) float64 {
		return squares[to] - squares[from] - square(sums[to]-sums[from])/float64(to-from)
	}
	cut, least := 0, apart*spread(0, n)
	for i := fewMetrics; i+fewMetrics <= n; i++ {
		if within := spread(0, i) + spread(i, n); within < least {
			cut, least = i, within
		}
	}
	if cut == 0 {
		return
	}
	distance := stat.Median(sorted[cut:]) - stat.Median(sorted[:cut])
	for i, v := range d {
		if v >= sorted[cut] {
			d[i] = v - distance
		}
	}
}

// unchanged returns the metrics whose differences are as near to the median as
// chance leaves all but a hundredth of those that did not change.
func unchanged(list []*contrast, between float64) []*contrast {
	const far = 2.5
	d := make([]float64, len(list))
	for i, c := range list {
		d[i] = c.d
	}
	middle := stat.Median(d)
	var near []*contrast
	for _, c := range list {
		if square(c.d-middle) <= far*far*(c.meanVariance(0)+c.meanVariance(1)+2*between) {
			near = append(near, c)
		}
	}
	if len(near) < fewMetrics {
		return list
	}
	return near
}

// most is how many metrics are looked at two by two; of more, evenly spread
// ones.
const most = 100
