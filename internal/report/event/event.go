// Package event says verdicts to other programs: the body of a webhook.
//
// It holds the verdict without the metrics that need nobody, so that it stays
// small; the verdict document itself is for who wants them all.
package event

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"time"

	"github.com/pacer-perf/pacer/internal/judge"
	"github.com/pacer-perf/pacer/internal/report"
)

// Type names the event, as the body does.
const Type = "pacer.verdict"

// most is how many metrics an event lists.
const most = 50

// Event is the body of a webhook.
type Event struct {
	Type string    `json:"type"`
	At   time.Time `json:"timestamp"` // when the current run was made, else when this was
	Data Data      `json:"data"`
}

// Data is the verdict. Its parts are those of pacer.verdict/v1.
type Data struct {
	Verdict  judge.Word         `json:"verdict"`
	Headline string             `json:"headline"` // the one fact, in words
	Summary  string             `json:"summary"`  // how many metrics are what
	URL      string             `json:"url,omitempty"`
	App      string             `json:"app,omitempty"`
	Current  judge.Head         `json:"current"`
	Baseline judge.BaselineHead `json:"baseline"`
	Metrics  []judge.Metric     `json:"metrics"` // that need a person, gravest first
	More     int                `json:"more,omitempty"`
	Reasons  []string           `json:"reasons"`
}

// New returns the event of a verdict.
func New(r *report.Report) Event {
	v := r.Verdict
	e := Event{Type: Type, At: r.At.UTC()}
	if v.Current.Timestamp != nil {
		e.At = v.Current.Timestamp.UTC()
	}
	itself := func(s string) string { return s }
	_, headline := report.Headline(v, itself, itself)
	e.Data = Data{Verdict: v.Verdict, Headline: headline, Summary: report.Counts(v.Metrics), URL: r.URL, App: report.App(&v.Current),
		Current: v.Current, Baseline: v.Baseline, Metrics: []judge.Metric{}, Reasons: report.OtherReasons(v)}
	if e.Data.Reasons == nil {
		e.Data.Reasons = []string{}
	}
	for _, m := range report.ByGravity(v.Metrics) {
		switch {
		case !report.NeedsPerson(&m):
		case len(e.Data.Metrics) == most:
			e.Data.More++
		default:
			e.Data.Metrics = append(e.Data.Metrics, m)
		}
	}
	return e
}

// ID names the event by its content: the same verdict has the same one however
// often it is sent.
func (e *Event) ID() (string, error) {
	body, err := json.Marshal(e.Data)
	if err != nil {
		return "", err
	}
	hash := sha256.Sum256(body)
	return "verdict_" + hex.EncodeToString(hash[:12]), nil
}

// Write writes the body.
func Write(w io.Writer, r *report.Report) error {
	body, err := json.Marshal(New(r))
	if err != nil {
		return err
	}
	_, err = w.Write(append(body, '\n'))
	return err
}
