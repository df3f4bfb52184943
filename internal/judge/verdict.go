package judge

import (
	"time"

	"github.com/pacer-perf/pacer/internal/explain"
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
	Pairs    *PairsHead   `json:"pairs,omitempty"` // how the two were measured together; nil: they were not
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
	// Environment is where it was made; nil: unknown.
	Environment *run.Environment `json:"environment,omitempty"`
}

// BaselineHead says what the run was compared with.
type BaselineHead struct {
	Runs   []Head `json:"runs"`   // empty: nothing
	Chosen string `json:"chosen"` // by which rule, or why there is nothing
}

// PolicyHead says what the run was held to.
type PolicyHead struct {
	File       string  `json:"file,omitempty"`
	Budgets    int     `json:"budgets"`
	FailOn     Tier    `json:"fail_on,omitempty"`
	Confidence float64 `json:"confidence"`
	Rule       string  `json:"rule"` // how changes are told
}

// Metric is the judgement of one metric.
type Metric struct {
	Name      string            `json:"name"`
	Unit      string            `json:"unit"`
	Labels    map[string]string `json:"labels,omitempty"`
	Better    run.Better        `json:"better,omitempty"`
	Change    Change            `json:"change"`
	Ratio     *float64          `json:"ratio,omitempty"`      // current over baseline, of Statistic
	Interval  *[2]float64       `json:"interval,omitempty"`   // of the ratio, at the policy's confidence
	Statistic string            `json:"statistic,omitempty"`  // that the two were compared by
	Threshold float64           `json:"threshold,omitempty"`  // least relative change that matters
	MinChange float64           `json:"min_change,omitempty"` // least absolute change that matters, in the unit
	Levels    *[2]float64       `json:"levels,omitempty"`     // baseline and current, whose ratio Ratio is; nil: of Statistic
	N         [2]int64          `json:"n"`                    // observations: baseline, current
	Baseline  *run.Stats        `json:"baseline,omitempty"`
	Current   *run.Stats        `json:"current,omitempty"`
	Budget    *BudgetResult     `json:"budget,omitempty"`
	Test      *Test             `json:"test,omitempty"`     // how the change was told; nil: nothing to compare
	Needed    *Needed           `json:"needed,omitempty"`   // of an inconclusive change
	Moved     *Moved            `json:"moved,omitempty"`    // the last change point of its history
	Stages    []explain.Stage   `json:"stages,omitempty"`   // where the time went, of a regressed metric
	Accepted  *Accepted         `json:"accepted,omitempty"` // the waiver that covers it
	Ignored   bool              `json:"ignored,omitempty"`  // it decides nothing: by the policy, or because it has no direction
	// Muted and Acknowledged say that people know of the regression. They are
	// put there by who has the history's log of acts (package alert), and
	// decide nothing.
	Muted        *Flag    `json:"muted,omitempty"`
	Acknowledged *Flag    `json:"acknowledged,omitempty"`
	Fails        bool     `json:"fails,omitempty"` // it alone fails the run
	Reasons      []string `json:"reasons,omitempty"`
	Warnings     []string `json:"warnings,omitempty"`
}

// Test says how a change was told, and by which numbers. What a rule has no
// use for is absent.
type Test struct {
	Rule        string      `json:"rule"` // "statistics", "ratio", "count" or "pairs"
	Method      string      `json:"method"`
	P           *float64    `json:"p,omitempty"`
	Adjusted    *float64    `json:"adjusted,omitempty"`  // P, for all metrics together
	Effective   *[2]float64 `json:"effective,omitempty"` // samples on each side that count, after autocorrelation
	Within      *float64    `json:"within,omitempty"`    // relative standard deviation inside a run
	Between     *float64    `json:"between,omitempty"`   // relative standard deviation between runs of the same code
	BetweenFrom string      `json:"between_from,omitempty"`
	Place       string      `json:"place,omitempty"` // of the threshold: pacer.yaml:12:3; "": the default

	MinChangePlace string `json:"min_change_place,omitempty"` // likewise, of the least absolute change
}

// Needed says what it would take to decide.
type Needed struct {
	Samples        int     `json:"samples,omitempty"`         // on each side; 0: more samples of these runs would not
	Runs           int     `json:"runs,omitempty"`            // on each side, where runs differ more than samples do
	SmallestEffect float64 `json:"smallest_effect,omitempty"` // relative change that would have been seen in 80% of cases
}

// Moved is where the level of a metric moved for good in its history.
type Moved struct {
	Index      int        `json:"index"` // in the history, oldest first
	Run        string     `json:"run"`
	Version    string     `json:"version,omitempty"`
	Commit     string     `json:"commit,omitempty"`
	Ago        int        `json:"ago"` // runs since then; 0: the current one moved
	Before     float64    `json:"before"`
	After      float64    `json:"after"`
	Ratio      float64    `json:"ratio"`
	Interval   [2]float64 `json:"interval"`
	Confidence float64    `json:"confidence"`
	Drift      bool       `json:"drift,omitempty"` // slowly, from there on
}

// Accepted is a waiver that covers a change.
type Accepted struct {
	Reason string `json:"reason"`
	Author string `json:"author,omitempty"`
	Until  string `json:"until"` // what ends it, as people read it
	Place  string `json:"place,omitempty"`
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
	Place     string       `json:"place,omitempty"` // where the policy has it: pacer.yaml:4:3
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
	h := Head{ID: r.ID, App: r.App, Version: r.Version, Commit: r.Commit, Branch: r.Branch, Dirty: r.Dirty, Labels: r.Labels, Environment: r.Environment}
	if !r.Timestamp.IsZero() {
		at := r.Timestamp.UTC()
		h.Timestamp = &at
	}
	return h
}

// Flag is what somebody did about a regression that was found before. It
// decides nothing.
type Flag struct {
	Alert  string `json:"alert"` // id
	Author string `json:"author"`
	Reason string `json:"reason"`
	Until  string `json:"until,omitempty"` // what ends it, as people read it
}
