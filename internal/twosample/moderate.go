package twosample

import (
	"math"

	"github.com/pacer-perf/pacer/internal/stat"
)

// moderate fits the distribution of a suite's variances, dfs[i] > 0 being the
// degrees of freedom of variances[i]: a typical one, in their unit, and how
// many degrees of freedom it is worth beside a metric's own. Both are 0 if the
// variances that are positive and finite are too few to tell.
//
// The true variances are taken to scatter around the typical one as its
// inverse χ² with df degrees of freedom does, so those that are seen follow F.
// Some dozens of them with a few degrees of freedom each do not tell df well,
// and the tails of every p-value hang on it: so it is averaged over all that
// the variances allow, as 1/df, in which tails are about linear. Before
// anything is seen, any order of magnitude is as likely as another, from
// metrics that have nothing in common to all alike.
//
// Time grows with the number of variances, sorted once.
//
// Source: the model of Smyth (2004), Stat. Appl. Genet. Mol. Biol. 3(1), 3,
// by likelihood in place of moments: those of logarithms (his section 6.2)
// see little of the upper tail where a metric has few runs.
func moderate(variances, dfs []float64) (typical, df float64) {
	const (
		steps     = 20
		low, high = 0.5, 1000 // degrees of freedom
		full      = 60        // it is known no better than that
	)
	seen, own := usable(variances, dfs)
	if len(seen) < fewMetrics {
		return 0, 0
	}
	var likelihood, logScale, inverse [steps]float64
	best := math.Inf(-1)
	scale := stat.Median(seen)
	for k := range steps {
		df := high * math.Pow(low/high, float64(k)/(steps-1))
		scale = likeliestScale(seen, own, df, scale)
		likelihood[k], logScale[k], inverse[k] = logLikelihood(seen, own, df, scale), math.Log(scale), 1/df
		best = max(best, likelihood[k])
	}
	var total, logs, inverses float64
	for k := range steps {
		weight := math.Exp(likelihood[k] - best)
		total += weight
		logs += weight * logScale[k]
		inverses += weight * inverse[k]
	}
	return math.Exp(logs / total), min(full, total/inverses)
}

// usable returns the variances that are positive and finite with their degrees
// of freedom, sorted, so that sums do not depend on the order of the metrics.
func usable(variances, dfs []float64) (seen, own []float64) {
	var v, n []float64
	for i := range variances {
		if variances[i] > 0 && !math.IsInf(variances[i], 1) && dfs[i] > 0 {
			v, n = append(v, variances[i]), append(n, dfs[i])
		}
	}
	if len(v) == 0 {
		return nil, nil
	}
	for _, i := range order(v, n) {
		seen, own = append(seen, v[i]), append(own, n[i])
	}
	return seen, own
}

// likeliestScale returns the typical variance that makes those seen likeliest,
// given df, by iteration from a first guess: the mean of the variances, each
// counting the less the further above the typical it is.
func likeliestScale(seen, own []float64, df, guess float64) float64 {
	const (
		most  = 30   // steps
		exact = 1e-4 // relative; df is known far less well
	)
	known := 0.0
	for _, n := range own {
		known += n
	}
	for range most {
		total := 0.0
		for i, n := range own {
			x := n * seen[i] / guess
			total += x * (df + n) / (df + x)
		}
		guess *= total / known
		if math.Abs(total/known-1) < exact {
			break
		}
	}
	return guess
}

// logLikelihood is that of the variances seen around a typical one, up to what
// does not depend on typical and df: the density of F with the metric's own
// degrees of freedom and df.
func logLikelihood(seen, own []float64, df, typical float64) float64 {
	total := 0.0
	for i, n := range own {
		x := seen[i] / typical
		total += logGamma((n+df)/2) - logGamma(df/2) - n/2*math.Log(df) + n/2*math.Log(x) - (n+df)/2*math.Log1p(n*x/df)
	}
	return total
}

func logGamma(x float64) float64 {
	y, _ := math.Lgamma(x)
	return y
}
