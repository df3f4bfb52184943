package policy

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/unit"
	"github.com/pacer-perf/pacer/run"
)

// MinRuns is how many comparable runs Suggest needs: fewer say too little of
// how much runs of the same code differ.
const MinRuns = 5

// TooFewError is a history that is too short to suggest anything from.
type TooFewError struct{ Have int }

func (e *TooFewError) Error() string {
	return fmt.Sprintf("%d comparable runs are too few to suggest budgets from: expected at least %d", e.Have, MinRuns)
}

const (
	defaultChange = 0.05 // least relative change that matters, unless noise asks for more
	headroom      = 0.10 // least distance of a budget from the worst that was seen
	deviations    = 3    // how far noise reaches: standard deviations between runs
)

// Suggest proposes a policy from comparable runs, oldest first, as the text of
// a pacer.yaml. Equal runs give equal bytes. The error is a *TooFewError.
//
// A budget lies above the worst value that any run had of the statistic that a
// budget holds, by 10 % or three standard deviations between runs, whichever is
// more, rounded outwards to two digits. Stages and what the Go runtime reports
// of itself get none. A threshold is proposed where three standard deviations
// are more than the default of 5 %, or where two ticks of the clock are.
//
// The standard deviation between runs is that of successive differences, by
// their median, so that neither a step in the history nor a spike counts as
// noise: 1.4826·median|x[i+1]−x[i]|/√2.
//
// Source: von Neumann et al. (1941), Ann. Math. Statist. 12(2), 153–162, for
// successive differences; Hampel (1974), JASA 69, 383–393, for the median.
func Suggest(runs []*run.Run) ([]byte, error) {
	if len(runs) < MinRuns {
		return nil, &TooFewError{Have: len(runs)}
	}
	newest := runs[len(runs)-1]
	var budgets, thresholds []line
	quiet := 0
	var short []string
	for _, h := range histories(runs) {
		if len(h.centers) < MinRuns {
			short = append(short, fmt.Sprintf("%s (%d)", h.metric.Key(), len(h.centers)))
			continue
		}
		if b, ok := h.budget(); ok {
			budgets = append(budgets, line{metric: scalar(string(b.Metric)), rule: "{target: " + b.Target + "}", why: b.Why})
		}
		if l, ok := h.threshold(); ok {
			thresholds = append(thresholds, l)
		} else {
			quiet++
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# Suggested from %d comparable runs.\n", len(runs))
	if newest.App != "" {
		fmt.Fprintf(&b, "app: %s\n", scalar(newest.App))
	}
	write(&b, "budgets", budgets)
	write(&b, "thresholds", thresholds)
	if quiet > 0 {
		fmt.Fprintf(&b, "# Metrics for which the default threshold is enough: %d.\n", quiet)
	}
	if len(short) > 0 {
		fmt.Fprintf(&b, "# In too few runs (%d are needed): %s\n", MinRuns, strings.Join(short, ", "))
	}
	return []byte(b.String()), nil
}

// Suggestion is a budget that past runs call for.
type Suggestion struct {
	Metric judge.Pattern
	Target string // as policies have it: 190ms
	Why    string
}

// SuggestBudgets proposes the budgets that Suggest does, by metric.
func SuggestBudgets(runs []*run.Run) ([]Suggestion, error) {
	if len(runs) < MinRuns {
		return nil, &TooFewError{Have: len(runs)}
	}
	var list []Suggestion
	for _, h := range histories(runs) {
		if b, ok := h.budget(); ok {
			list = append(list, b)
		}
	}
	return list, nil
}

// histories returns what runs, oldest first, measured of each metric of the
// newest.
func histories(runs []*run.Run) []past {
	measured := make(map[string][]*run.Metric) // by identity, oldest first
	for _, r := range runs {
		for i := range r.Metrics {
			if m := &r.Metrics[i]; m.Count() > 0 {
				measured[identity(m)] = append(measured[identity(m)], m)
			}
		}
	}
	var list []past
	for _, m := range Metrics(runs[len(runs)-1:]) {
		list = append(list, historyOf(m, measured[identity(m)]))
	}
	return list
}

// line is one rule, and why.
type line struct{ metric, rule, why string }

func write(b *strings.Builder, key string, lines []line) {
	if len(lines) == 0 {
		return
	}
	left, right := 0, 0
	for _, l := range lines {
		left, right = max(left, len(l.metric)), max(right, len(l.rule))
	}
	fmt.Fprintf(b, "%s:\n", key)
	for _, l := range lines {
		fmt.Fprintf(b, "  %-*s %-*s  # %s\n", left+1, l.metric+":", right, l.rule, l.why)
	}
}

// past is what runs measured of one metric.
type past struct {
	metric    *run.Metric
	statistic string
	held      []float64 // the statistic that a budget holds
	centers   []float64
	noise     float64 // standard deviation between runs, relative to the center; NaN: not known
}

func historyOf(newest *run.Metric, measured []*run.Metric) past {
	h := past{metric: newest, statistic: judge.DefaultStatistic(newest)}
	for _, m := range measured {
		held, err := m.Statistic(h.statistic)
		if err == nil && !math.IsNaN(held) {
			h.held = append(h.held, held)
		}
		if center, _ := m.Center(); !math.IsNaN(center) {
			h.centers = append(h.centers, center)
		}
	}
	h.noise = noise(h.centers)
	return h
}

// noise returns the standard deviation between successive values, relative to
// their median. Where most of them are equal, as counts are, it goes by the
// mean difference. It is NaN if the median is not above zero.
func noise(values []float64) float64 {
	center := median(values)
	if len(values) < 2 || !(center > 0) {
		return math.NaN()
	}
	steps := make([]float64, len(values)-1)
	sum := 0.0
	for i := range steps {
		steps[i] = math.Abs(values[i+1]-values[i]) / center
		sum += steps[i]
	}
	if m := median(steps); m > 0 {
		return 1.4826 * m / math.Sqrt2
	}
	// For normal values the mean difference of two is 2σ/√π.
	return sum / float64(len(steps)) * math.Sqrt(math.Pi) / 2
}

func median(values []float64) float64 {
	s := slices.Sorted(slices.Values(values))
	switch n := len(s); {
	case n == 0:
		return math.NaN()
	case n%2 == 1:
		return s[n/2]
	default:
		return s[n/2-1]/2 + s[n/2]/2
	}
}

// ofTheRuntime tells what every Go program reports, and nobody plans.
func ofTheRuntime(name string) bool {
	return strings.HasPrefix(name, "go.") || strings.HasPrefix(name, "gc.")
}

func (h *past) budget() (Suggestion, bool) {
	m := h.metric
	direction := m.Direction()
	if direction == "" || strings.Contains(m.Name, "/") || ofTheRuntime(m.Name) || len(h.held) < MinRuns || math.IsNaN(h.noise) {
		return Suggestion{}, false
	}
	room := max(headroom, deviations*h.noise)
	worst, limit := slices.Max(h.held), ""
	if direction == run.Higher {
		worst = slices.Min(h.held)
		limit = quantityText(worst*max(0, 1-room), m.Unit, false)
	} else {
		limit = quantityText(worst*(1+room), m.Unit, true)
	}
	if worst <= 0 || limit == "" {
		return Suggestion{}, false
	}
	if rounded, _, err := unit.Parse(limit); err == nil {
		room = math.Round(1000*math.Abs(rounded/worst-1)) / 1000 // what was rounded is part of it
	}
	return Suggestion{
		Metric: judge.PatternOf(m.Name, m.Labels), Target: limit,
		Why: fmt.Sprintf("%s; the worst %s of %d runs is %s; runs differ by %s", above(room, direction), h.statistic, len(h.held), unit.Format(worst, m.Unit), percentText(h.noise)),
	}, true
}

func above(room float64, direction run.Better) string {
	if direction == run.Higher {
		return "-" + percentText(room)
	}
	return "+" + percentText(room)
}

func (h *past) threshold() (line, bool) {
	m := h.metric
	if math.IsNaN(h.noise) || m.Direction() == "" {
		return line{}, false
	}
	change := max(defaultChange, deviations*h.noise)
	change = math.Ceil(change*100-1e-9) / 100
	var rules, why []string
	if change > defaultChange {
		rules = append(rules, fmt.Sprintf("change: %.0f%%", min(change, maxChange)*100))
		why = append(why, fmt.Sprintf("%d runs differ by %s", len(h.centers), percentText(h.noise)))
	}
	center := median(h.centers)
	if tick := h.tick(); 2*tick > change*center {
		if text := quantityText(2*tick, m.Unit, true); text != "" {
			rules = append(rules, "min_change: "+text)
			why = append(why, "it is read in steps of "+unit.Format(tick, m.Unit))
		}
	}
	return line{metric: scalar(string(judge.PatternOf(m.Name, m.Labels))), rule: "{" + strings.Join(rules, ", ") + "}", why: strings.Join(why, "; ")}, len(rules) > 0
}

// tick returns the step in which the metric is read: of times what they say,
// else the smallest step between samples, 0 if there is none.
func (h *past) tick() float64 {
	if h.metric.Resolution > 0 && h.metric.Unit == unit.Seconds {
		return h.metric.Resolution
	}
	s := slices.Sorted(slices.Values(h.metric.Samples))
	least := 0.0
	for i := 1; i < len(s); i++ {
		if d := s[i] - s[i-1]; d > 0 && (least == 0 || d < least) {
			least = d
		}
	}
	if len(s) < 10 { // two samples differ by anything
		return 0
	}
	return least
}

func percentText(x float64) string {
	digits := 1
	if x >= 0.1 {
		digits = 0
	}
	return strconv.FormatFloat(x*100, 'f', digits, 64) + "%"
}

// scale is a way to write a quantity: how large 1 of it is.
type scale struct {
	name string
	size float64
}

// quantityText writes a quantity as policies do, rounded to two digits, up or
// down: 190ms, 1.3GB, 870 items/s. It is empty for what is not above zero.
func quantityText(v float64, base string, up bool) string {
	if !(v > 0) || math.IsInf(v, 0) {
		return ""
	}
	scales := []scale{{"", 1}}
	switch base {
	case unit.Seconds:
		scales = []scale{{"s", 1}, {"ms", 1e-3}, {"us", 1e-6}, {"ns", 1e-9}}
	case unit.Bytes:
		scales = []scale{{"GB", 1 << 30}, {"MB", 1 << 20}, {"KB", 1 << 10}, {"B", 1}}
	case unit.Speed:
		scales = []scale{{" items/s", 1}}
	}
	s := scales[len(scales)-1]
	for _, candidate := range scales {
		if v >= candidate.size {
			s = candidate
			break
		}
	}
	return twoDigits(v/s.size, up) + s.name
}

// twoDigits rounds a positive number to two digits, away from where it was
// measured.
func twoDigits(v float64, up bool) string {
	exponent := int(math.Floor(math.Log10(v))) - 1
	digits := math.Floor(v/math.Pow10(exponent) + 1e-9)
	if up {
		digits = math.Ceil(v/math.Pow10(exponent) - 1e-9)
	}
	// Through its text, so that 0.13 is not 0.13000000000000000.
	rounded, _ := strconv.ParseFloat(fmt.Sprintf("%.0fe%d", digits, exponent), 64)
	return strconv.FormatFloat(rounded, 'f', -1, 64)
}
