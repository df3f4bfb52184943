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
// few, in the metric as far as it can tell and in the suite. A tenth of the
// samples far out is a second mode, which is what the metric is like, and
// drawing it in would hide how much it varies.
func (s *suite) spikes() {
	const (
		most   = 0.08
		weight = 40 // of the suite's share, in samples
	)
	beyond, samples := 0, 0
	for _, c := range s.list {
		beyond += c.beyond
		samples += c.samples
	}
	share := float64(beyond) / math.Max(1, float64(samples))
	for _, c := range s.list {
		if (float64(c.beyond)+weight*share)/(float64(c.samples)+weight) > most {
			c.reach = math.Inf(1)
		}
		c.estimate()
	}
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

// moderate fits the distribution of the suite's variances: a typical one and
// how many degrees of freedom it is worth beside a metric's own, 0 if the
// metrics have nothing in common or are too few to tell.
//
// Source: Smyth (2004), section 6.2; extremes drawn in as in Phipson et al.
// (2016), Ann. Appl. Stat. 10(2), 946–963.
func moderate(variances, dfs []float64) (typical, df float64) {
	var z, noise []float64
	for i, v := range variances {
		if v > 0 && dfs[i] > 0 {
			z = append(z, math.Log(v)-digamma(dfs[i]/2)+math.Log(dfs[i]/2))
			noise = append(noise, trigamma(dfs[i]/2))
		}
	}
	if len(z) < fewMetrics {
		return 0, 0
	}
	slices.Sort(z)
	slices.Sort(noise)
	z = stat.Winsorise(z, stat.QuantileSorted(z, 0.05), stat.QuantileSorted(z, 0.95))
	mean := stat.Mean(z)
	excess := stat.Variance(z) - stat.Mean(noise)
	const full = 60
	if excess <= trigamma(full/2) {
		return math.Exp(mean + digamma(full/2.) - math.Log(full/2.)), full
	}
	df = 2 * trigammaInverse(excess)
	return math.Exp(mean + digamma(df/2) - math.Log(df/2)), df
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
	_, priorDF := moderate(ratios, dfs)
	if priorDF == 0 {
		priorDF = priorSpread
		if len(list) >= fewMetrics {
			priorDF = 2
		}
	}
	for i, c := range list {
		expected := withins[i] + common
		// Means of runs differ by no less than the samples in them explain.
		floor := withins[i] * min(1, c.own/max(c.variance, math.SmallestNonzeroFloat64))
		v := max((dfs[i]*spreads[i]+priorDF*expected)/(dfs[i]+priorDF), floor)
		c.between = max(0, v-withins[i])
		k, n := float64(len(c.sides[0])), float64(len(c.sides[1]))
		c.se = math.Sqrt(v * (1/k + 1/n))
		c.seDF = dfs[i] + priorDF
		c.shown, c.shownDF = c.se, c.seDF
		c.result.BetweenFrom = FromRuns
	}
}

// commonSpread returns the variance between runs that metrics have in common,

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
