package report

import (
	"time"

	"github.com/pacer-perf/pacer/run"
)

// Trend is the history of metrics and where their levels moved: the document
// of pacer trend. Values are in base units; what is not known is absent.
type Trend struct {
	Metrics  []TrendMetric `json:"metrics"`
	Warnings []string      `json:"warnings,omitempty"`
}

// TrendMetric is the history of one metric.
type TrendMetric struct {
	Name         string            `json:"name"`
	Unit         string            `json:"unit"`
	Labels       map[string]string `json:"labels,omitempty"`
	App          string            `json:"app,omitempty"`
	RunLabels    map[string]string `json:"run_labels,omitempty"`
	Better       run.Better        `json:"better,omitempty"`
	N            int               `json:"n"`
	ChangePoints []ChangePoint     `json:"change_points"`
	Points       []TrendPoint      `json:"-"` // N of them, oldest first
	Tick         float64           `json:"-"` // resolution of the values; 0: unknown
}

// Key is the metric's name and labels.
func (m *TrendMetric) Key() string { return run.Key(m.Name, m.Labels) }

// TrendPoint is one value of a history.
type TrendPoint struct {
	Index   int // of its run, 0 the oldest; a run without a value leaves a gap
	Value   float64
	Time    time.Time // zero: not known, as what else is empty
	Run     string
	Version string
	Commit  string
}

// ChangePoint is a place where the level of a metric moved for good.
type ChangePoint struct {
	Index      int         `json:"index"` // of the first run of the new level
	Time       *time.Time  `json:"time,omitempty"`
	Run        string      `json:"run,omitempty"`
	Version    string      `json:"version,omitempty"`
	Commit     string      `json:"commit,omitempty"`
	Before     float64     `json:"before"`
	After      float64     `json:"after"`
	Ratio      *float64    `json:"ratio,omitempty"`      // after over before, where both are positive
	Interval   *[2]float64 `json:"interval,omitempty"`   // of the ratio
	Difference *[2]float64 `json:"difference,omitempty"` // interval of after minus before, where values are not positive
	Confidence float64     `json:"confidence"`
	Drift      bool        `json:"drift,omitempty"` // it moved slowly, from index to end
	End        int         `json:"end,omitempty"`   // of a drift: index of the first run of the new level
	At         int         `json:"-"`               // index into Points
}
