package judge

import (
	"time"

	"github.com/pacer-perf/pacer/run"
)

// Schema names the version of the verdict document.
const Schema = "pacer.verdict/v1"

// Word is the verdict on a run.
type Word string

const (
	Pass      Word = "pass"
	Warn      Word = "warn"
	Fail      Word = "fail"
	Undecided Word = "undecided"
)

// Change is the judgement of one metric against the baseline.
type Change string

const (
	Improved     Change = "improved"
	Unchanged    Change = "unchanged"
	Regressed    Change = "regressed"
	Inconclusive Change = "inconclusive"
	New          Change = "new"
	Missing      Change = "missing"
	Incomparable Change = "incomparable"
)

// Verdict is what the judge says of a run, and the document pacer.verdict/v1.
// Values are in base units; what is not known is absent.
type Verdict struct {
	Schema   string       `json:"schema"`
	Verdict  Word         `json:"verdict"`
	App      string       `json:"app,omitempty"`
	Current  Head         `json:"current"`
	Baseline BaselineHead `json:"baseline"`
	Policy   PolicyHead   `json:"policy"`
	Metrics  []Metric     `json:"metrics"`
	Reasons  []string     `json:"reasons"` // why it is not a plain pass, gravest first
	Warnings []string     `json:"warnings"`
}

// Head identifies a run.
type Head struct {
	ID        string            `json:"id"`
	App       string            `json:"app,omitempty"`
	Version   string            `json:"version,omitempty"`
	Commit    string            `json:"commit,omitempty"`
	Branch    string            `json:"branch,omitempty"`
	Dirty     bool              `json:"dirty,omitempty"`
	Timestamp *time.Time        `json:"timestamp,omitempty"`
	Labels    map[string]string `json:"labels,omitempty"`
}

// BaselineHead says what the run was compared with.
type BaselineHead struct {
	Runs   []Head `json:"runs"`   // empty: nothing
	Chosen string `json:"chosen"` // by which rule, or why there is nothing
}

// PolicyHead says what the run was held to.
type PolicyHead struct {
	File    string `json:"file,omitempty"`
	Budgets int    `json:"budgets"`
	FailOn  Tier   `json:"fail_on,omitempty"`
	Rule    string `json:"rule"` // how changes are told
}

// Metric is the judgement of one metric.
type Metric struct {
	Name      string            `json:"name"`
	Unit      string            `json:"unit"`
	Labels    map[string]string `json:"labels,omitempty"`
	Better    run.Better        `json:"better,omitempty"`
	Change    Change            `json:"change"`
	Ratio     *float64          `json:"ratio,omitempty"`     // current over baseline, of Statistic
	Statistic string            `json:"statistic,omitempty"` // that the two were compared by
	N         [2]int64          `json:"n"`                   // observations: baseline, current
	Baseline  *run.Stats        `json:"baseline,omitempty"`
	Current   *run.Stats        `json:"current,omitempty"`
	Budget    *BudgetResult     `json:"budget,omitempty"`
	Fails     bool              `json:"fails,omitempty"` // it alone fails the run
	Reasons   []string          `json:"reasons,omitempty"`
	Warnings  []string          `json:"warnings,omitempty"`
}

// Key is the metric's name and labels.
func (m *Metric) Key() string { return run.Key(m.Name, m.Labels) }

// BudgetResult is how a metric stands in its budget. Value is absent where the
// statistic was not measured; a limit where the budget has no such tier.
type BudgetResult struct {
	Status    BudgetStatus `json:"status"`
	Statistic string       `json:"statistic"`
	Value     *float64     `json:"value,omitempty"`
	Target    *float64     `json:"target,omitempty"`
	Warning   *float64     `json:"warning,omitempty"`
	Critical  *float64     `json:"critical,omitempty"`
}

func (b *BudgetResult) slot(t Tier) **float64 {
	switch t {
	case Target:
		return &b.Target
	case Warning:
		return &b.Warning
	}
	return &b.Critical
}

func (b *BudgetResult) set(t Tier, limit float64) { *b.slot(t) = &limit }

func (b *BudgetResult) limit(t Tier) (float64, bool) {
	if p := *b.slot(t); p != nil {
		return *p, true
	}
	return 0, false
}

// Limit returns the limit that a reader wants beside the value: the one of the
// highest tier that was exceeded, else the lowest that is defined. It returns
// false if there is none.
func (b *BudgetResult) Limit() (Tier, float64, bool) {
	for i := len(tiers) - 1; i >= 0; i-- {
		if limit, ok := b.limit(tiers[i]); ok && b.Status == statusOf[tiers[i]] {
			return tiers[i], limit, true
		}
	}
	for _, t := range tiers {
		if limit, ok := b.limit(t); ok {
			return t, limit, true
		}
	}
	return "", 0, false
}

// ExitStatus is the exit status of a gate: 0 pass, 1 fail, and for undecided
// 3 if strict, else 0.
func (v *Verdict) ExitStatus(strict bool) int {
	switch {
	case v.Verdict == Fail:
		return 1
	case v.Verdict == Undecided && strict:
		return 3
	}
	return 0
}

// HeadOf identifies a run.
func HeadOf(r *run.Run) Head {
	h := Head{ID: r.ID, App: r.App, Version: r.Version, Commit: r.Commit, Branch: r.Branch, Dirty: r.Dirty, Labels: r.Labels}
	if !r.Timestamp.IsZero() {
		at := r.Timestamp.UTC()
		h.Timestamp = &at
	}
	return h
}
